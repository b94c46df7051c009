"""The shared table of priors: for each prototype, the integer frequencies of the tokens of a symbol.

A symbol is coded as its difference from the prior's location, rounded; the table's rows are the prototypes in the order
of their tails, scales and fractions of the location (`prior.LogisticPrior`). Weights files hold the two components of
the mixture, and the table is mixed from them in integers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...shapes import Float64, Int32
from ..tokens import TokenAlphabet, logistic_mass
from .grids import LARGEST_ADJUSTMENT, LARGEST_TAIL, LEAST_SCALE, LEAST_TAIL, LOCATIONS, SCALES, WIDE

ALPHABET = TokenAlphabet(14, (*(bits for size in range(1, 9) for bits in (size, size)), 9, 10, 11, 12))
"""Differences of at most 14 have a token each; they reach to 8,714."""
TOTAL = 2**24 - (ALPHABET.size + 2)
"""Sum of the frequencies of a row."""
SHARE_BITS = 16
"""Binary digits of the shares of the wide component."""


def components() -> Float64[NDArray[np.float64], "2 prototypes tokens"]:
    """Return the integer frequencies of the narrow and of the wide logistic, (2, COMPONENTS, tokens)."""
    mass = probabilities()
    weights: NDArray[np.float64] = np.floor(mass / mass.sum(axis=2, keepdims=True) * TOTAL)
    weights[:, :, ALPHABET.size // 2] += TOTAL - weights.sum(axis=2)
    return weights


def probabilities() -> Float64[NDArray[np.float64], "2 prototypes tokens"]:
    """Return the probability of every token under either component: sums of what `prior.nats` gives for symbols.

    Its floor is left out, since the coder gives every token a frequency of 1 at least.
    """
    edges = ALPHABET.edges()
    rows = [
        [logistic_mass((edges - fraction) / (width * scale)) for width in (1.0, WIDE)]
        for scale in 2.0 ** (LEAST_SCALE + np.arange(SCALES) / 4)
        for fraction in (np.arange(LOCATIONS) - LOCATIONS // 2) / LOCATIONS
    ]
    return np.array(rows).transpose(1, 0, 2)


def shares() -> NDArray[np.int64]:
    """Return the wide component's share under each tail, in steps of 2**-SHARE_BITS, (TAILS,)."""
    odds = np.exp(np.arange(LEAST_TAIL, LARGEST_TAIL + 1.0))
    found: NDArray[np.int64] = np.floor(2.0**SHARE_BITS * odds / (1 + odds) + 0.5).astype(np.int64)
    return found


def mixed(parts: Int32[NDArray[np.int32], "2 prototypes tokens"]) -> Int32[NDArray[np.int32], "contexts tokens"]:
    """Return the table: both components mixed by every share, then the row of the adjustments.

    What rounding takes is given to the middle token.

    Args:
        parts: frequencies of the components.

    Raises:
        ValueError: they are no frequencies.
    """
    if parts.min() < 0 or (parts.sum(axis=2, dtype=np.int64) != TOTAL).any():
        raise ValueError("a row of its tables does not add up")
    narrow, wide = parts.astype(np.int64)
    rows = [narrow + (((wide - narrow) * share) >> SHARE_BITS) for share in shares()]
    table = np.concatenate([*rows, _adjustments()])
    table[:, ALPHABET.size // 2] += TOTAL - table.sum(axis=1)
    return table.astype(np.int32)


def _adjustments() -> NDArray[np.int64]:
    """Return the frequencies of adjustments, which halve from one magnitude to the next, (1, tokens)."""
    row = np.zeros((1, ALPHABET.size), np.int64)
    for size in range(LARGEST_ADJUSTMENT + 1):
        for token in {ALPHABET.size // 2 - size, ALPHABET.size // 2 + size}:
            row[0, token] = TOTAL >> (size + 2)
    return row
