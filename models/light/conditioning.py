"""The settings of a file that condition the networks: its quality, and its tuning for perceived quality."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...shapes import Float, Int64
from ..photo.network.chain import KNOTS, interpolate_float


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

    def forward(self, conditioning: Conditioning) -> Float[Tensor, "b c"]:
        """Return the vectors of a batch: those of tuning 0, and the tuning's share of what tuning 1 adds."""
        plain = interpolate_float(self.plain, conditioning.quality)
        return plain + conditioning.tuning[:, None] * interpolate_float(self.tuned, conditioning.quality)
