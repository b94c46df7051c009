"""Image files of kinds that Pillow cannot write."""

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def png_of(header: tuple[int, int, int, int], rows: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG file.

    Args:
        header: Width, height, bits of a sample, and the type of colour.
        rows: The packed rows, each after the byte of its filter.
        chunks: Types and bodies of chunks that stand before the pixels.
    """
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", *header, 0, 0, 0)),
        *chunks,
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )


def png_of_pixels(pixels: NDArray[np.uint8], *chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG file of (H, W) grey or (H, W, 3) RGB pixels."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    return png_of((width, height, 8, 0 if pixels.ndim == 2 else 2), rows, *chunks)


def tiff_of(planes: Sequence[NDArray[np.uint16]]) -> bytes:
    """Return a TIFF file of 16-bit RGB whose channels stand in planes of their own."""
    height, width = planes[0].shape
    data = b"".join(plane.astype("<u2").tobytes() for plane in planes)
    size, at = planes[0].size * 2, 8
    after = at + len(data)
    short, long = 3, 4
    entries = [
        (256, long, 1, width),
        (257, long, 1, height),
        (258, short, 3, after),
        (259, short, 1, 1),
        (262, short, 1, 2),
        (273, long, 3, after + 6),
        (277, short, 1, 3),
        (278, long, 1, height),
        (279, long, 3, after + 18),
        (284, short, 1, 2),
    ]
    values = struct.pack("<3H3I3I", 16, 16, 16, at, at + size, at + 2 * size, size, size, size)
    table = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    return b"II*\0" + struct.pack("<I", after + len(values)) + data + values + table
