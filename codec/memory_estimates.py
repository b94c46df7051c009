"""Estimate from the size of an image how much memory work on it takes, so that it can be refused before it begins.

The figures are meant to lie above the largest resident sets that processes had, less what the program and its networks
take. Measured for images of colours (bilevel ones: black and white), megabytes:

    megapixels                 1.03          3.98          12.2
                           enc.   dec.   enc.   dec.   enc.   dec.
    lossy, rrvq-light       294    399    679    696   1138    899
    lossy, rrvq-photo       277    259    637    546   1273   1024
    model                   415    356    506    429
    webp                     40     22                  432    205
    stored                    6      8                   46     83

Bytes a pixel at 0.7 and 2.9 megapixels, earlier: bilevel 20, 20 encoding, 1 decoding; file (PNG) 9, 13 and 11, 13; deep
492, 192 and 60, 32. The figures of other kept files are estimates that were not measured so.
"""

from typing import TYPE_CHECKING

from ..image_io.bounds import Bounds
from .bitstream.header import BILEVEL, DEEP, FILE, JPEG, LOSSY, METHODS, MODEL, STORED, WEBP, Header
from .bitstream.tiling import strips
from .settings import CompressSettings

if TYPE_CHECKING:
    from ..image_io.images import Picture

_DECODING = {LOSSY: 65, STORED: 16, WEBP: 32, MODEL: 24, BILEVEL: 12, FILE: 32, DEEP: 40, JPEG: 48}
_ENCODING = {LOSSY: 65, STORED: 16, WEBP: 44, MODEL: 24, BILEVEL: 24, FILE: 32, DEEP: 110, JPEG: 80}
"""Bytes of each pixel, by kind."""
_SYMBOLS = 80
"""Bytes of each pixel of the half-size image that the symbols of lossless files describe."""
_BAND = 2**20
"""Pixels up to which the memory of the networks grows."""
_DECODING_BAND = {LOSSY: 500, MODEL: 400, DEEP: 60}
_ENCODING_BAND = {LOSSY: 500, MODEL: 400, DEEP: 450}
"""Bytes that each pixel of a band, or of a strip of lossless pixels, takes beside."""
_STRIDE = 64
"""The symbols of a photograph are those of an image whose sides are multiples of this: narrow images become wide."""
_LOOKAHEAD, _TORCH = 2, 10**8
"""How many times as much an encoder takes that looks ahead, and bytes beside: it took 590 MB for 0.49 megapixels, and
809 MB for 1.97."""
_SSIMULACRA2 = 800
"""Bytes of each pixel that the score of a target takes beside: measured 897 MB in all at 1.03 megapixels."""


def check_header(header: Header, bounds: Bounds) -> None:
    """Raise LimitExceeded, before anything is allocated, for a file whose image is larger than the bounds allow."""
    _check(_needed(header.kind, header.height, header.width), header.height, header.width, bounds)


def check_picture(picture: "Picture", settings: CompressSettings) -> None:
    """Raise LimitExceeded for a picture that is larger than the bounds of the settings allow."""
    height, width = picture.pixels.shape[:2]
    needed = max(_needed(kind, height, width, encoding=True) for kind in _kinds_tried(picture, settings))
    needed = needed * _LOOKAHEAD + _TORCH if settings.passes > 1 else needed
    scored = settings.target_ssimulacra2 is not None
    _check(needed + _SSIMULACRA2 * height * width * scored, height, width, settings.bounds)


def _kinds_tried(picture: "Picture", settings: CompressSettings) -> tuple[str, ...]:
    """Return which of the kinds of files that are tried for a picture take the most memory."""
    if not settings.lossless:
        return (LOSSY,)
    if picture.deep:
        return (DEEP,)
    if settings.method in METHODS:
        return (settings.method,)
    return {"1": (BILEVEL,), "P": (WEBP,), "PA": (WEBP,)}.get(picture.mode, (MODEL, JPEG))


def _check(needed: int, height: int, width: int, bounds: Bounds) -> None:
    bounds.check_pixels(height, width)
    bounds.check_memory(needed, f"{width} x {height} pixels")


def _needed(kind: str, height: int, width: int, *, encoding: bool = False) -> int:
    """Return the bytes that work on an image of a kind of file needs."""
    by_pixel, by_band = (_ENCODING, _ENCODING_BAND) if encoding else (_DECODING, _DECODING_BAND)
    area = height * width
    if kind == LOSSY:
        area = _padded(height, width)
        return by_pixel[kind] * area + by_band[kind] * min(area, _BAND)
    if kind in (MODEL, DEEP):
        strip = width * int(strips(height, width)[0].stop)
        symbols = _padded(-(-height // 2), -(-width // 2)) if kind == MODEL else 0
        return by_pixel[kind] * area + _SYMBOLS * symbols + by_band[kind] * strip
    return by_pixel[kind] * area


def _padded(height: int, width: int) -> int:
    """Return the pixels of an image whose sides are multiples of the largest stride."""
    return (-(-height // _STRIDE) * _STRIDE) * (-(-width // _STRIDE) * _STRIDE)
