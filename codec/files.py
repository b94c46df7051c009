"""Files in, files out: what the command line stands on. Nothing here prints; every failure is a DvcodecError."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import output
from .errors import FormatError
from .info import Info, describe

if TYPE_CHECKING:
    from ..models.interface import Hierarchy
    from .decoder import Decoded
    from .images import Picture

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


@dataclass(frozen=True)
class CompressReport:
    """What one compression did."""

    width: int
    height: int
    mode: str
    """RGB, RGBA, L or LA: the mode that comes back."""
    source_bytes: int
    """0 where the source was no file."""
    bytes: int
    bpp: float
    """File bits per pixel."""
    quality: float
    """The one used, also where a target was asked for."""
    weights: str
    psnr: float | None
    """dB; only where it was the target."""
    chunks: int
    layer_bits: tuple[tuple[str, float], ...]
    """(layer name, bits) as coded: the sum of -log2 p."""
    overhead_bytes: int
    """File bytes that are not symbols: header, alpha, metadata."""
    seconds: float


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


def compress_data(data: bytes, settings: Settings) -> tuple[bytes, CompressReport]:
    """Compress an image file's bytes (PNG, JPEG, ...: anything Pillow opens) to the bytes of a .dvq file."""
    from . import images

    start = time.perf_counter()
    return compress_picture(images.read(data), settings, source_bytes=len(data), start=start)


def compress_file(source: Path, target: Path, settings: Settings, *, force: bool = False) -> CompressReport:
    """Compress `source` to `target`, atomically. OutputExists, before any work is done, unless `force`."""
    output.check_target(source, target, force=force)
    data, report = compress_data(_read(source), settings)
    output.write(target, data, force=force)
    return report


def compress_picture(
    picture: "Picture", settings: Settings, *, source_bytes: int = 0, start: float | None = None
) -> tuple[bytes, CompressReport]:
    """Compress a picture in memory; `start` is the perf_counter() from which the report's seconds run."""
    from . import encoder, engine

    start = time.perf_counter() if start is None else start
    weights = engine.choose(settings.weights)
    hierarchy = engine.hierarchy(weights, settings.device)
    goal = encoder.Goal(settings.quality, settings.target_bpp, settings.target_size, settings.target_psnr)
    made = encoder.compress(picture, hierarchy, weights.id, goal, strip=settings.strip)
    height, width = picture.pixels.shape[:2]
    report = CompressReport(
        width=width,
        height=height,
        mode=picture.mode,
        source_bytes=source_bytes,
        bytes=len(made.data),
        bpp=8 * len(made.data) / (width * height),
        quality=made.quality / 256,
        weights=weights.name,
        psnr=made.psnr,
        chunks=made.chunks,
        layer_bits=tuple(zip((layer.name for layer in hierarchy.layers), made.layer_bits, strict=True)),
        overhead_bytes=len(made.data) - made.symbol_bytes,
        seconds=time.perf_counter() - start,
    )
    return made.data, report


def decompress_data(
    data: bytes, *, format: str = "PNG", preview: Preview = None, device: str = "auto"
) -> tuple[bytes, DecompressReport]:
    """Decompress a .dvq file's bytes to an image file's bytes; `format` is Pillow's name of it."""
    from . import images

    start = time.perf_counter()
    decoded = decompress_picture(data, preview=preview, device=device)
    file, dropped = images.write(decoded.picture, format)
    height, width = decoded.picture.pixels.shape[:2]
    mode, seconds = decoded.picture.mode, time.perf_counter() - start
    return file, DecompressReport(
        width, height, mode, len(data), len(file), decoded.chunks, decoded.total, dropped, seconds
    )


def decompress_file(
    source: Path, target: Path, *, force: bool = False, preview: Preview = None, device: str = "auto"
) -> DecompressReport:
    """Decompress to the format that target's suffix names, atomically. OutputExists unless `force`."""
    output.check_target(source, target, force=force)
    format = format_of(target)
    file, report = decompress_data(_read(source), format=format, preview=preview, device=device)
    output.write(target, file, force=force)
    return report


def decompress_picture(data: bytes, *, preview: Preview = None, device: str = "auto") -> "Decoded":
    """Decompress a .dvq file's bytes to a picture in memory."""
    from . import decoder

    return decoder.decompress(data, _loader(device), preview=preview)


def verify_data(data: bytes, *, device: str = "auto") -> DecompressReport:
    """Decode everything (symbols, alpha, metadata), check every checksum, write nothing. Raises what is wrong."""
    from . import decoder

    start = time.perf_counter()
    container = decoder.verify(data, _loader(device))
    header, chunks = container.header, len(container.chunks)
    seconds = time.perf_counter() - start
    return DecompressReport(header.width, header.height, header.mode, len(data), 0, chunks, chunks, (), seconds)


def verify_file(source: Path, *, device: str = "auto") -> DecompressReport:
    """Verify a file: see verify_data."""
    return verify_data(_read(source), device=device)


def inspect_data(data: bytes) -> Info:
    """Describe a .dvq file by its header: no torch, no weights needed. A cut file is described, not refused."""
    return describe(data)


def inspect_file(source: Path) -> Info:
    """Describe a file: see inspect_data."""
    return describe(_read(source))


def format_of(target: Path) -> str:
    """Return Pillow's name of the format that target's suffix stands for, or raise OutputFailed."""
    from . import images

    return images.format_of(target)


def _read(source: Path) -> bytes:
    """Return a file's bytes; what goes wrong is one line."""
    try:
        return source.read_bytes()
    except OSError as error:
        raise FormatError(f"cannot read the file: {error.strerror or error}") from error


def _loader(device: str) -> "Callable[[bytes], Hierarchy]":
    from . import engine

    return lambda prefix: engine.hierarchy_by_id(prefix, device)
