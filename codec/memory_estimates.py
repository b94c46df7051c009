"""Estimate from the size of an image how much memory work on it takes, so that it can be refused before it begins.

The figures are meant to lie above the largest resident sets that processes had, less what the program and its networks
take. Measured for images of colours of 0.7 and 2.9 megapixels (bilevel ones: black and white), bytes a pixel:

    method    encoding    decoding
    stored    7, 10       6
    webp      38, 34      21, 24
    file      9, 13       11, 13      (a PNG file)
    bilevel   20, 20      1
    model     378, -      324, -
    deep      492, 192    60, 32      (between the two sizes 103 and 24 for each further pixel)

Decoding of a photograph took 550 at 0.4 megapixels, 197 at 3 and 87 at 12; encoding 248 at 3. The figures of other
kept files are estimates that were not measured so.
"""

from typing import TYPE_CHECKING

from ..image_io.bounds import Bounds
from .bitstream.header import BILEVEL, DEEP, FILE, LOSSY, METHODS, MODEL, STORED, WEBP, Header
from .bitstream.tiling import strips
from .settings import CompressSettings

if TYPE_CHECKING:
    from ..image_io.images import Picture

_BYTES_PER_PIXEL = {LOSSY: 60, STORED: 16, WEBP: 32, MODEL: 50, BILEVEL: 12, FILE: 32, DEEP: 60}
"""Of an image, by kind."""
_BAND, _BYTES_PER_BAND_PIXEL = 2**20, 500
"""Pixels up to which the memory of the networks grows, and what each of them takes beside."""
_BYTES_PER_STRIP_PIXEL = 350
"""Of lossless pixels under a model and of deep ones, for each pixel of a strip."""
_ENCODING = 2
"""How many times as much an encoder takes as a decoder."""


def check_header(header: Header, bounds: Bounds) -> None:
    """Raise LimitExceeded, before anything is allocated, for a file whose image is larger than the bounds allow."""
    _check(header.kind, header.height, header.width, bounds, 1)


def check_picture(picture: "Picture", settings: CompressSettings) -> None:
    """Raise LimitExceeded for a picture that is larger than the bounds of the settings allow."""
    height, width = picture.pixels.shape[:2]
    _check(_kind_tried(picture, settings), height, width, settings.bounds, _ENCODING)


def _kind_tried(picture: "Picture", settings: CompressSettings) -> str:
    """Return which of the kinds of files that are tried for a picture takes the most memory."""
    if not settings.lossless:
        return LOSSY
    if picture.deep:
        return DEEP
    if settings.method in METHODS:
        return settings.method
    return BILEVEL if picture.mode == "1" else WEBP if picture.mode in ("P", "PA") else MODEL


def _check(kind: str, height: int, width: int, bounds: Bounds, times: int) -> None:
    bounds.check_pixels(height, width)
    bounds.check_memory(times * _bytes(kind, height, width), f"{width} x {height} pixels")


def _bytes(kind: str, height: int, width: int) -> int:
    area = height * width
    total = _BYTES_PER_PIXEL[kind] * area
    if kind == LOSSY:
        total += _BYTES_PER_BAND_PIXEL * min(area, _BAND)
    if kind in (MODEL, DEEP):
        total += _BYTES_PER_STRIP_PIXEL * width * strips(height, width)[0].stop
    return total
