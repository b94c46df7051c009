"""p of colour pixels, each given its neighbours before it and a map of features: a network on exact grids.

Planes are those of a reversible colour transform (colours). A position sees how its neighbours within a reach differ
from a base, the mean of the pixel above and the one to the left; the heads of `pixel_net` then say for one plane after
the other what the pixel is: the index of one of the shared tables of `residuals`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .causal import Reach
from .integer.grid import signed
from .integer.linear import GridLinear
from .pixel_net import FEATURE_LIMIT, MEAN_STEPS, Head, PixelConfig, Shape, rectified

FEATURE_SCALE = 16
"""Features on the signed 8-bit grid in grey levels."""
START = (128, 0, 0)
"""The base of the first pixel, by plane."""


@dataclass(frozen=True)
class RasterConfig:
    """Sizes of the network: `features` is the number of maps that it sees beside the neighbours."""

    reach: Reach
    features: int
    hidden: int = 96
    width: int = 32

    @property
    def inputs(self) -> int:
        """Neighbours' differences to the base and the base itself, by plane, and the features."""
        return 3 * len(self.reach.offsets()) + 3 + self.features


class RasterNet(nn.Module):
    """Distributions of the planes of every pixel."""

    def __init__(self, config: RasterConfig) -> None:
        super().__init__()
        self.config = config
        sizes = PixelConfig(config.hidden, config.width)
        self.trunk = GridLinear(config.inputs, config.hidden, gain=1.4, input_limit=FEATURE_LIMIT)
        self.heads = nn.ModuleList(Head(config.inputs, plane, sizes) for plane in range(3))

    def forward(self, planes: Tensor, features: Tensor) -> list[tuple[Tensor, Shape]]:
        """Planes (B, 3, H, W) and features (B, F, H, W) -> by plane what pixels differ from the base, and its Shape."""
        seen, base = self.seen(planes, features)
        hidden = rectified(self.trunk(seen))
        before, found = hidden.new_zeros(len(hidden), 0), []
        targets = planes.permute(1, 0, 2, 3).flatten(1) - base
        for target, head in zip(targets, self.heads, strict=True):
            shape: Shape = head(hidden, seen, before)
            middle = torch.floor(shape.mean.detach() / MEAN_STEPS + 0.5)
            before = torch.cat([before, (target - middle).clamp(-127, 127)[:, None]], dim=1)
            found.append((target, shape))
        return found

    def seen(self, planes: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """What every pixel sees (B * H * W, inputs), and its base (3, B * H * W)."""
        reach = self.config.reach
        inside = reach.neighbours(torch.ones_like(planes[:1, 0])).expand(len(planes), -1, -1, -1).flatten(0, 2)
        around = torch.stack([reach.neighbours(plane).flatten(0, 2) for plane in planes.unbind(1)])
        base = base_of(around, inside)
        rows = scaled(features).permute(0, 2, 3, 1).flatten(0, 2)
        return torch.cat([differences(around, inside, base), rows], dim=1), base


def scaled(features: Tensor) -> Tensor:
    """Features in whole grey levels."""
    return signed(features) * FEATURE_SCALE


def base_of(around: Tensor, inside: Tensor) -> Tensor:
    """The mean of the pixels above and to the left, of those inside the image. (3, n, taps), (n, taps) -> (3, n)

    A reach's first two offsets are these.
    """
    above, left = inside[:, 0], inside[:, 1]
    sums = around[:, :, 0] + around[:, :, 1]  # outside is 0
    mean = torch.floor((sums + 1) * 0.5)
    start = around.new_tensor(START)[:, None]
    return torch.where((above + left) == 2, mean, torch.where((above + left) == 1, sums, start))


def differences(around: Tensor, inside: Tensor, base: Tensor) -> Tensor:
    """Neighbours' differences to the base, 0 outside, and the base. (n, 3 taps + 3)"""
    apart = ((around - base[:, :, None]) * inside).clamp_(-127, 127)
    middle = base - base.new_tensor(START)[:, None]
    return torch.cat([apart.permute(1, 0, 2).flatten(1), middle.t().clamp(-127, 127)], dim=1)
