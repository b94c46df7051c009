"""The prior of a symbol: a mixture of two logistic distributions, integrated over the symbol's cell, in closed form.

Symbols are whole numbers, the cells of an even grid. An embedding (location, scale, tail) names the mixture

    p(n) = (1 - tail) L(n; location, scale) + tail L(n; location, WIDE scale),

where L is the logistic distribution's mass between n - 1/2 and n + 1/2. This is RRVQ's prior (Willetts et al. 2021,
equation 7) with means and variances that all symbols of a codebook share, evaluated at prototypes: the embedding is
rounded, and the probabilities of every prototype are computed in advance.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ...shapes import Float
from ..integer.grid import quantise
from .grids import LARGEST_TAIL, LEAST_TAIL, WIDE

FLOOR = 1e-7
"""Added to every probability, as the integer tables that coders use give every symbol some."""
ENCODING_BITS = 4


class LogisticPrior(NamedTuple):
    """Embeddings of N positions and G coefficients, in steps of the grid.

    Args:
        location: centre of both logistics, (N, G).
        scale: log2 of the first logistic's scale, (N, G).
        tail: share of the second logistic, (N, G).
    """

    location: Tensor
    scale: Tensor
    tail: Tensor


def rounded_prior(
    location: Float[Tensor, "n g"], scale: Float[Tensor, "n g"], logit: Float[Tensor, "n g"]
) -> LogisticPrior:
    """Return the nearest prototypes: eighths of a step, quarters of an octave, whole numbers of the log-odds.

    Args:
        location: centres.
        scale: log2 of the scales.
        logit: of the tails' shares.
    """
    odds = quantise(logit, 0, LEAST_TAIL, LARGEST_TAIL)
    return LogisticPrior(quantise(location, 3), quantise(scale, 2), torch.sigmoid(odds))


def nats(symbols: Float[Tensor, "*shape"], prior: LogisticPrior) -> Float[Tensor, "*shape"]:
    """Return -ln p of symbols.

    Args:
        symbols: whole numbers, (N, G), or (N, G, m) for m symbols under each prior.
        prior: the N x G priors.

    Returns:
        Nats, in the shape of `symbols`.
    """
    extra = (1,) * (symbols.dim() - prior.location.dim())
    location, scale, tail = (part.reshape(*part.shape, *extra) for part in prior)
    inverse = torch.exp2(-scale)
    near, half = (symbols - location).abs() * inverse, 0.5 * inverse
    narrow = torch.sigmoid(half - near) - torch.sigmoid(-half - near)
    wide = torch.sigmoid((half - near) / WIDE) - torch.sigmoid((-half - near) / WIDE)
    return -torch.log(narrow + tail * (wide - narrow) + FLOOR)


def candidates(targets: Float[Tensor, "n g"], location: Float[Tensor, "n g"]) -> Float[Tensor, "n g m"]:
    """Return the symbols among which the cheapest one lies: the nearest, two towards the location, the location's own.

    Args:
        targets: coefficients in steps of the grid.
        location: centres of the priors in steps of the grid.

    Returns:
        m = 4 whole numbers for each coefficient.
    """
    nearest, centre = torch.round(targets), torch.round(location)
    towards = torch.sign(centre - nearest)
    return torch.stack([nearest, nearest + towards, nearest + 2 * towards, centre], -1)


def symbol_encoding(symbols: Float[Tensor, "n g"]) -> Float[Tensor, "n c"]:
    """Return the encoding of symbols n as inputs of the networks, (N, ENCODING * G).

    It is the signed and the unsigned log2(1 + |n|), [n != 0] and clamp(n, -1, 1).
    """
    size = torch.log2(1 + symbols.abs())
    encoding = [torch.sign(symbols) * size, size, symbols.abs().clamp(max=1), symbols.clamp(-1, 1)]
    return quantise(torch.stack(encoding, -1), ENCODING_BITS).flatten(-2)
