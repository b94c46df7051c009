"""From a picture and settings to the bytes of a file and a report, with the networks that the settings name."""

from dataclasses import replace
from typing import TYPE_CHECKING

from ..progress import OnProgress
from .bitstream.header import FILE
from .reports import CompressReport, compress_report
from .settings import AUTO, CompressSettings

if TYPE_CHECKING:
    from ..image_io.images import Picture
    from ..models.interface.hierarchy import Hierarchy
    from .lossless import methods


def lossy(picture: "Picture", settings: CompressSettings, on_progress: OnProgress) -> tuple[bytes, CompressReport]:
    """Compress a picture to a lossy file; return its bytes and a report without sizes of the source and seconds."""
    from . import loading
    from .lossy import encoder

    weights = loading.choose(settings.weights, perceptual=settings.perceptual)
    hierarchy = loading.hierarchy(weights, settings.device)
    made = encoder.compress(picture, hierarchy, weights.id, settings, on_progress)
    report = compress_report(picture, made.data, made.symbol_bytes, made.chunks, _named(hierarchy, made.layer_bits))
    return made.data, replace(
        report, quality=made.quality / 256, weights=weights.name, psnr=made.psnr, ssimulacra2=made.ssimulacra2
    )


def lossless(
    picture: "Picture", settings: CompressSettings, original: bytes, on_progress: OnProgress
) -> tuple[bytes, CompressReport]:
    """Compress a picture, perhaps with its image file, to a lossless file; return its bytes and such a report."""
    from . import loading
    from .lossless import methods

    def load() -> "methods.Model | None":
        return loading.lossless_model(settings.weights, settings.device, required=settings.method == "model")

    def load_bilevel() -> "methods.BilevelNetworks | None":
        return loading.bilevel(required=settings.method == "bilevel")

    made = methods.compress(picture, settings.method or AUTO, load, load_bilevel=load_bilevel, original=original)
    report = compress_report(picture, made.data, made.pixel_bytes, made.chunks, made.layer_bits)
    dropped = () if made.method == FILE else report.dropped
    return made.data, replace(report, weights=made.weights, method=made.method, dropped=dropped)


def _named(hierarchy: "Hierarchy", bits: tuple[float, ...]) -> tuple[tuple[str, float], ...]:
    return tuple(zip((layer.name for layer in hierarchy.layers), bits, strict=True))
