"""The pixels of coefficients, in bands of rows, so that memory stays bounded."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from . import colours
from .frame import SIDE, Frame
from .transform import samples

Coefficients = NDArray[np.int32]
"""(8, 8, R, C): by vertical and horizontal frequency, for rows and columns of blocks."""
_AREA = 2**17
"""Samples of a band, about."""


def pixels(coefficients: Sequence[Coefficients], steps: Sequence[NDArray[np.int64]], frame: Frame) -> NDArray[np.uint8]:
    """Return grey (H, W) or RGB pixels (H, W, 3).

    Args:
        coefficients: Of every component.
        steps: Quantisation steps (64,) of luma, and of chroma if there is any.
        frame: The frame.
    """
    planes = [_plane(one, steps[i > 0], frame.size(i)) for i, one in enumerate(coefficients)]
    if len(planes) == 1:
        return planes[0]
    found = np.empty((frame.height, frame.width, 3), np.uint8)
    for rows in _bands(frame):
        around = slice(max(0, rows.start // frame.rows - 1), -(-rows.stop // frame.rows) + 1)
        part = Frame(frame.height - around.start * frame.rows, frame.width, frame.sampling, frame.smooth)
        first = rows.start - around.start * frame.rows
        inside = slice(first, first + rows.stop - rows.start)
        blue, red = (colours.upsampled(plane[around], part)[inside] for plane in planes[1:])
        found[rows] = colours.rgb(planes[0][rows], blue, red)
    return found


def _bands(frame: Frame) -> Iterator[slice]:
    height = max(2, _AREA // frame.width // 2 * 2)
    for top in range(0, frame.height, height):
        yield slice(top, min(top + height, frame.height))


def _plane(coefficients: Coefficients, steps: NDArray[np.int64], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the samples of a component."""
    rows, columns = coefficients.shape[2:]
    found = np.empty((rows * SIDE, size[1]), np.uint8)
    height = max(1, _AREA // (columns * SIDE * SIDE))
    for top in range(0, rows, height):
        made = samples(coefficients[:, :, top : top + height], steps)
        found[top * SIDE : top * SIDE + len(made)] = made[:, : size[1]]
    return found[: size[0]]
