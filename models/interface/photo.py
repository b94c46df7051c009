"""The protocol of the photograph model: what the codec may know beyond a hierarchy of symbols."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ...progress import OnProgress, ignore
from ...shapes import Float32, UInt8
from .adaptive_filter import ImageFilter
from .hierarchy import Hierarchy, PassSettings

Region = tuple[slice, slice]
"""Rows and columns of an image's pixels; both slices have a start and a stop within it."""


@runtime_checkable
class PhotoModel(Hierarchy, Protocol):
    """A hierarchy of photographs that looks ahead and fits adaptive filters."""

    @property
    def exact_pixels(self) -> bool:
        """Whether `render` returns the same pixels on every machine, as lossless files need."""
        ...

    def lookahead_targets(
        self, pixels: UInt8[NDArray[np.uint8], "H W 3"], settings: PassSettings, passes: int, *, perceptual: bool
    ) -> object:
        """Return the targets of an encoder, as `infer` does, after passes that look ahead.

        Args:
            pixels: (H, W, 3).
            settings: Settings of the pass that will code the symbols.
            passes: Number of passes; each estimates what choices cost in later layers.
            perceptual: Whether errors count more where they are visible.
        """
        ...

    def saturation(self, state: object, targets: object) -> float:
        """Return the mean squared distance of a state's reconstruction from the image, in units of sigma squared.

        It is about 1 or less if the codebooks can follow the image, and more if the image exceeds their range, which
        shrinks as the quality rises.
        """
        ...

    def fit(
        self, state: object, pixels: UInt8[NDArray[np.uint8], "H W 3"], on_progress: OnProgress = ignore
    ) -> ImageFilter | None:
        """Return the adaptive filter for pixels (H, W, 3) and the state of their pass; None if no filter saves bits."""
        ...

    @property
    def filter_shape(self) -> tuple[int, int]:
        """Number of outputs of an adaptive filter, and of terms of each."""
        ...

    @property
    def filter_tables(self) -> Float32[NDArray[np.float32], "densities steps"]:
        """Distributions of the filter's coefficients.

        Integer weights (densities, 2 m + 1) of the steps -m .. m; rows sum to 2**24 - (K + 2), as those of a prior.
        """
        ...

    def render(
        self,
        state: object,
        image_filter: ImageFilter | None = None,
        region: Region | None = None,
        on_progress: OnProgress = ignore,
    ) -> UInt8[NDArray[np.uint8], "H W 3"]:
        """Return the pixels of a state, filtered if there is a filter.

        Args:
            state: What a pass has built, of all its layers or of the first ones.
            image_filter: The adaptive filter of the image.
            region: Rows and columns of the pixels to return, equal to those of the whole image; all if it is None.
            on_progress: Called with the share that is rendered.
        """
        ...

    def reduced_layers(self, denominator: int) -> int:
        """Return how many layers in coding order a picture at 1/2, 1/4 or 1/8 of the size is made of."""
        ...

    def render_reduced(self, state: object, denominator: int) -> UInt8[NDArray[np.uint8], "h w 3"]:
        """Return the pixels of a state at 1/2, 1/4 or 1/8 of its size, ceil(H / denominator) x ceil(W / denominator).

        Args:
            state: What a pass has built of the first `reduced_layers`, or fewer. At 1/4 and 1/8 it may be partial.
            denominator: 2, 4 or 8.
        """
        ...
