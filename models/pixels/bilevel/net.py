"""A small network on exact grids: the probability of a black and white pixel, given causal neighbours and features.

The network returns the log-odds of white in bits, in steps of 2**-5 up to 14 bits: one of STEPS distributions, which
are computed in integers once (`tokens.distributions`).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ....shapes import Float
from ...integer.grid import quantise, quantise_relu, quantise_signed
from ...integer.linear import QuantLinear
from ..neighbourhoods import neighbours
from .config import HIDDEN_LIMIT, SCORE_BITS, SCORE_LIMIT, BilevelConfig


class BilevelNet(nn.Module):
    """Log-odds of white, in bits; neighbours are 1 where white, -1 where black, 0 outside."""

    def __init__(self, config: BilevelConfig) -> None:
        super().__init__()
        self.config = config
        inputs = len(config.receptive_field.offsets()) + config.features
        self.first = QuantLinear(inputs, config.width, gain=1.4)
        self.rest = nn.ModuleList(
            QuantLinear(config.width, config.width, gain=1.4, input_limit=HIDDEN_LIMIT) for _ in range(config.depth - 1)
        )
        self.last = QuantLinear(config.width, 1, gain=0.5, input_limit=HIDDEN_LIMIT)

    def forward(self, white: Float[Tensor, "B H W"], features: Float[Tensor, "B F H W"]) -> Float[Tensor, "B H W"]:
        """Return the scores of all pixels of images of 0 and 1."""
        rows = torch.cat(
            [neighbours(self.config.receptive_field, 2 * white - 1), quantise_signed(features).permute(0, 2, 3, 1)],
            dim=-1,
        )
        return self.scores(rows.flatten(0, 2)).view(white.shape)

    def scores(self, rows: Float[Tensor, "n inputs"]) -> Float[Tensor, " n"]:
        """Return the scores (n,) of pixels in bits, given their neighbours and features (n, inputs)."""
        h = quantise_relu(self.first(rows))
        for layer in self.rest:
            h = quantise_relu(layer(h))
        return quantise(self.last(h), SCORE_BITS, -SCORE_LIMIT, SCORE_LIMIT)[:, 0]


def log_prob(scores: Float[Tensor, "*shape"], white: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return log p of pixels of 0 and 1, in nats."""
    return -F.binary_cross_entropy_with_logits(scores * math.log(2), white, reduction="none")
