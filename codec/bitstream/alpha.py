"""The alpha channel, always lossless: the smallest of four forms.

An opaque channel is no bytes at all; a constant one is its value; others are lossless WebP, or deflated rows where
that is smaller or WebP cannot (sides above 16383).
"""

import zlib

import numpy as np
from numpy.typing import NDArray

from ...errors import FormatError
from ...image_io import webp
from ...image_io.metadata import inflate

_CONSTANT, _DEFLATE, _WEBP = 1, 2, 3

Channel = NDArray[np.uint8]
"""The alpha of every pixel: (H, W), 255 is opaque."""


def pack(alpha: NDArray[np.uint8]) -> bytes:
    """Return the section for (H, W) alpha."""
    first = int(alpha.flat[0])
    if (alpha == first).all():
        return b"" if first == 255 else bytes([_CONSTANT, first])
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    forms = [bytes([_DEFLATE]) + deflate.compress(alpha.tobytes()) + deflate.flush()]
    if webp.holds(alpha):
        forms.append(bytes([_WEBP]) + webp.pack(alpha, method=4))
    return min(forms, key=len)


def unpack(section: bytes, height: int, width: int) -> NDArray[np.uint8]:
    """Return the (height, width) alpha of a section. FormatError if it is not valid or has another size."""
    if not section:
        return np.full((height, width), 255, np.uint8)
    form, body = section[0], section[1:]
    if form == _CONSTANT and len(body) == 1:
        return np.full((height, width), body[0], np.uint8)
    if form == _DEFLATE:
        rows = inflate(body, height * width, "the alpha channel")
        if len(rows) == height * width:
            return np.frombuffer(rows, np.uint8).reshape(height, width)
    if form == _WEBP:
        return webp.unpack(body, height, width, 1, "the alpha channel")
    raise FormatError("the alpha channel is not valid")


def conceal(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the pixels, (H, W) or (H, W, 3), with a continuation of the visible ones where alpha is 0.

    Nobody sees those colours, yet coding what an editor left there may cost more than the picture. Each takes the mean
    of the smallest square of 2^n x 2^n pixels on its grid that holds a visible one.
    """
    hidden = alpha == 0
    if not hidden.any():
        return pixels
    colours = pixels.reshape(*alpha.shape, -1).astype(np.float32)
    filled = _continued(colours * ~hidden[:, :, None], (~hidden).astype(np.float32))
    return np.where(hidden[:, :, None], np.rint(filled), colours).astype(np.uint8).reshape(pixels.shape)


def _continued(sums: NDArray[np.floating], weights: NDArray[np.floating]) -> NDArray[np.floating]:
    """Sums of colours (H, W, C) and how many they are (H, W) -> means, from coarser squares where there are none."""
    empty = weights == 0
    means: NDArray[np.floating] = sums / np.maximum(weights, 1)[:, :, None]
    if not empty.any() or weights.size == 1:
        return means
    height, width = weights.shape
    even = ((0, height % 2), (0, width % 2))
    shape = (height + 1) // 2, 2, (width + 1) // 2, 2
    coarse = _continued(
        np.pad(sums, (*even, (0, 0))).reshape(*shape, -1).sum((1, 3)), np.pad(weights, even).reshape(shape).sum((1, 3))
    )
    means[empty] = coarse.repeat(2, 0).repeat(2, 1)[:height, :width][empty]
    return means
