"""Files in, files out: what the command line stands on. Nothing here prints; every failure is a DvcodecError."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FormatError, InvalidArgument
from ..image_io import atomic
from ..image_io.memory import enough_memory
from .bitstream.header import MAGIC
from .bitstream.info import Info, describe

if TYPE_CHECKING:
    from ..image_io.images import Picture
    from ..models.interface.hierarchy import Hierarchy, PageModel, PixelModel
    from .decoder import Decoded
    from .lossless import methods

Preview = int | str | None
"""None: the whole file, strictly. N >= 1: the first N chunks. "all": every chunk that is whole."""


@dataclass(frozen=True)
class Settings:
    """How to compress. At most one of quality and the three targets is set; none means quality 50."""

    quality: float | None = None
    """1 to 100."""
    target_bpp: float | None = None
    """File bits per pixel, at most."""
    target_size: int | None = None
    """File bytes, at most."""
    target_psnr: float | None = None
    """dB over the colour channels, at least."""
    weights: str | None = None
    """Name or path; None stands for the default weights."""
    device: str = "auto"
    """ "auto", "cpu" or "cuda"."""
    strip: bool = False
    """Drop EXIF, ICC and XMP."""
    lossless: bool = False
    """Keep every pixel, and the mode; excludes quality and targets."""
    method: str | None = None
    """How lossless pixels are coded, one of METHODS; None stands for "auto", the smallest file."""
    effort: int | None = None
    """Of lossy files: walks over the image, 1 to 9. More take longer and show more in about as many bytes. None: 4."""
    tune: str | None = None
    """Of lossy files: "psnr" weighs all errors alike, "perceptual" those more that show. None: "psnr"."""


@dataclass(frozen=True)
class CompressReport:
    """What one compression did."""

    width: int
    height: int
    mode: str
    """RGB, RGBA, L or LA, and in lossless files 1, P or PA too: the mode that comes back."""
    source_bytes: int
    """0 where the source was no file."""
    bytes: int
    bpp: float
    """File bits per pixel."""
    quality: float | None
    """The one used, also where a target was asked for; None in lossless files."""
    weights: str | None
    """None in lossless files that need none."""
    psnr: float | None
    """dB; only where it was the target."""
    chunks: int
    layer_bits: tuple[tuple[str, float], ...]
    """(layer name, bits) as coded: the sum of -log2 p."""
    overhead_bytes: int
    """File bytes that are not symbols: header, alpha, metadata."""
    seconds: float
    method: str | None = None
    """Of a lossless file: how its pixels are coded."""


@dataclass(frozen=True)
class DecompressReport:
    """What one decompression did."""

    width: int
    height: int
    mode: str
    source_bytes: int
    bytes: int
    """Of the image file written; 0 for verify."""
    chunks: int
    """Chunks decoded, of `total_chunks`."""
    total_chunks: int
    dropped: tuple[str, ...]
    """Metadata that the output format cannot hold: "ICC", "EXIF", "XMP"."""
    seconds: float
    exact: bool = False
    """Whether the pixels are those of the original."""


def compress_data(data: bytes, settings: Settings) -> tuple[bytes, CompressReport]:
    """Compress an image file's bytes (PNG, JPEG, ...: anything Pillow opens) to the bytes of a .dvq file."""
    from ..image_io import images

    start = time.perf_counter()
    return compress_picture(images.read(data, exact=settings.lossless), settings, source_bytes=len(data), start=start)


def compress_file(source: Path, target: Path, settings: Settings, *, force: bool = False) -> CompressReport:
    """Compress `source` to `target`, atomically. OutputExists, before any work is done, unless `force`."""
    atomic.check_target(source, target, force=force)
    data, report = compress_data(_read(source), settings)
    atomic.write(target, data, force=force)
    return report


def compress_picture(
    picture: "Picture", settings: Settings, *, source_bytes: int = 0, start: float | None = None
) -> tuple[bytes, CompressReport]:
    """Compress a picture in memory; `start` is the perf_counter() from which the report's seconds run."""
    start = time.perf_counter() if start is None else start
    check(settings)
    with enough_memory(*picture.pixels.shape[:2]):
        data, report = (_lossless if settings.lossless else _lossy)(picture, settings)
    return data, replace(report, source_bytes=source_bytes, seconds=time.perf_counter() - start)


def check(settings: Settings) -> None:
    """Refuse settings that contradict each other. InvalidArgument."""
    aims = (settings.quality, settings.target_bpp, settings.target_size, settings.target_psnr)
    if settings.lossless and any(aim is not None for aim in aims):
        raise InvalidArgument("lossless excludes a quality and targets", "choose one")
    if settings.method is not None and not settings.lossless:
        raise InvalidArgument("a method is of lossless files only", "set lossless too")
    if settings.lossless and (settings.effort is not None or settings.tune is not None):
        raise InvalidArgument("effort and tuning are of lossy files only", "leave them out")


def _lossy(picture: "Picture", settings: Settings) -> tuple[bytes, CompressReport]:
    from . import loading
    from .lossy import encoder

    weights = loading.choose(settings.weights)
    hierarchy = loading.hierarchy(weights, settings.device)
    goal = encoder.Goal(settings.quality, settings.target_bpp, settings.target_size, settings.target_psnr)
    effort, perceptual = encoder.effort_of(settings.effort), encoder.perceptual_of(settings.tune)
    made = encoder.compress(
        picture, hierarchy, weights.id, goal, strip=settings.strip, effort=effort, perceptual=perceptual
    )
    report = _report(picture, made.data, made.symbol_bytes, made.chunks, _named(hierarchy, made.layer_bits))
    return made.data, replace(report, quality=made.quality / 256, weights=weights.name, psnr=made.psnr)


def _lossless(picture: "Picture", settings: Settings) -> tuple[bytes, CompressReport]:
    from . import loading
    from .lossless import methods

    def load() -> "methods.Model | None":
        return loading.lossless_model(settings.weights, settings.device, required=settings.method == "model")

    def load_pages() -> "methods.Pages | None":
        return loading.pages(settings.device, required=settings.method == "bilevel")

    method = settings.method or methods.AUTO
    made = methods.compress(picture, method, load, strip=settings.strip, load_pages=load_pages)
    report = _report(picture, made.data, made.pixel_bytes, made.chunks, made.layer_bits)
    return made.data, replace(report, weights=made.weights, method=made.method)


def _named(hierarchy: "Hierarchy", bits: tuple[float, ...]) -> tuple[tuple[str, float], ...]:
    return tuple(zip((layer.name for layer in hierarchy.layers), bits, strict=True))


def _report(
    picture: "Picture", data: bytes, coded: int, chunks: int, layer_bits: tuple[tuple[str, float], ...]
) -> CompressReport:
    """What lossy and lossless files report alike; `coded` are the bytes that are not overhead."""
    height, width = picture.pixels.shape[:2]
    return CompressReport(
        width=width,
        height=height,
        mode=picture.mode,
        source_bytes=0,
        bytes=len(data),
        bpp=8 * len(data) / (width * height),
        quality=None,
        weights=None,
        psnr=None,
        chunks=chunks,
        layer_bits=layer_bits,
        overhead_bytes=len(data) - coded,
        seconds=0.0,
    )


def decompress_data(
    data: bytes, *, format: str = "PNG", preview: Preview = None, device: str = "auto"
) -> tuple[bytes, DecompressReport]:
    """Decompress a .dvq file's bytes to an image file's bytes; `format` is Pillow's name of it."""
    from ..image_io import images

    start = time.perf_counter()
    decoded = decompress_picture(data, preview=preview, device=device)
    file, dropped = images.write(decoded.picture, format)
    height, width = decoded.picture.pixels.shape[:2]
    mode, seconds = decoded.picture.mode, time.perf_counter() - start
    return file, DecompressReport(
        width, height, mode, len(data), len(file), decoded.chunks, decoded.total, dropped, seconds, decoded.exact
    )


def decompress_file(
    source: Path, target: Path, *, force: bool = False, preview: Preview = None, device: str = "auto"
) -> DecompressReport:
    """Decompress to the format that target's suffix names, atomically. OutputExists unless `force`."""
    atomic.check_target(source, target, force=force)
    format = format_of(target)
    file, report = decompress_data(_read(source, own=True), format=format, preview=preview, device=device)
    atomic.write(target, file, force=force)
    return report


def decompress_picture(data: bytes, *, preview: Preview = None, device: str = "auto") -> "Decoded":
    """Decompress a .dvq file's bytes to a picture in memory."""
    from . import decoder

    loaders = _pixel_loader(device), _page_loader(device)
    return decoder.decompress(data, _loader(device), preview=preview, load_pixels=loaders[0], load_pages=loaders[1])


def verify_data(data: bytes, *, device: str = "auto") -> DecompressReport:
    """Decode everything (symbols, alpha, metadata), check every checksum, write nothing. Raises what is wrong."""
    from . import decoder

    start = time.perf_counter()
    loaders = _pixel_loader(device), _page_loader(device)
    container = decoder.verify(data, _loader(device), load_pixels=loaders[0], load_pages=loaders[1])
    header, chunks = container.header, len(container.chunks)
    seconds = time.perf_counter() - start
    exact = header.lossless is not None
    return DecompressReport(header.width, header.height, header.mode, len(data), 0, chunks, chunks, (), seconds, exact)


def verify_file(source: Path, *, device: str = "auto") -> DecompressReport:
    """Verify a file: see verify_data."""
    return verify_data(_read(source, own=True), device=device)


def inspect_data(data: bytes) -> Info:
    """Describe a .dvq file by its header: no torch, no weights needed. A cut file is described, not refused."""
    return describe(data)


def inspect_file(source: Path) -> Info:
    """Describe a file: see inspect_data."""
    return describe(_read(source, own=True))


def format_of(target: Path) -> str:
    """Return Pillow's name of the format that target's suffix stands for, or raise OutputFailed."""
    from ..image_io import images

    return images.format_of(target)


def _read(source: Path, *, own: bool = False) -> bytes:
    """Return a file's bytes; what goes wrong is one line. Of one that should be our `own` and is not, a few of them."""
    try:
        with source.open("rb") as file:
            start = file.read(len(MAGIC))
            return start if own and start != MAGIC else start + file.read()
    except OSError as error:
        raise FormatError(f"cannot read the file: {error.strerror or error}") from error


def _loader(device: str) -> "Callable[[bytes], Hierarchy]":
    from . import loading

    return lambda prefix: loading.hierarchy_by_id(prefix, device)


def _pixel_loader(device: str) -> "Callable[[bytes], PixelModel]":
    from . import loading

    return lambda prefix: loading.pixel_model_by_id(prefix, device)


def _page_loader(device: str) -> "Callable[[bytes], PageModel]":
    from . import loading

    return lambda prefix: loading.page_model_by_id(prefix, device)
