"""The pass over a batch of black and white images of one size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Int32
from ...interface.hierarchy import PixelStep
from ..places import WavefrontPlaces
from .config import HALF
from .integer import IntegerBilevelNet


@dataclass
class BilevelStep:
    """One wavefront of n pixels, whose values are coded in parallel.

    Args:
        layer: Index of the wavefront.
        contexts: Index of each pixel's distribution.
        wanted: The pixels themselves, 0 and 1, which only an encoder has.
    """

    layer: int
    contexts: Int32[NDArray[np.int32], " n"]
    wanted: Int32[NDArray[np.int32], " n"] | None

    def residuals(self) -> Int32[NDArray[np.int32], " n"]:
        """Return the pixels themselves, 0 and 1.

        Raises:
            ValueError: The pass has no pixels to encode.
        """
        if self.wanted is None:
            raise ValueError("residuals need the pixels, and this pass has none")
        return self.wanted


class LikelierValue:
    """A source whose pixels all take their likelier value."""

    def next(self, step: PixelStep) -> Int32[NDArray[np.int32], " n"]:
        """Return pixels, 0 and 1."""
        return (step.contexts > HALF).astype(np.int32)


class BilevelPass:
    """A pass over a batch of images, wavefront after wavefront.

    Args:
        net: The network.
        lifted: What features add to its first layer (`IntegerBilevelNet.lift`).
        wanted: The images, 0 and 1, which only an encoder has.
    """

    def __init__(
        self,
        net: IntegerBilevelNet,
        lifted: Float32[NDArray[np.float32], "B H W width"],
        wanted: Float32[NDArray[np.float32], "B H W"] | None,
    ) -> None:
        self.net, self.lifted, self.wanted = net, lifted, wanted
        B, H, W = lifted.shape[:3]
        self.padded = net.receptive_field.padded(np.zeros((B, H, W), np.float32))
        self.places = WavefrontPlaces(net.receptive_field, B, H, W)

    @property
    def depth(self) -> int:
        """Number of wavefronts."""
        return len(self.places.fronts)

    def blocks(self, index: int) -> Iterator[BilevelStep]:
        """Yield a wavefront's pixels, image after image."""
        y, x = self.places.fronts[index]
        neighbours = self.padded.reshape(-1)[self.places.neighbours(self.places.all(index))]
        contexts = self.net.contexts(neighbours, self.lifted[:, y, x].reshape(-1, self.lifted.shape[-1]))
        wanted = None if self.wanted is None else self.wanted[:, y, x].ravel().astype(np.int32)
        yield BilevelStep(index, contexts, wanted)

    def absorb(self, step: BilevelStep, choice: Int32[NDArray[np.int32], " n"]) -> None:
        """Store the pixels (n,), 0 and 1."""
        self.padded.reshape(-1)[self.places.all(step.layer)] = 2 * choice - 1

    def finish(self) -> Float32[NDArray[np.float32], "B H W"]:
        """Return the images, 0 and 1."""
        return (self.places.cropped(self.padded) + 1) * np.float32(0.5)
