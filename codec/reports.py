"""What the functions that compress and decompress report."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..image_io.images import Picture


@dataclass(frozen=True)
class CompressReport:
    """The result of one compression."""

    width: int
    """In pixels, as is the height."""
    height: int
    mode: str
    """The mode that decompression gives: RGB, RGBA, L or LA, and in lossless files also 1, P or PA."""
    source_bytes: int
    """Bytes of the image file; 0 if the source was not a file."""
    bytes: int
    """Bytes of the .dvq file."""
    bpp: float
    """File bits per pixel."""
    quality: float | None
    """The quality of the file, whether given or found by a target; None for lossless files."""
    weights: str | None
    """The name of the weights; None for lossless files that need none."""
    psnr: float | None
    """In dB; None unless it was the target."""
    chunks: int
    layer_bits: tuple[tuple[str, float], ...]
    """The name of each layer and the bits of its symbols, the sum of -log2 p."""
    overhead_bytes: int
    """Bytes of the file that are not symbols or pixels: header, filter, alpha and metadata."""
    seconds: float
    """Wall time."""
    ssimulacra2: float | None = None
    """None unless it was the target."""
    method: str | None = None
    """The method of a lossless file; None for lossy files."""
    dropped: tuple[str, ...] = ()
    """What the source holds and a .dvq file cannot, such as "IPTC"."""
    notices: tuple[str, ...] = ()
    """What was converted, or could not be kept, each a line."""


@dataclass(frozen=True)
class DecompressReport:
    """The result of one decompression."""

    width: int
    """In pixels, as is the height."""
    height: int
    mode: str
    source_bytes: int
    """Bytes of the .dvq file."""
    bytes: int
    """Bytes of the image file; 0 for verify."""
    chunks: int
    """Chunks decoded, of `total_chunks`."""
    total_chunks: int
    dropped: tuple[str, ...]
    """Metadata that the output format cannot hold, such as "ICC", "EXIF" or "resolution"."""
    seconds: float
    """Wall time."""
    exact: bool = False
    """Whether the pixels are those of the original."""


def log_notices(notices: tuple[str, ...], left_out: tuple[str, ...]) -> None:
    """Log as warnings, for programs that see no report, what was converted and what a .dvq file cannot hold."""
    log = logging.getLogger("dvcodec")
    for notice in notices:
        log.warning("%s", notice)
    if left_out:
        log.warning("written without %s, which a .dvq file cannot hold", ", ".join(left_out))


def compress_report(
    picture: "Picture", data: bytes, coded: int, chunks: int, layer_bits: tuple[tuple[str, float], ...]
) -> CompressReport:
    """Return what the reports of lossy and lossless files share; the callers fill in the rest.

    `coded` is the number of bytes that are not overhead.
    """
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
        dropped=picture.left_out,
        notices=picture.notices,
    )
