"""The settings of a file that condition the networks: its quality, and its tuning for perceived quality."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...shapes import Float, Int64
from ..integer.grid import quantise
from ..photo.network.chain import KNOTS, interpolate_float
from .grids import STATE_BITS


@dataclass(frozen=True)
class Conditioning:
    """Settings of a batch of images.

    Args:
        quality: network qualities from 0 (coarse) to 4096 (fine), (B,).
        tuning: weight of perceptual against squared error, from 0 to 1, (B,).
    """

    quality: Int64[Tensor, " b"]
    tuning: Float[Tensor, " b"]

    @property
    def batch(self) -> int:
        """Return the number of images."""
        return len(self.quality)


class Knots(nn.Module):
    """Learned vectors of the quality and the tuning: linear between knots of the quality, and in the tuning.

    Args:
        channels: length of the vectors.
        spread: standard deviation of the vectors at the start.
    """

    def __init__(self, channels: int, spread: float = 0.0) -> None:
        super().__init__()
        self.plain = nn.Parameter(torch.randn(KNOTS, channels) * spread)
        self.tuned = nn.Parameter(torch.zeros(KNOTS, channels))
        self.integers = False

    def forward(self, conditioning: Conditioning) -> Float[Tensor, "b c"]:
        """Return the vectors of a batch: those of tuning 0, and the tuning's share of what tuning 1 adds.

        With integers, knots are in steps of 2**-8, and what is interpolated between them is rounded down to such steps.
        """
        knots = [quantise(part, STATE_BITS) if self.integers else part for part in (self.plain, self.tuned)]
        plain, tuned = (interpolate_float(part, conditioning.quality) for part in knots)
        mixed = plain + conditioning.tuning[:, None] * tuned
        return quantise(mixed - 2.0 ** -(STATE_BITS + 1), STATE_BITS) if self.integers else mixed
