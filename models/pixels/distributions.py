"""Distributions of residuals: the mixture of logistics for training, and the integer tables for coding.

A table's weights are data, computed in floats when a model is made and corrected by counts; coding only reads them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...shapes import Float64, Int32, Int64
from .grids import MEAN_STEPS, SCALES, TAILS
from .tokens import CONTEXTS, TOKENS, WIDE, bits, starts

TRUST = 400.0
"""Number of counted residuals that weigh as much as the mixture."""

FLOOR = 2.0**-17
"""Smallest probability of a token."""

TOTAL = 2**24 - (TOKENS + 2)
"""Sum of a table's weights."""


def mixtures() -> Float64[NDArray[np.float64], "contexts tokens"]:
    """Return the probabilities of tokens under the training's mixture; contexts by scale, tail, fraction."""
    i, t, f = (axis.reshape(-1, 1) for axis in np.indices((SCALES, TAILS, MEAN_STEPS)))
    scale, wide = 2.0 ** (i / 4 - 3), 2.0 ** (-1 - 1.25 * t)
    middle = (f - MEAN_STEPS // 2) / MEAN_STEPS
    low, high = (edge - middle for edge in edges())
    p = (1 - wide) * _between(low / scale, high / scale) + wide * _between(low / scale / WIDE, high / scale / WIDE)
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def edges() -> tuple[Float64[NDArray[np.float64], " tokens"], Float64[NDArray[np.float64], " tokens"]]:
    """Return where the residuals of each token begin and end, half a level beyond the outermost."""
    first = starts().astype(np.float64)
    last = first + 2.0 ** bits() - 1
    low = np.concatenate([-last[:0:-1], first]) - 0.5
    high = np.concatenate([-first[:0:-1], last]) + 0.5
    return low, high


def checked(
    tables: Int32[NDArray[np.int32], "contexts tokens"],
) -> Int32[NDArray[np.int32], "contexts tokens"]:
    """Return tables of integer weights as they are.

    Raises:
        ValueError: They are not distributions.
    """
    if tables.shape != (CONTEXTS, TOKENS) or tables.min() < 0 or (tables.sum(axis=1, dtype=np.int64) != TOTAL).any():
        raise ValueError("its tables are not valid")
    return tables


def _between(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a standard logistic's probability of an interval, from the side on which it is precise."""
    flip = low + high > 0
    a, b = np.where(flip, -high, low), np.where(flip, -low, high)
    return np.asarray(_logistic(b) - _logistic(a))


def _logistic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * (1 + np.tanh(x / 2)))


def tables(
    counts: Int64[NDArray[np.int64], "contexts tokens"] | None = None,
) -> Int32[NDArray[np.int32], "contexts tokens"]:
    """Return the tables that tokens are coded with: integer weights, rows summing to 2**24 - (K + 2).

    Args:
        counts: How often each token occurred in each context in training; they correct the mixture.
    """
    p = mixtures()
    if counts is not None:
        p = (p * TRUST + counts) / (TRUST + counts.sum(axis=1, keepdims=True))
    p = np.maximum(p, FLOOR)
    weights = np.floor(p / p.sum(axis=1, keepdims=True) * TOTAL).astype(np.int64)
    weights[np.arange(CONTEXTS), weights.argmax(axis=1)] += TOTAL - weights.sum(axis=1)
    whole: NDArray[np.int32] = weights.astype(np.int32)
    return whole
