"""p(x | z) of lossless pixels: a small network for each group of a level, on exact grids.

A position's features (differences of known pixels to a base, see lattice) go through one hidden layer that the three
channels share, and a second one of each channel's own, which also sees how the channels before it came out. It gives
the mean, the scale and the tail of the pixel's distribution, as the index of one of a few shared tables (residuals).

A unit is a grey level; activations lie on the grid 2**-4, so that a smooth image's means are fine enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .integer.grid import ACTIVATION_BITS, on_grid
from .integer.linear import GridLinear
from .lattice import LEVELS, Group, groups, seed

FEATURE_LIMIT = 127 * 16
"""Features are whole grey levels up to 127, in steps of the activations' grid."""
HIDDEN_LIMIT = 2047
"""Hidden activations, in the same steps."""

MEAN_BITS = 3
MEAN_STEPS = 2**MEAN_BITS
"""Steps of the mean in a grey level."""
BOUND_BITS = 8
"""The grid of the mean's two parts."""
SCALES = 41
"""Scales are 2**(i/4 - 3) grey levels, i in 0 .. 40."""
TAILS = 5
"""The wide component's shares."""


@dataclass(frozen=True)
class PixelConfig:
    """Widths of the two hidden layers."""

    hidden: int = 64
    width: int = 32


@dataclass
class Shape:
    """Distributions of a channel's pixels (n,): mean in steps above the base, indices of scale and tail, all whole."""

    mean: Tensor
    scale: Tensor
    tail: Tensor


class Head(nn.Module):
    """One channel's part of a group; `before` is how many channels are known when it is coded."""

    def __init__(self, inputs: int, before: int, config: PixelConfig) -> None:
        super().__init__()
        self.mix = GridLinear(config.hidden + before, config.width, gain=1.4, input_limit=HIDDEN_LIMIT)
        self.out = GridLinear(config.width, 3, gain=0.2, input_limit=HIDDEN_LIMIT)
        self.skip = GridLinear(inputs + before, 1, gain=0.05, input_limit=FEATURE_LIMIT)

    def forward(self, hidden: Tensor, seen: Tensor, before: Tensor) -> Shape:
        """(n, hidden), features (n, inputs), residuals of the channels before (n, before) -> (n,) each."""
        inner = rectified(self.mix(torch.cat([hidden, before], dim=1)))
        mean, scale, tail = self.out(inner).unbind(1)
        straight = self.skip(torch.cat([seen, before], dim=1))[:, 0]
        mean = on_grid(_bounded(mean) + _bounded(straight), MEAN_BITS) * MEAN_STEPS
        half = (SCALES - 1) // 2
        return Shape(mean, on_grid(scale, 0, -half, half) + half, on_grid(tail * 0.25, 0, -2, 2) + 2)


def rectified(x: Tensor) -> Tensor:
    """ReLU onto the grid of the activations."""
    return on_grid(x, ACTIVATION_BITS, 0, HIDDEN_LIMIT * 2.0**-ACTIVATION_BITS)


def _bounded(mean: Tensor) -> Tensor:
    """A part of a mean, on a grid that holds the sum of two exactly."""
    return on_grid(mean, BOUND_BITS, -1024, 1024)


class GroupNet(nn.Module):
    """The network of one group."""

    def __init__(self, group: Group, config: PixelConfig) -> None:
        super().__init__()
        self.group = group
        self.trunk = GridLinear(group.inputs, config.hidden, gain=1.4, input_limit=FEATURE_LIMIT)
        self.heads = nn.ModuleList(Head(group.inputs, channel, config) for channel in range(3))

    def hidden(self, seen: Tensor) -> Tensor:
        """The shared hidden layer of features (n, inputs) in the network's units. (n, hidden)"""
        return rectified(self.trunk(seen))


class PixelNet(nn.Module):
    """All groups: the seed's, then three of each level, coarse first."""

    def __init__(self, config: PixelConfig) -> None:
        super().__init__()
        self.config = config
        nets = [GroupNet(seed(), config)]
        nets += [GroupNet(group, config) for _ in range(LEVELS) for group in groups()]
        self.nets = nn.ModuleList(nets)

    def group(self, index: int) -> GroupNet:
        """The network of the seed (0) or of a level's group (1 + 3 * level + place)."""
        net = self.nets[index]
        assert isinstance(net, GroupNet)
        return net
