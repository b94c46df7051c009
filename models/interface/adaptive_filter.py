"""The adaptive filter of one image, as models and codec exchange it: numpy types only."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...shapes import Float32

SMALLEST_SIDE = 256
"""Smallest side of a region in pixels; sides are this times a power of two."""


@dataclass(frozen=True)
class ImageFilter:
    """Coefficients of a filter that is fitted to one image, for each region of it."""

    side: int
    """Side of the regions in pixels; the first one begins at the image's upper left corner."""
    precision: int
    """Coefficients are multiples of 2**-precision."""
    steps: NDArray[np.int32]
    """The multiples: (rows of regions, columns of regions, outputs, terms)."""

    def of(self, row: int, column: int) -> Float32[NDArray[np.float32], "outputs terms"]:
        """Return the coefficients (outputs, terms) of the region that contains a pixel."""
        steps = self.steps[row // self.side, column // self.side]
        found: NDArray[np.float32] = steps.astype(np.float32) / np.float32(2**self.precision)
        return found
