"""Image files of kinds that Pillow cannot write."""

import struct
import zlib
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, Literal

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


def tiff_of(
    planes: Sequence[NDArray[Any]],
    tags: Mapping[int, Sequence[int]] | None = None,
    *,
    order: Literal["<", ">"] = "<",
    rows: int | None = None,
    deflated: bool = False,
) -> bytes:
    """Return a TIFF file whose channels stand in planes of their own: RGB, RGBA or grey.

    Args:
        planes: The channels, in 16 bits, or in 8 bits of samples or of packed bits.
        tags: Tags in place of those that follow from the planes, or beside them; empty ones leave a tag out.
        order: The byte order, "<" or ">".
        rows: Rows of a strip; None for all.
        deflated: Whether strips are compressed.
    """
    height, width = planes[0].shape
    count, rows = len(planes), rows or height
    strips = [plane[top : top + rows] for plane in planes for top in range(0, height, rows)]
    packed = [strip.astype(strip.dtype.newbyteorder(order)).tobytes() for strip in strips]
    packed = [zlib.compress(strip) for strip in packed] if deflated else packed
    ends = list(accumulate(map(len, packed), initial=8))
    own: dict[int, Sequence[int]] = {256: [width], 257: [height], 258: [8 * planes[0].itemsize] * count}
    own |= {259: [8 if deflated else 1], 262: [2 if count > 1 else 1], 273: ends[:-1], 277: [count], 278: [rows]}
    own |= {279: [len(strip) for strip in packed], 284: [2]} | ({338: [2]} if count == 4 else {}) | dict(tags or {})
    own = {tag: values for tag, values in own.items() if values}
    table, far, behind = b"", b"", ends[-1] + 6 + 12 * len(own)
    for tag, values in sorted(own.items()):
        field = struct.pack(f"{order}{len(values)}I", *values)
        table += struct.pack(f"{order}HHI", tag, 4, len(values))
        table += field if len(values) == 1 else struct.pack(f"{order}I", behind + len(far))
        far += b"" if len(values) == 1 else field
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, ends[-1])
    return head + b"".join(packed) + struct.pack(f"{order}H", len(own)) + table + bytes(4) + far
