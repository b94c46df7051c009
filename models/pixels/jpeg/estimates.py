"""Estimates of what a JPEG decoder started from: planes, chroma before it was enlarged, frequencies of blocks."""

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32
from .frame import FACTORS, SIDE, Frame
from .transform import forward_matrix

Plane = NDArray[np.float32]
RED, BLUE = 1.402, 1.772
"""What a level of Cr adds to red, and of Cb to blue."""
_ROUNDS, _PACE = 7, 4 / 3
"""Steps that undo the triangle of interpolation, and how far each goes: the error is at most a third after each."""


def components(pixels: NDArray[np.int16] | NDArray[np.uint8]) -> tuple[Plane, Plane, Plane]:
    """Return luma, Cb and Cr of pixels (H, W, 3) or of differences of pixels; chroma is 0 where there is no colour."""
    wide = pixels.astype(np.float32)
    luma = 0.299 * wide[..., 0] + 0.587 * wide[..., 1] + 0.114 * wide[..., 2]
    return luma, (wide[..., 2] - luma) / BLUE, (wide[..., 0] - luma) / RED


def tiles(plane: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the blocks (R, C, 8, 8) of a plane, whose last row and column are repeated to fill them."""
    height, width = plane.shape
    full = np.pad(plane, ((0, -height % SIDE), (0, -width % SIDE)), mode="edge")
    return full.reshape(full.shape[0] // SIDE, SIDE, -1, SIDE).swapaxes(1, 2)


def frequencies(plane: Plane) -> Float32[NDArray[np.float32], "R C 64"]:
    """Return the coefficients of all blocks of a plane."""
    return transformed(tiles(plane).astype(np.float32))


def transformed(blocks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the coefficients (..., 64) of blocks (..., 8, 8)."""
    matrix = forward_matrix().astype(np.float32)
    found = (matrix @ blocks @ matrix.T).reshape(*blocks.shape[:-2], SIDE * SIDE)
    return found.astype(np.float32, copy=False)


def reduced(plane: Plane, frame: Frame) -> Plane:
    """Return chroma of the frame's sampling that gives a plane when it is enlarged, nearly."""
    rows, columns = FACTORS[frame.sampling]
    full = np.pad(plane, ((0, -plane.shape[0] % rows), (0, -plane.shape[1] % columns)), mode="edge")
    means: Plane = full.reshape(full.shape[0] // rows, rows, -1, columns).mean(axis=(1, 3)).astype(np.float32)
    if frame.smooth:
        for axis, factor in enumerate((rows, columns)):
            means = _sharpened(means, axis) if factor == 2 else means
    return means


def _sharpened(means: Plane, axis: int) -> Plane:
    """Return values whose interpolated ones have these means, along an axis."""
    found = means
    for _ in range(_ROUNDS):
        found = (found + _PACE * (means - _blurred(found, axis))).astype(np.float32)
    return found


def _blurred(values: Plane, axis: int) -> Plane:
    """Return the means of the two values that interpolation makes of each."""
    wide = np.pad(values, [(1, 1) if i == axis else (0, 0) for i in range(2)], mode="edge")
    first, last = (np.take(wide, range(start, start + values.shape[axis]), axis) for start in (0, 2))
    return (0.75 * values + 0.125 * (first + last)).astype(np.float32)
