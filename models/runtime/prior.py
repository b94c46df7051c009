"""Converts scores of a prior to integer frequencies in exact arithmetic; see `models.integer.prior`.

Source:
    Willetts et al. (2021), "Relaxed-Responsibility Hierarchical Discrete VAEs", equation 7.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ...shapes import Float32, Float64

PRECISION_BITS = 24
"""Total of the coder's frequencies: 2**24."""
STEPS = 256
"""Entries of the exponential's table for one bit."""
PEAK_BITS = 20
"""The largest entry is 2**20; scores more than 20 bits below the best one get weight 0."""


@cache
def power_table() -> Float64[NDArray[np.float64], " entries"]:
    """Return the table of 2^-x: floor(round(2^(PEAK_BITS - j/256)) / 2^i) at index 256 i + j, followed by a 0."""
    with localcontext() as context:
        context.prec = 40
        octave = [int((Decimal(2) ** (PEAK_BITS - Decimal(j) / STEPS)).to_integral_value()) for j in range(STEPS)]
    entries = [value >> i for i in range(PEAK_BITS + 1) for value in octave]
    return np.array([*entries, 0], np.float64)


def prior_weights(scores: Float64[NDArray[np.float64], "n K"]) -> Float32[NDArray[np.float32], "n K"]:
    """Convert scores to integer prior weights.

    u_k = table[floor(256 (max score - score_k))], w_k = floor(u_k M / sum u) with M = 2**24 - (K + 2); the remainder
    of the floors goes to symbol 0. Products stay below 2**53, where floor(a / b) of float64 is the integer quotient;
    the weights' sum stays below 2**24, exact in float32. As nothing is negative, truncation equals floor.

    Args:
        scores: (n, K) in bits, up to a constant of each position.

    Returns:
        (n, K) integer values, rows summing to 2**24 - (K + 2).
    """
    table = power_table()
    below = scores.max(axis=1, keepdims=True) - scores
    below *= STEPS
    # Indices of numpy's own type and a clamp inside `take` are several times faster than others.
    raw = table.take(below.astype(np.intp), mode="clip")
    total = 2**PRECISION_BITS - (scores.shape[1] + 2)
    sums = raw.sum(axis=1, keepdims=True)
    raw *= total
    raw /= sums
    weights: NDArray[np.float32] = np.trunc(raw, out=raw).astype(np.float32)
    weights[:, 0] += total - weights.sum(axis=1)
    return weights
