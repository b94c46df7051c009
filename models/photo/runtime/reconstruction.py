"""The coefficients decoded so far, and an encoder's, as planes by stride in units of sigma."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Int64
from ..layout import COEFFICIENTS

Planes = dict[int, NDArray[np.float32]]
"""Coefficients by stride: (COEFFICIENTS[stride], rows * columns)."""

Positions = slice | NDArray[np.int64]
"""Some positions: consecutive ones, or their indices in raster order."""


def blank(counts: dict[int, int]) -> Planes:
    """Return planes of zeros for numbers of positions by stride."""
    return {stride: np.zeros((COEFFICIENTS[stride], count), np.float32) for stride, count in counts.items()}


def read(
    plane: Float32[NDArray[np.float32], "C N"], coefficients: Int64[NDArray[np.int64], " v"], positions: Positions
) -> Float32[NDArray[np.float32], "n v"]:
    """Return some coefficients at some positions, (n, v)."""
    if isinstance(positions, slice):
        return plane[:, positions].take(coefficients, axis=0).T
    return plane[coefficients[:, None], positions].T


def write(
    plane: Float32[NDArray[np.float32], "C N"],
    coefficients: Int64[NDArray[np.int64], " v"],
    positions: Positions,
    values: Float32[NDArray[np.float32], "n v"],
) -> None:
    """Replace some coefficients at some positions."""
    if isinstance(positions, slice):
        for coefficient, part in zip(coefficients, values.T, strict=True):
            plane[coefficient, positions] = part
    else:
        plane[coefficients[:, None], positions] = values.T
