"""The seam between models and codec for filters that are fitted to one image: numpy types only, as in `interface`."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

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


@runtime_checkable
class Filtering(Protocol):
    """A hierarchy whose pictures may be corrected by a filter that was fitted to the image."""

    @property
    def filter_shape(self) -> tuple[int, int]:
        """Outputs of a filter, and terms of each."""
        ...

    @property
    def filter_tables(self) -> NDArray[np.float32]:
        """Distributions of coefficients: (densities, 2 m + 1) integer weights of the steps -m .. m.

        Rows sum to 2**24 - (K + 2), as those of a prior do.
        """
        ...

    def fit(self, state: object, pixels: NDArray[np.uint8]) -> ImageFilter | None:
        """Return the filter for (H, W, 3) pixels and the state that their walk has left; None where none pays."""
        ...

    def render(self, state: object, image_filter: ImageFilter | None = None) -> NDArray[np.uint8]:
        """Return the (H, W, 3) pixels that a state shows, filtered."""
        ...
