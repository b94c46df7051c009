"""Write samples of 9 to 16 bits: PNG and TIFF of 16 bits, and PGM and PPM with the samples as they are.

Pillow writes the metadata, in a file of 8 bits whose header and pixels are then replaced: PNG gets filtered rows of its
own; a TIFF of twice the width has the same bytes as one of 16 bits.
"""

import io
import struct
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import OutputFailed
from .deep_samples import in_16_bits, without_key
from .formats import Format
from .images import Picture, one_line
from .opening import warnings_ignored

_SIGNATURE = 8
_PIECE = 2**20
_COLOUR_TYPES = {"L": 0, "LA": 4, "RGB": 2, "RGBA": 6}
_WIDTH, _BITS, _SHORT = 256, 258, 3


def write(picture: Picture, format: Format, arguments: dict[str, Any]) -> bytes:
    """Return the bytes of an image file.

    Args:
        picture: A deep picture, turned as it is to be written.
        format: What to write.
        arguments: Pillow's arguments that write the metadata.

    Raises:
        OutputFailed: If the format cannot hold the samples.
    """
    if format.name != "PNG":
        picture = without_key(picture)
    if picture.alpha is not None and picture.mode not in format.deep and (picture.alpha == picture.white).all():
        picture = replace(picture, alpha=None)
    if picture.mode not in format.deep:
        what = f"{picture.mode} of " if format.deep else ""
        hint = "use .png" if format.deep else "use .png, .tif or .ppm"
        raise OutputFailed(f"{format.label} cannot hold {what}{picture.white.bit_length()} bits a sample", hint)
    samples = picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])
    if format.name == "PPM":
        return _ppm(samples, picture.white)
    scaled = in_16_bits(samples, picture.white)
    try:
        return (
            _png(picture, scaled, arguments) if format.name == "PNG" else _tiff(picture.mode, scaled, format, arguments)
        )
    except (OSError, ValueError, struct.error) as error:  # Pillow's, about metadata
        raise OutputFailed(f"cannot write {format.label}: {one_line(error)}", "use .ppm") from error


def _ppm(samples: NDArray[np.uint16], white: int) -> bytes:
    head = f"P{5 if samples.ndim == 2 else 6}\n{samples.shape[1]} {samples.shape[0]}\n{white}\n"
    return head.encode() + samples.astype(">u2").tobytes()


def _saved(image: Image.Image, format: str, options: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    with warnings_ignored():
        image.save(file, format, **options)
    return file.getvalue()


def _png(picture: Picture, samples: NDArray[np.uint16], arguments: dict[str, Any]) -> bytes:
    """Return a PNG of 16 bits; where the samples have fewer, the chunk sBIT says so."""
    small = _saved(Image.new(picture.mode, (1, 1)), "PNG", arguments)
    made, at, mode = [small[:_SIGNATURE]], _SIGNATURE, picture.mode
    while at < len(small):
        size, kind = int.from_bytes(small[at : at + 4], "big"), small[at + 4 : at + 8]
        if kind == b"IHDR":
            height, width = samples.shape[:2]
            made.append(_chunk(kind, struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPES[mode], 0, 0, 0)))
            if picture.white < 2**16 - 1:
                made.append(_chunk(b"sBIT", bytes([picture.white.bit_length()]) * len(mode)))
        elif kind == b"IDAT":
            made += [_chunk(b"tRNS", _key(picture))] if picture.palette is not None else []
            packed = zlib.compress(filtered(samples), 9)
            made += [_chunk(kind, packed[start : start + _PIECE]) for start in range(0, len(packed), _PIECE)]
        else:
            made.append(small[at : at + 12 + size])
        at += 12 + size
    return b"".join(made)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _key(picture: Picture) -> bytes:
    """Return the transparent level or colour as PNG has it."""
    key = None if picture.palette is None else picture.palette.transparent
    return in_16_bits(np.array(key).reshape(-1), picture.white).astype(">u2").tobytes()


def filtered(samples: NDArray[np.uint16]) -> bytes:
    """Return the rows of a PNG of 16 bits, each under the filter that leaves the smallest bytes.

    Args:
        samples: (H, W) or (H, W, channels).

    Source:
        PNG, third edition, section 9.2; the choice is that of section 12.7, the minimum sum of absolute differences.
    """
    channels = samples.shape[2] if samples.ndim == 3 else 1
    rows = samples.astype(">u2").reshape(len(samples), -1).view(np.uint8).astype(np.int16)
    made, above = [], np.zeros_like(rows[0])
    for row in rows:
        left, corner = (
            np.concatenate([np.zeros(2 * channels, np.int16), one[: -2 * channels]]) for one in (row, above)
        )
        options = (0 * row, left, above, (left + above) >> 1, _paeth(left, above, corner))
        left_over = [(row - one).astype(np.uint8) for one in options]
        best = min(range(5), key=lambda i: int(np.abs(left_over[i].view(np.int8).astype(np.int16)).sum(dtype=np.int64)))
        made.append(bytes([best]) + left_over[best].tobytes())
        above = row
    return b"".join(made)


def _paeth(left: NDArray[np.int16], above: NDArray[np.int16], corner: NDArray[np.int16]) -> NDArray[np.int16]:
    to_left, to_above, to_corner = (np.abs(left + above - corner - one) for one in (left, above, corner))
    nearest = (to_left <= to_above) & (to_left <= to_corner)
    return np.where(nearest, left, np.where(to_above <= to_corner, above, corner))


def _tiff(mode: str, samples: NDArray[np.uint16], format: Format, arguments: dict[str, Any]) -> bytes:
    """Return a TIFF of 16 bits."""
    height, width = samples.shape[:2]
    wide = np.ascontiguousarray(samples.astype("<u2")).view(np.uint8).reshape(height, 2 * width, *samples.shape[2:])
    made = bytearray(_saved(Image.fromarray(wide), "TIFF", {**format.options, **arguments}))
    (at,) = struct.unpack_from("<I", made, 4)
    (count,) = struct.unpack_from("<H", made, at)
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from("<HHI", made, entry)
        if tag == _WIDTH:
            struct.pack_into("<H" if kind == _SHORT else "<I", made, entry + 8, width)
        elif tag == _BITS:
            start = entry + 8 if number <= 2 else struct.unpack_from("<I", made, entry + 8)[0]
            struct.pack_into(f"<{number}H", made, start, *[16] * number)
    return bytes(made)
