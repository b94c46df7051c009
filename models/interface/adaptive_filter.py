"""The seam between models and codec for filters that are fitted to one image: numpy types only, as in `interface`."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SMALLEST_SIDE = 256
"""Of regions: their sides are this times a power of two."""


@dataclass(frozen=True)
class ImageFilter:
    """Coefficients of a filter that is fitted to one image, for each region of it."""

    side: int
    """Pixels of a region's sides; regions begin at the image's upper left corner."""
    precision: int
    """Coefficients are multiples of 2**-precision."""
    steps: NDArray[np.int32]
    """The multiples, (rows of regions, columns, outputs, terms)."""

    def of(self, row: int, column: int) -> NDArray[np.float32]:
        """Return the coefficients (outputs, terms) of the region that a pixel lies in."""
        steps = self.steps[row // self.side, column // self.side]
        found: NDArray[np.float32] = steps.astype(np.float32) / np.float32(2**self.precision)
        return found
