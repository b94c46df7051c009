"""The map of lapped blocks across their borders, by products of matrices (`models.photo.network.lapped`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float
from ...photo.layout import BLOCK

HALF = BLOCK // 2

Rounding = Callable[[NDArray[Any]], NDArray[Any]]


def across_borders(
    x: Float[NDArray[Any], "C H W"], matrix: Float[NDArray[Any], "8 8"], rounding: Rounding = lambda x: x
) -> Float[NDArray[Any], "C H W"]:
    """Multiply the eight samples about every block border by a matrix, along rows, then along columns.

    Args:
        x: samples whose sides are multiples of 8.
        matrix: (8, 8).
        rounding: applied to the mapped samples after either step.
    """
    turned = np.ascontiguousarray(_along(x, matrix, rounding).transpose(0, 2, 1))
    return _along(turned, matrix, rounding).transpose(0, 2, 1)


def _along(x: NDArray[Any], matrix: NDArray[Any], rounding: Rounding) -> NDArray[Any]:
    if x.shape[-1] <= BLOCK:
        return x
    out = x.copy()
    between = out[..., HALF:-HALF]
    mapped = np.ascontiguousarray(between).reshape(-1, BLOCK) @ matrix.T.astype(x.dtype)
    between[:] = rounding(mapped).reshape(between.shape)
    return out
