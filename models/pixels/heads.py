"""The last layers of networks of colour pixels, on exact grids: one head for each plane of a pixel.

Its inputs are a hidden layer that the three planes share and the residuals of the planes before its own. It returns the
mean, the scale and the tail of the plane's distribution, which together are the index of one of a few shared tables
(`distributions`). A unit is a grey level; activations lie on the grid 2**-4, so that a smooth image's means are fine
enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...shapes import Float
from ..integer.grid import ACTIVATION_BITS, quantise
from ..integer.linear import QuantLinear
from .grids import BOUND_BITS, FEATURE_LIMIT, HIDDEN_LIMIT, MEAN_BITS, MEAN_STEPS, SCALES


@dataclass
class PixelDistribution:
    """Distributions of n pixels of a plane; all numbers are whole.

    Args:
        mean: Steps of 2**-3 grey levels above the base.
        scale: Index of the scale, 0 to SCALES - 1.
        tail: Index of the wide component's share, 0 to TAILS - 1.
    """

    mean: Float[Tensor, " n"]
    scale: Float[Tensor, " n"]
    tail: Float[Tensor, " n"]


class Head(nn.Module):
    """The head of one plane.

    Args:
        inputs: Number of features, which enter the mean past the hidden layers.
        before: Number of planes that are coded before this one.
        hidden: Width of the hidden layer that the planes share.
        width: Width of the head's own hidden layer.
    """

    def __init__(self, inputs: int, before: int, hidden: int, width: int) -> None:
        super().__init__()
        self.mix = QuantLinear(hidden + before, width, gain=1.4, input_limit=HIDDEN_LIMIT)
        self.out = QuantLinear(width, 3, gain=0.2, input_limit=HIDDEN_LIMIT)
        self.skip = QuantLinear(inputs + before, 1, gain=0.05, input_limit=FEATURE_LIMIT)

    def forward(
        self, hidden: Float[Tensor, "n hidden"], features: Float[Tensor, "n inputs"], before: Float[Tensor, "n planes"]
    ) -> PixelDistribution:
        """Return the distributions of the plane, given the residuals of the planes before it."""
        inner = quantise_relu(self.mix(torch.cat([hidden, before], dim=1)))
        mean, scale, tail = self.out(inner).unbind(1)
        straight = self.skip(torch.cat([features, before], dim=1))[:, 0]
        mean = quantise(_bounded(mean) + _bounded(straight), MEAN_BITS) * MEAN_STEPS
        half = (SCALES - 1) // 2
        return PixelDistribution(mean, quantise(scale, 0, -half, half) + half, quantise(tail * 0.25, 0, -2, 2) + 2)


def quantise_relu(x: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """Apply a ReLU and round to the grid of the activations."""
    return quantise(x, ACTIVATION_BITS, 0, HIDDEN_LIMIT * 2.0**-ACTIVATION_BITS)


def _bounded(mean: Tensor) -> Tensor:
    """Return a part of a mean, on a grid that holds the sum of two exactly."""
    return quantise(mean, BOUND_BITS, -1024, 1024)
