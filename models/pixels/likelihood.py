"""The likelihood that networks of colour pixels train with: a mixture of two logistics (see `distributions`)."""

from __future__ import annotations

import torch
from torch import Tensor

from ...shapes import Float
from .grids import MEAN_STEPS
from .heads import PixelDistribution
from .tokens import WIDE

LEAST = 1e-6
"""Probability in training of any residual, besides that of the mixture."""


def cost(target: Float[Tensor, " n"], given: PixelDistribution) -> Float[Tensor, " n"]:
    """Return the bits of pixels under their mixtures of two logistics, integrated over each grey level.

    Args:
        target: The pixels minus their base, in grey levels.
        given: Their distributions.
    """
    distance = target - given.mean / MEAN_STEPS
    scale = torch.exp2(given.scale / 4 - 3)
    wide = torch.exp2(-1 - 1.25 * given.tail)
    p = (1 - wide) * _level(distance, scale) + wide * _level(distance, scale * WIDE)
    return -torch.log2(p * (1 - 1000 * LEAST) + LEAST)


def _level(distance: Tensor, scale: Tensor) -> Tensor:
    """Return a logistic's probability of (distance - 1/2, distance + 1/2), from the side on which it is precise."""
    near = distance.abs()
    return torch.sigmoid((0.5 - near) / scale) - torch.sigmoid((-0.5 - near) / scale)
