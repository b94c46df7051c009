"""Distributions of residuals: the mixture of logistics for training, and the integer tables for coding.

A table's weights are data, computed in floats when a model is made and corrected by counts; coding only reads them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...shapes import Float64, Int32, Int64
from ..tokens import logistic_mass
from .grids import MEAN_STEPS, SCALES, TAILS
from .tokens import ALPHABET, CONTEXTS, TOKENS, WIDE

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
    places = (ALPHABET.edges() - middle) / scale
    p = (1 - wide) * logistic_mass(places) + wide * logistic_mass(places / WIDE)
    return np.asarray(p / p.sum(axis=1, keepdims=True))


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
