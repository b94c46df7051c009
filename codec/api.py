"""Files in, files out: what the command line stands on. Nothing here prints; every failure is a DvcodecError."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FormatError
from ..image_io import atomic
from ..image_io.memory import enough_memory
from .bitstream.header import MAGIC
from .bitstream.info import Info, describe
from .settings import AUTO, CompressSettings, Preview

if TYPE_CHECKING:
    from ..image_io.images import Picture
    from ..models.interface.hierarchy import Hierarchy
    from .decoder import Decoded
    from .lossless import methods


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


def compress_data(data: bytes, settings: CompressSettings) -> tuple[bytes, CompressReport]:
    """Compress an image file's bytes (PNG, JPEG, ...: anything Pillow opens) to the bytes of a .dvq file."""
    from ..image_io import images

    start = time.perf_counter()
    return compress_picture(images.read(data, exact=settings.lossless), settings, source_bytes=len(data), start=start)


def compress_file(source: Path, target: Path, settings: CompressSettings, *, force: bool = False) -> CompressReport:
    """Compress `source` to `target`, atomically. OutputExists, before any work is done, unless `force`."""
    atomic.check_target(source, target, force=force)
    data, report = compress_data(_read(source), settings)
    atomic.write(target, data, force=force)
    return report


def compress_picture(
    picture: "Picture", settings: CompressSettings, *, source_bytes: int = 0, start: float | None = None
) -> tuple[bytes, CompressReport]:
    """Compress a picture in memory; `start` is the perf_counter() from which the report's seconds run."""
    start = time.perf_counter() if start is None else start
    with enough_memory(*picture.pixels.shape[:2]):
        data, report = (_lossless if settings.lossless else _lossy)(picture, settings)
    return data, replace(report, source_bytes=source_bytes, seconds=time.perf_counter() - start)


def _lossy(picture: "Picture", settings: CompressSettings) -> tuple[bytes, CompressReport]:
    from . import loading
    from .lossy import encoder

    weights = loading.choose(settings.weights)
    hierarchy = loading.hierarchy(weights, settings.device)
    made = encoder.compress(picture, hierarchy, weights.id, settings)
    report = _report(picture, made.data, made.symbol_bytes, made.chunks, _named(hierarchy, made.layer_bits))
    return made.data, replace(report, quality=made.quality / 256, weights=weights.name, psnr=made.psnr)


def _lossless(picture: "Picture", settings: CompressSettings) -> tuple[bytes, CompressReport]:
    from . import loading
    from .lossless import methods

    def load() -> "methods.Model | None":
        return loading.lossless_model(settings.weights, settings.device, required=settings.method == "model")

    def load_bilevel() -> "methods.BilevelNetworks | None":
        return loading.bilevel(required=settings.method == "bilevel")

    made = methods.compress(picture, settings.method or AUTO, load, strip=settings.strip, load_bilevel=load_bilevel)
    report = _report(picture, made.data, made.pixel_bytes, made.chunks, made.layer_bits)
    return made.data, replace(report, weights=made.weights, method=made.method)


def _named(hierarchy: "Hierarchy", bits: tuple[float, ...]) -> tuple[tuple[str, float], ...]:
    return tuple(zip((layer.name for layer in hierarchy.layers), bits, strict=True))


def _report(
    picture: "Picture", data: bytes, coded: int, chunks: int, layer_bits: tuple[tuple[str, float], ...]
) -> CompressReport:
    """Return what lossy and lossless files report alike; `coded` counts the bytes that are not overhead."""
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
    from .decoder import decompress
    from .loaders import installed

    return decompress(data, installed(device), preview=preview)


def verify_data(data: bytes, *, device: str = "auto") -> DecompressReport:
    """Decode everything (symbols, alpha, metadata), check every checksum, write nothing. Raises what is wrong."""
    from .decoder import verify
    from .loaders import installed

    start = time.perf_counter()
    file = verify(data, installed(device))
    header, chunks, seconds = file.header, len(file.chunks), time.perf_counter() - start
    size = header.width, header.height
    return DecompressReport(*size, header.mode, len(data), 0, chunks, chunks, (), seconds, header.lossless)


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
