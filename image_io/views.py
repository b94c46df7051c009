"""Smaller pictures by a box filter, and parts of pictures."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import images
from .images import Picture


def reduced(picture: Picture, denominator: int) -> Picture:
    """Return a picture at 1/denominator of its size: the means of squares of pixels.

    Black and white pictures become grey, palettes become colours, and a transparent colour becomes alpha.

    Args:
        picture: The picture.
        denominator: Side of a square; those at the right and lower border may be smaller.
    """
    if denominator == 1:
        return picture
    array = images.to_array(picture)
    if picture.deep:
        planes = np.dstack([array]).transpose(2, 0, 1).astype(np.int32)
        smaller = np.dstack([reduced_channel(plane, denominator) for plane in planes]).astype(np.uint16)
        return replace(images.from_array(smaller, picture.metadata), white=picture.white)
    image = Image.fromarray(array).reduce(denominator)
    return images.from_array(np.asarray(image), picture.metadata)


def reduced_channel(channel: NDArray[Any], denominator: int) -> NDArray[Any]:
    """Return the means of squares of one channel (H, W): see `reduced`."""
    return np.asarray(Image.fromarray(channel).reduce(denominator))


def cropped(picture: Picture, region: tuple[slice, slice]) -> Picture:
    """Return the rows and columns of a picture in its mode, with its metadata."""
    alpha = None if picture.alpha is None else np.ascontiguousarray(picture.alpha[region])
    return replace(picture, pixels=np.ascontiguousarray(picture.pixels[region]), alpha=alpha)
