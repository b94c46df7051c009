"""Files of several codecs at about one size, and crops of the decoded images.

The subject of the comparison sets the size; every other codec gets the smallest file that is NO SMALLER, so that it
never has fewer bytes. For a comparison at one compression ratio (Gregor et al. 2016; Willetts et al. 2021, appendix F,
figure F.9) the size is 3 bytes per pixel divided by the ratio.
"""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from ..codecs.interface import ImageCodec
from ..metrics.scores import bits_per_pixel, psnr

CROP, SMALL_CROP = (384, 288), (256, 192)
"""Largest width and height of a crop in pixels; whole images would make the page too heavy."""


@dataclass(frozen=True)
class Panel:
    """One codec's version of a crop. The original has no quality and no PSNR; its size is that of the raw pixels."""

    codec: str
    size: int
    bpp: float
    quality: float | None
    psnr: float | None
    picture: bytes
    """The crop's exact pixels as an image file, whose type `picture_type` returns."""


@dataclass(frozen=True)
class EqualSizeImage:
    """An image coded by several codecs at about one size; `box` is the crop: left, upper, right, lower."""

    image: str
    note: str
    box: tuple[int, int, int, int]
    panels: tuple[Panel, ...]

    def to_json(self) -> dict[str, object]:
        """Return plain values for JSON, without the pictures."""
        rows = [
            {"codec": p.codec, "bytes": p.size, "bpp": p.bpp, "quality": p.quality, "psnr-rgb": p.psnr}
            for p in self.panels
        ]
        return {"image": self.image, "note": self.note, "box": list(self.box), "panels": rows}


def smallest_from(codec: ImageCodec, image: Image.Image, size: int) -> tuple[float, bytes]:
    """Return quality and bytes of the smallest file with at least `size` bytes, or of the largest file if none has."""
    return _search(codec, image, size - 0.5, larger=True)


def largest_within(codec: ImageCodec, image: Image.Image, size: int) -> tuple[float, bytes]:
    """Return quality and bytes of the largest file with at most `size` bytes, or of the smallest file if none has."""
    return _search(codec, image, size + 0.5, larger=False)


def _search(codec: ImageCodec, image: Image.Image, size: float, *, larger: bool) -> tuple[float, bytes]:
    """Find the neighbouring qualities whose files enclose `size`, and return the larger or the smaller of the two."""
    scale = codec.scale
    steps = round((scale.high - scale.low) / scale.step)
    below, above = -1, steps + 1  # indices: smaller up to `below`, larger from `above` on
    files: dict[int, bytes] = {}
    halve = False
    while above - below > 1:
        middle = (below + above) // 2 if halve else _between(below, above, files, size)
        files[middle] = codec.encode(image, scale.low + middle * scale.step)
        before = above - below
        below, above = (below, middle) if len(files[middle]) > size else (middle, above)
        halve = 2 * (above - below) > before + 1  # sizes rise by leaps: more than half is left
    index = min(above, steps) if larger else max(below, 0)
    return scale.low + index * scale.step, files[index]


def _between(below: int, above: int, files: Mapping[int, bytes], size: float) -> int:
    """Return the next index to try: log(size) interpolated between the ends, kept a sixteenth away from them.

    Without files at both ends it is the middle.
    """
    if below not in files or above not in files:
        return (below + above) // 2
    low, high = (math.log(max(len(files[end]), 1)) for end in (below, above))
    share = (math.log(max(size, 1)) - low) / (high - low) if high > low else 0.5
    margin = max((above - below) // 16, 1)
    return min(max(below + round(share * (above - below)), below + margin), above - margin)


def at_quality(codec: ImageCodec, image: Image.Image, quality: float) -> tuple[float, bytes]:
    """Encode once and return the quality and the bytes."""
    return quality, codec.encode(image, quality)


def side_by_side(
    image: Image.Image,
    subject: ImageCodec,
    first: tuple[float, bytes],
    others: Sequence[ImageCodec],
    crop: tuple[int, int] = CROP,
) -> tuple[tuple[int, int, int, int], tuple[Panel, ...]]:
    """Return the crop's box and its panels: the original, the subject, and the others with no fewer bytes.

    Args:
        image: the original.
        subject: the codec that sets the size.
        first: quality and bytes of the subject's file.
        others: the codecs to compare it with.
        crop: largest width and height of the crop.
    """
    pixels = np.asarray(image)
    box = busiest(pixels, crop)
    panels = [Panel("original", pixels.size, 24.0, None, None, picture_of(image, box))]
    panels.append(_panel(subject, *first, image, box))
    for codec in others:
        panels.append(_panel(codec, *smallest_from(codec, image, len(first[1])), image, box))
    return box, tuple(panels)


def _panel(codec: ImageCodec, quality: float, data: bytes, image: Image.Image, box: tuple[int, int, int, int]) -> Panel:
    decoded = codec.decode(data)
    bpp = bits_per_pixel(len(data), image.width, image.height)
    score = psnr(np.asarray(image), np.asarray(decoded))
    return Panel(codec.name, len(data), bpp, quality, score, picture_of(decoded, box))


def busiest(pixels: NDArray[np.uint8], size: tuple[int, int] = CROP) -> tuple[int, int, int, int]:
    """Return the crop (left, upper, right, lower) whose brightness has the largest variance, in steps of half a crop.

    The rule looks at the original only, so that the choice favours no codec.
    """
    height, width = pixels.shape[:2]
    w, h = min(size[0], width), min(size[1], height)
    grey = pixels.mean(axis=2)
    places = [(x, y) for y in _starts(height, h) for x in _starts(width, w)]
    x, y = max(places, key=lambda place: float(grey[place[1] : place[1] + h, place[0] : place[0] + w].var()))
    return x, y, x + w, y + h


def _starts(length: int, window: int) -> list[int]:
    """Return where windows may begin: every half window, and the last position that fits."""
    return sorted({*range(0, length - window + 1, max(1, window // 2)), length - window})


def picture_of(image: Image.Image, box: tuple[int, int, int, int]) -> bytes:
    """Encode a crop as a lossless image file."""
    stream = io.BytesIO()
    crop = image.crop(box)
    if features.check("webp"):
        crop.save(stream, "WEBP", lossless=True, method=4)
    else:
        crop.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def picture_type(data: bytes) -> str:
    """Return the media type of a file that `picture_of` made."""
    return "image/webp" if data[:4] == b"RIFF" else "image/png"
