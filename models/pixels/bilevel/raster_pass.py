"""The network of black and white pixels in integer arithmetic, and the pass over a batch of images of one size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int32, Integer
from numpy.typing import NDArray
from torch import Tensor

from ...integer.compiled import IntegerLinear, rounded
from ...integer.grid import ACTIVATION_BITS, quantise_signed
from ..places import WavefrontPlaces
from .net import HALF, HIDDEN_LIMIT, SCORE_BITS, BilevelNet

UNIT = 2.0**ACTIVATION_BITS


class IntegerBilevelNet:
    """A `BilevelNet` for coding, in steps of its grids."""

    def __init__(self, net: BilevelNet) -> None:
        self.receptive_field = net.config.receptive_field
        taps = len(self.receptive_field.offsets())
        self.first = first = IntegerLinear(net.first, ACTIVATION_BITS)
        self.taps, self.features, self.bias = first.matrix[:taps], first.matrix[taps:], first.bias
        self.rest = [IntegerLinear(layer, ACTIVATION_BITS) for layer in net.rest]  # type: ignore[arg-type]
        self.last = IntegerLinear(net.last, SCORE_BITS)

    def lift(self, features: Float[Tensor, "B F H W"]) -> Float[Tensor, "B H W width"]:
        """Return the features' contribution to the first layer, in steps of 2**-4."""
        rows = quantise_signed(features).mul(UNIT).permute(0, 2, 3, 1)
        return (rows.reshape(-1, rows.shape[-1]) @ self.features + self.bias).view(*rows.shape[:3], -1)

    def contexts(
        self, neighbours: Float[Tensor, "n neighbours"], lifted: Float[Tensor, "n width"]
    ) -> Int32[NDArray[np.int32], " n"]:
        """Return the contexts of pixels.

        Args:
            neighbours: Neighbours (n, neighbours) of -1, 0 and 1.
            lifted: What `lift` returned for the pixels (n, width).

        Returns:
            Index of each pixel's distribution (n,).
        """
        return self._contexts(torch.addmm(lifted, neighbours * UNIT, self.taps))

    def contexts_of(self, rows: Float[Tensor, "n inputs"]) -> Int32[NDArray[np.int32], " n"]:
        """Return the contexts of pixels, given their neighbours and features in steps of 2**-4."""
        return self._contexts(self.first(rows))

    def _contexts(self, sums: Tensor) -> NDArray[np.int32]:
        h = rounded(sums).clamp_(0, HIDDEN_LIMIT)
        for layer in self.rest:
            h = rounded(layer(h)).clamp_(0, HIDDEN_LIMIT)
        scores = rounded(self.last(h)[:, 0]).clamp_(-HALF, HALF).add_(HALF)
        return scores.int().numpy()


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

    def next(self, step: BilevelStep) -> Integer[Tensor, " n"]:
        """Return pixels, 0 and 1."""
        return torch.from_numpy(step.contexts > HALF).long()


class BilevelPass:
    """A pass over a batch of images, wavefront after wavefront.

    Args:
        net: The network.
        lifted: What features add to its first layer (`IntegerBilevelNet.lift`).
        wanted: The images, 0 and 1, which only an encoder has.
    """

    def __init__(
        self, net: IntegerBilevelNet, lifted: Float[Tensor, "B H W width"], wanted: Float[Tensor, "B H W"] | None
    ) -> None:
        self.net, self.lifted, self.wanted = net, lifted, wanted
        B, H, W = lifted.shape[:3]
        self.padded = net.receptive_field.padded(torch.zeros(B, H, W))
        self.places = WavefrontPlaces(net.receptive_field, B, H, W)

    @property
    def depth(self) -> int:
        """Number of wavefronts."""
        return len(self.places.fronts)

    def blocks(self, index: int) -> Iterator[BilevelStep]:
        """Yield a wavefront's pixels, image after image."""
        y, x = self.places.fronts[index]
        neighbours = self.padded.view(-1)[self.places.neighbours(self.places.all(index))]
        contexts = self.net.contexts(neighbours, self.lifted[:, y, x].flatten(0, 1))
        wanted = None if self.wanted is None else self.wanted[:, y, x].flatten().int().numpy()
        yield BilevelStep(index, contexts, wanted)

    def absorb(self, step: BilevelStep, choice: Integer[Tensor, " n"]) -> None:
        """Store the pixels (n,), 0 and 1."""
        self.padded.view(-1)[self.places.all(step.layer)] = 2.0 * choice - 1.0

    def finish(self) -> Float[Tensor, "B H W"]:
        """Return the images, 0 and 1."""
        return (self.places.cropped(self.padded) + 1) * 0.5
