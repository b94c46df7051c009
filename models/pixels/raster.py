"""Colour pixels given their neighbours before them and a map of features: a network on exact grids.

Planes are those of a reversible colour transform (`colours`). Inputs are the differences of the neighbours
in a pixel's receptive field to a base, the mean of the pixel above and the one to the left; the heads predict
one plane after the other (`heads`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...shapes import Float
from ..integer.grid import quantise_signed
from ..integer.linear import QuantLinear
from .grids import FEATURE_LIMIT, MEAN_STEPS
from .heads import Head, PixelDistribution, quantise_relu
from .neighbourhoods import neighbours
from .raster_config import FEATURE_SCALE, START, RasterConfig


class RasterNet(nn.Module):
    """Distributions of the planes of every pixel."""

    def __init__(self, config: RasterConfig) -> None:
        super().__init__()
        self.config = config
        self.trunk = QuantLinear(config.inputs, config.hidden, gain=1.4, input_limit=FEATURE_LIMIT)
        self.heads = nn.ModuleList(Head(config.inputs, plane, config.hidden, config.width) for plane in range(3))

    def forward(
        self, planes: Float[Tensor, "B 3 H W"], features: Float[Tensor, "B F H W"]
    ) -> list[tuple[Float[Tensor, " n"], PixelDistribution]]:
        """Return by plane the differences of all n = B * H * W pixels to their base, and their distributions."""
        inputs, base = self.inputs(planes, features)
        hidden = quantise_relu(self.trunk(inputs))
        before, found = hidden.new_zeros(len(hidden), 0), []
        targets = planes.permute(1, 0, 2, 3).flatten(1) - base
        for target, head in zip(targets, self.heads, strict=True):
            given: PixelDistribution = head(hidden, inputs, before)
            middle = torch.floor(given.mean.detach() / MEAN_STEPS + 0.5)
            before = torch.cat([before, (target - middle).clamp(-127, 127)[:, None]], dim=1)
            found.append((target, given))
        return found

    def inputs(
        self, planes: Float[Tensor, "B 3 H W"], features: Float[Tensor, "B F H W"]
    ) -> tuple[Float[Tensor, "n inputs"], Float[Tensor, "3 n"]]:
        """Return the network's inputs for every pixel, and the pixel's base, in grey levels."""
        receptive_field = self.config.receptive_field
        inside = neighbours(receptive_field, torch.ones_like(planes[:1, 0])).expand(len(planes), -1, -1, -1)
        around = torch.stack([neighbours(receptive_field, plane).flatten(0, 2) for plane in planes.unbind(1)])
        inside = inside.flatten(0, 2)
        base = base_of(around, inside)
        rows = scaled(features).permute(0, 2, 3, 1).flatten(0, 2)
        return torch.cat([differences(around, inside, base), rows], dim=1), base


def scaled(features: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return features in whole grey levels."""
    return quantise_signed(features) * FEATURE_SCALE


def base_of(around: Float[Tensor, "3 n neighbours"], inside: Float[Tensor, "n neighbours"]) -> Float[Tensor, "3 n"]:
    """Return the mean of the pixels above and to the left, of those inside the image.

    Args:
        around: The neighbours' planes, 0 outside the image; above and left are the first two offsets.
        inside: 1 for neighbours inside the image, 0 for others.
    """
    above, left = inside[:, 0], inside[:, 1]
    sums = around[:, :, 0] + around[:, :, 1]  # outside is 0
    mean = torch.floor((sums + 1) * 0.5)
    start = around.new_tensor(START)[:, None]
    return torch.where((above + left) == 2, mean, torch.where((above + left) == 1, sums, start))


def differences(
    around: Float[Tensor, "3 n neighbours"],
    inside: Float[Tensor, "n neighbours"],
    base: Float[Tensor, "3 n"],
) -> Float[Tensor, "n inputs"]:
    """Return the neighbours' differences to the base, 0 outside, and the base: 3 * neighbours + 3 inputs."""
    apart = ((around - base[:, :, None]) * inside).clamp_(-127, 127)
    middle = base - base.new_tensor(START)[:, None]
    return torch.cat([apart.permute(1, 0, 2).flatten(1), middle.t().clamp(-127, 127)], dim=1)
