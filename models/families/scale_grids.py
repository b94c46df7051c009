"""The grids of pixels of the likelihood `scales`: plain numbers, no torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...shapes import Bool

COARSEST = 4
"""Largest side of the coarsest grid (Vahdat et al. 2018, section 6.1)."""


def strides(side: int) -> tuple[int, ...]:
    """Return the distances of the pixels of each grid of an image, coarsest first: halved down to 1."""
    found = [1]
    while -(-side // found[0]) > COARSEST:
        found.insert(0, 2 * found[0])
    return tuple(found)


def known(scale: int, height: int, width: int) -> Bool[NDArray[np.bool_], "height width"]:
    """Tell which pixels of a grid belong to the grid before: those of even rows and columns; none of the first."""
    found = np.zeros((height, width), np.bool_)
    found[::2, ::2] = scale > 0
    return found
