"""Lossy files that are written by hand, section by section."""

from collections.abc import Sequence

from dvcodec.codec.bitstream.assembly import Chunk, Parts, assemble
from dvcodec.codec.bitstream.header import Header


def lossy_file(
    size: tuple[int, int],
    chunks: Sequence[Chunk],
    *,
    quality: int = 40 * 256,
    weights: bytes = b"12345678",
    mode: str = "RGB",
    adaptive_filter: bytes = b"",
) -> bytes:
    """Return the bytes of a file of (height, width) pixels; `quality` is a fixed-point one."""
    header = Header(width=size[1], height=size[0], mode=mode, quality=quality, weights=weights)
    return assemble(header, Parts(tuple(chunks), adaptive_filter=adaptive_filter))
