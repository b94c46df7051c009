"""What the codec may know of the photograph model beyond its hierarchy of symbols."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .adaptive_filter import ImageFilter
from .hierarchy import Hierarchy, PassSettings


@runtime_checkable
class PhotoModel(Hierarchy, Protocol):
    """A hierarchy of photographs: it looks ahead, filters its pictures, and reconstructs pixels exactly."""

    def lookahead_targets(
        self, pixels: NDArray[np.uint8], settings: PassSettings, passes: int, *, perceptual: bool
    ) -> object:
        """Return what posteriors rest on, as `infer` does, after passes that look ahead.

        Args:
            pixels: (H, W, 3).
            settings: Of the pass that will code the symbols.
            passes: How many passes to make; each shows what choices cost in later layers.
            perceptual: Whether errors count more where they are visible.
        """
        ...

    def saturation(self, state: object, targets: object) -> float:
        """Return the mean squared distance of what a state shows from the image, in units of sigma squared.

        About 1 or less where the codebooks follow the image; more where it is beyond them, whose range shrinks as the
        quality rises.
        """
        ...

    def exact_reconstruction(self, state: object) -> NDArray[np.uint8]:
        """Return (H, W, 3) pixels near those of `render`, the same on every machine; `state` is of an exact pass."""
        ...

    def fit(self, state: object, pixels: NDArray[np.uint8]) -> ImageFilter | None:
        """Return the adaptive filter for (H, W, 3) pixels and the state of their pass; None where none pays."""
        ...

    @property
    def filter_shape(self) -> tuple[int, int]:
        """Return the outputs of an adaptive filter, and the terms of each."""
        ...

    @property
    def filter_tables(self) -> NDArray[np.float32]:
        """Return the distributions of the filter's coefficients.

        Returns:
            (densities, 2 m + 1) integer weights of the steps -m .. m; rows sum to 2**24 - (K + 2), as those of a prior.
        """
        ...

    def render(self, state: object, image_filter: ImageFilter | None = None) -> NDArray[np.uint8]:
        """Return the (H, W, 3) pixels that a state shows, filtered where there is a filter."""
        ...
