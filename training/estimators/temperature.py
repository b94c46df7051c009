"""A temperature of relaxed samples that is learnt with the model, by the gradient of the relaxed ELBO."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ...shapes import Float
from ..recipes.families import COLDEST, HOTTEST


class Temperature(nn.Module):
    """A temperature tau > 0, whose logarithm is the parameter.

    Of the relaxed ELBO the relaxed objective seeks a high temperature, and its distance from hard samples a low one.

    Source: Lievin et al. (2019), appendix C, which suggests it in one sentence.

    Args:
        start: Temperature at the start.
    """

    def __init__(self, start: float) -> None:
        super().__init__()
        self.logarithm = nn.Parameter(torch.tensor(math.log(start)))

    def forward(self) -> Float[Tensor, ""]:
        """Return the temperature, within the bounds of those that a recipe can name."""
        return self.logarithm.exp().clamp(COLDEST, HOTTEST)
