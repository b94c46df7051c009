"""The coefficients decoded so far, and an encoder's, as planes by stride in units of sigma."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32
from numpy.typing import NDArray

from ..layout import COEFFICIENTS

Planes = dict[int, NDArray[np.float32]]
"""Coefficients by stride: (COEFFICIENTS[stride], rows * columns)."""

Rows = slice | NDArray[np.int64]
"""Some positions: consecutive ones, or their indices in raster order."""


def blank(counts: dict[int, int]) -> Planes:
    """Return planes of zeros for numbers of positions by stride."""
    return {stride: np.zeros((COEFFICIENTS[stride], count), np.float32) for stride, count in counts.items()}


def read(
    plane: Float32[NDArray[np.float32], "C N"], columns: NDArray[np.int64], rows: Rows
) -> Float32[NDArray[np.float32], "n v"]:
    """Return some coefficients at some positions, (n, v)."""
    if isinstance(rows, slice):
        return plane[:, rows].take(columns, axis=0).T
    return plane[columns[:, None], rows].T


def write(
    plane: Float32[NDArray[np.float32], "C N"],
    columns: NDArray[np.int64],
    rows: Rows,
    values: Float32[NDArray[np.float32], "n v"],
) -> None:
    """Replace some coefficients at some positions."""
    if isinstance(rows, slice):
        for column, part in zip(columns, values.T, strict=True):
            plane[column, rows] = part
    else:
        plane[columns[:, None], rows] = values.T
