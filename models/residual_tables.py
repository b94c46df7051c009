"""Distributions of a pixel model: the mixture of logistics that it trains with, the tables that it is coded with.

A table's weights are data, computed in floats when a model is made and corrected by counts; coding only reads them.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .pixel_net import MEAN_STEPS, SCALES, TAILS, Shape
from .residuals import CONTEXTS, TOKENS, WIDE, bits, starts

TRUST = 400.0
"""How many counted residuals weigh as much as the mixture."""

FLOOR = 2.0**-17
"""Smallest probability of a token."""

LEAST = 1e-6
"""Probability that a residual has in training whatever the distribution says."""

TOTAL = 2**24 - (TOKENS + 2)
"""Sum of a table's weights."""


def mixtures() -> NDArray[np.float64]:
    """Probabilities of tokens (CONTEXTS, TOKENS) under the training's mixture; contexts by scale, tail, fraction."""
    i, t, f = (axis.reshape(-1, 1) for axis in np.indices((SCALES, TAILS, MEAN_STEPS)))
    scale, wide = 2.0 ** (i / 4 - 3), 2.0 ** (-1 - 1.25 * t)
    middle = (f - MEAN_STEPS // 2) / MEAN_STEPS
    low, high = (edge - middle for edge in edges())
    p = (1 - wide) * _between(low / scale, high / scale) + wide * _between(low / scale / WIDE, high / scale / WIDE)
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def edges() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the residuals of each token begin and end, half a level beyond the outermost. (TOKENS,) each"""
    first = starts().astype(np.float64)
    last = first + 2.0 ** bits() - 1
    low = np.concatenate([-last[:0:-1], first]) - 0.5
    high = np.concatenate([-first[:0:-1], last]) + 0.5
    return low, high


def checked(tables: NDArray[np.int32]) -> NDArray[np.int32]:
    """The tables, or ValueError if they are no distributions."""
    if tables.shape != (CONTEXTS, TOKENS) or tables.min() < 0 or (tables.sum(axis=1, dtype=np.int64) != TOTAL).any():
        raise ValueError("its tables are not valid")
    return tables


def _between(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """A standard logistic's probability of an interval, from the side on which it is precise."""
    flip = low + high > 0
    a, b = np.where(flip, -high, low), np.where(flip, -low, high)
    return np.asarray(_logistic(b) - _logistic(a))


def _logistic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * (1 + np.tanh(x / 2)))


def tables(counts: NDArray[np.int64] | None = None) -> NDArray[np.int32]:
    """Integer weights (CONTEXTS, TOKENS), rows summing to 2**24 - (K + 2), corrected by `counts` of tokens."""
    p = mixtures()
    if counts is not None:
        p = (p * TRUST + counts) / (TRUST + counts.sum(axis=1, keepdims=True))
    p = np.maximum(p, FLOOR)
    weights = np.floor(p / p.sum(axis=1, keepdims=True) * TOTAL).astype(np.int64)
    weights[np.arange(CONTEXTS), weights.argmax(axis=1)] += TOTAL - weights.sum(axis=1)
    whole: NDArray[np.int32] = weights.astype(np.int32)
    return whole


def cost(target: Tensor, shape: Shape) -> Tensor:
    """Bits of residuals (n,) in grey levels under the mixture of two logistics, integrated over each level."""
    distance = target - shape.mean / MEAN_STEPS
    scale = torch.exp2(shape.scale / 4 - 3)
    wide = torch.exp2(-1 - 1.25 * shape.tail)
    p = (1 - wide) * _level(distance, scale) + wide * _level(distance, scale * WIDE)
    return -torch.log2(p * (1 - 1000 * LEAST) + LEAST)


def _level(distance: Tensor, scale: Tensor) -> Tensor:
    """A logistic's probability of (distance - 1/2, distance + 1/2); by symmetry on the side where it is precise."""
    near = distance.abs()
    return torch.sigmoid((0.5 - near) / scale) - torch.sigmoid((-0.5 - near) / scale)
