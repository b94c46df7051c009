"""Lossless pixels without a model: samples of every mode as arrays of bytes, stored or compressed by a library."""

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import FormatError
from ...image_io import webp
from ...image_io.images import Palette, Picture
from ...image_io.metadata import NO_METADATA, Metadata, inflate

CHANNELS = {"1": 1, "L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "P": 1, "PA": 2}
"""Samples of a pixel, by mode."""
_RAW, _DEFLATE, _LEFT, _ABOVE, _BOTH = range(5)
"""Forms of stored samples; the last three, of deep samples only, are raw deflate of differences."""
_DIFFERENCES = {_LEFT: (1,), _ABOVE: (0,), _BOTH: (0, 1)}
"""The axes along which each form takes differences."""
_WEBP_METHOD = 4
_LARGE, _WEBP_QUALITY = 2**16, 75
"""From this many samples on, WebP searches less. It takes a third of the time; photographs grow by less than 1 %."""
_PALETTES = ("", "RGB", "RGBA")
_OPAQUE, _KEY, _TABLE = 0, 1, 2
_NAME = "the palette"


Samples = NDArray[Any]
"""(H, W) or (H, W, channels) of type uint8, or uint16 where they are deep."""


def of(picture: Picture) -> Samples:
    """Return the samples; those of mode 1 are 0 and 255."""
    if picture.alpha is None:
        return picture.pixels
    return np.dstack([picture.pixels, picture.alpha])


def picture(
    samples: Samples, mode: str, palette: Palette | None, kept: Metadata = NO_METADATA, white: int = 255
) -> Picture:
    """Return the picture of some samples: undo `of`."""
    alpha = np.ascontiguousarray(samples[:, :, -1]) if mode in ("LA", "RGBA", "PA") else None
    colour = samples
    if alpha is not None:
        colour = np.ascontiguousarray(samples[:, :, 0] if samples.shape[2] == 2 else samples[:, :, :3])
    return Picture(colour, alpha, kept, palette, mode == "1", white=white)


def checksum(samples: Samples) -> int:
    """Return the CRC-32 of the samples, as a file stores it."""
    return zlib.crc32(np.ascontiguousarray(_little_endian(samples)).data)


def _little_endian(samples: Samples) -> Samples:
    return samples.astype(samples.dtype.newbyteorder("<"), copy=False)


def store(samples: Samples, mode: str) -> bytes:
    """Return the section of the method `stored`: samples (1 bit each in mode 1), raw or compressed by deflate."""
    raw = np.packbits(samples != 0, axis=1).tobytes() if mode == "1" else _little_endian(samples).tobytes()
    form, packed = _DEFLATE, deflated(raw)
    if samples.dtype == np.uint16:
        form, packed = min(((form, packed), _differences(samples)), key=lambda made: len(made[1]))
    return bytes([form]) + packed if len(packed) < len(raw) else bytes([_RAW]) + raw


def deflated(raw: bytes) -> bytes:
    """Return raw deflate of some bytes."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress(raw) + deflate.flush()


def _differences(samples: Samples) -> tuple[int, bytes]:
    """Return the form of the smallest differences of deep samples, and what deflate makes of their bytes."""
    found = {}
    for form, axes in _DIFFERENCES.items():
        one = samples
        for axis in axes:
            one = np.diff(one, axis=axis, prepend=np.zeros_like(one[:1] if axis == 0 else one[:, :1]))
        found[form] = one
    best = min(found, key=lambda form: int(np.abs(found[form].view(np.int16).astype(np.int64)).sum()))
    planes = np.moveaxis(_little_endian(found[best]).view(np.uint8).reshape(*samples.shape, 2), -1, 0)
    return best, deflated(planes.tobytes())


def unstore(section: bytes | memoryview, height: int, width: int, mode: str, *, deep: bool = False) -> Samples:
    """Undo `store`; raise FormatError if the section is not valid."""
    row = -(-width // 8) if mode == "1" else width * CHANNELS[mode] * (2 if deep else 1)
    form, body = section[0], memoryview(section)[1:]
    if form != _RAW:
        body = memoryview(inflate(body, height * row, "the pixels"))
    if form > (_BOTH if deep else _DEFLATE) or len(body) != height * row:
        raise FormatError("the pixels are not valid")
    if deep:
        return _deep_of(form, body, (height, width, *([CHANNELS[mode]] if CHANNELS[mode] > 1 else [])))
    rows = np.frombuffer(body, np.uint8).reshape(height, row)
    if mode == "1":
        return np.unpackbits(rows, axis=1, count=width) * np.uint8(255)
    return rows if CHANNELS[mode] == 1 else rows.reshape(height, width, CHANNELS[mode])


def _deep_of(form: int, body: memoryview, shape: tuple[int, ...]) -> Samples:
    """Return deep samples of the bytes of a form."""
    if form not in _DIFFERENCES:
        return np.frombuffer(body, "<u2").astype(np.uint16).reshape(shape)
    planes = np.frombuffer(body, np.uint8).reshape(2, *shape)
    found: Samples = planes[0] | (planes[1].astype(np.uint16) << 8)
    for axis in _DIFFERENCES[form]:
        found = np.cumsum(found, axis=axis, dtype=np.uint16)
    return found


def to_webp(samples: NDArray[np.uint8]) -> bytes:
    """Return the section of the method `webp`."""
    return webp.pack(samples, method=_WEBP_METHOD, quality=100 if samples.size < _LARGE else _WEBP_QUALITY)


def from_webp(section: bytes | memoryview, height: int, width: int, mode: str) -> NDArray[np.uint8]:
    """Undo `to_webp`; raise FormatError if the section is not valid."""
    return webp.unpack(section, height, width, CHANNELS[mode], "the pixels")


def pack_palette(palette: Palette | None) -> bytes:
    """Return the section of a palette and a transparent colour; empty if there is neither."""
    if palette is None:
        return b""
    key = palette.transparent
    kind = _OPAQUE if key is None else _TABLE if isinstance(key, bytes) else _KEY
    head = bytes([_PALETTES.index(palette.mode) | kind << 2])
    if palette.mode:
        head += (len(palette.colours) // len(palette.mode)).to_bytes(2, "little") + palette.colours
    if isinstance(key, bytes):
        return head + key
    values = () if key is None else key if isinstance(key, tuple) else (key,)
    return head + b"".join(value.to_bytes(2, "little") for value in values)


def unpack_palette(section: bytes, mode: str) -> Palette | None:
    """Undo `pack_palette` for an image of a mode; raise FormatError if the section does not fit it."""
    indexed = mode in ("P", "PA")
    if not section:
        if indexed:
            raise FormatError(f"{_NAME} is missing")
        return None
    form, body = section[0], section[1:]
    kind, colours = form >> 2, form & 3
    if colours >= len(_PALETTES) or kind > _TABLE or bool(colours) != indexed or not (indexed or kind == _KEY):
        raise FormatError(f"{_NAME} is not valid")
    name, entries = _PALETTES[colours], b""
    if indexed:
        size = int.from_bytes(body[:2], "little") * len(name)
        entries, body = body[2 : 2 + size], body[2 + size :]
        if len(entries) != size or size > 256 * len(name):
            raise FormatError(f"{_NAME} is not valid")
    return Palette(name, entries, _transparent(kind, body, mode))


def _transparent(kind: int, body: bytes, mode: str) -> int | tuple[int, ...] | bytes | None:
    """Return the transparent colour or index, or the table of alpha by index; raise FormatError if it is not valid."""
    values = 3 if mode == "RGB" else 1
    if kind == _TABLE and len(body) <= 256:
        return body
    if kind == _OPAQUE and not body:
        return None
    if kind != _KEY or len(body) != 2 * values:
        raise FormatError(f"{_NAME} is not valid")
    key = tuple(int.from_bytes(body[i : i + 2], "little") for i in range(0, len(body), 2))
    if mode in ("P", "PA") and key[0] > 255:
        raise FormatError(f"{_NAME} is not valid")
    return key if values == 3 else key[0]
