"""From samples of components to pixels, as JPEG decoders do it in integers: chroma in full size, then RGB.

Source:
    The Independent JPEG Group's decoder and libjpeg-turbo: triangular interpolation of chroma, whose rounding
    alternates, and the conversion of JFIF with factors of 16 bits.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ....shapes import UInt8
from .frame import FACTORS, FEWEST, Frame

Plane = NDArray[np.uint8]
_HALF = 2**15
_RED, _BLUE, _GREEN_RED, _GREEN_BLUE = 91881, 116130, 46802, 22554
"""1.402, 1.772, 0.714136 and 0.344136 times 2**16."""


def pixels(planes: Sequence[Plane], frame: Frame) -> UInt8[NDArray[np.uint8], "height width ..."]:
    """Return grey (H, W) or RGB pixels (H, W, 3) of the samples of all components."""
    if frame.components == 1:
        return planes[0]
    return rgb(planes[0], *(upsampled(plane, frame) for plane in planes[1:]))


def upsampled(plane: Plane, frame: Frame) -> Plane:
    """Return chroma in the size of the frame."""
    rows, columns = FACTORS[frame.sampling]
    found = plane.astype(np.int16)
    if not frame.smooth or plane.shape[1] < FEWEST:
        found = found.repeat(rows, axis=0).repeat(columns, axis=1)
    elif rows == 2:
        found = _columns(_rows(found), 8, 7, 4)
    elif columns == 2:
        found = _columns(found, 1, 2, 2)
    return found[: frame.height, : frame.width].astype(np.uint8)


def _rows(plane: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return twice as many rows, times 4: three parts of the nearest row and one of the next."""
    found = np.empty((2 * len(plane), plane.shape[1]), np.int16)
    found[0::2] = 3 * plane + plane[_clamped(len(plane), -1)]
    found[1::2] = 3 * plane + plane[_clamped(len(plane), 1)]
    return found


def _columns(plane: NDArray[np.int16], before: int, after: int, bits: int) -> NDArray[np.int16]:
    """Return twice as many columns: three parts of the nearest one and one of the next, less `bits` bits.

    Args:
        plane: The columns.
        before: What is added to the left one of two, for rounding.
        after: What is added to the right one.
        bits: Bits that are dropped.
    """
    found = np.empty((len(plane), 2 * plane.shape[1]), np.int16)
    width = plane.shape[1]
    found[:, 0::2] = (3 * plane + plane[:, _clamped(width, -1)] + before) >> bits
    found[:, 1::2] = (3 * plane + plane[:, _clamped(width, 1)] + after) >> bits
    return found


def _clamped(size: int, step: int) -> NDArray[np.intp]:
    """Return the places beside those of an axis, inside it."""
    return (np.arange(size) + step).clip(0, size - 1)


def rgb(luma: Plane, blue: Plane, red: Plane) -> UInt8[NDArray[np.uint8], "height width 3"]:
    """Return pixels of luma and chroma, Cb and Cr."""
    from_red, from_blue, green_red, green_blue = tables()
    found = np.empty((*luma.shape, 3), np.uint8)
    wide = luma.astype(np.int32)
    found[..., 0] = (wide + from_red[red]).clip(0, 255)
    found[..., 1] = (wide + ((green_blue[blue] + green_red[red]) >> 16)).clip(0, 255)
    found[..., 2] = (wide + from_blue[blue]).clip(0, 255)
    return found


@lru_cache(maxsize=1)
def tables() -> tuple[NDArray[np.int32], ...]:
    """Return what chroma adds: of Cr to red, of Cb to blue, and times 2**16 of Cr and of Cb to green."""
    chroma = np.arange(-128, 128, dtype=np.int32)
    added = [(_RED * chroma + _HALF) >> 16, (_BLUE * chroma + _HALF) >> 16]
    return (*added, -_GREEN_RED * chroma, _HALF - _GREEN_BLUE * chroma)
