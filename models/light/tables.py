"""The shared table of priors: for each prototype, the integer frequencies of the tokens of a symbol.

A symbol is coded as its difference from the prior's location, rounded; the table's rows are the prototypes in the order
of their tails, scales and fractions of the location (`prior.LogisticPrior`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...shapes import Float64
from ..tokens import TokenAlphabet, logistic_mass
from .grids import LEAST_SCALE, LOCATIONS, SCALES, TAILS, WIDE

ALPHABET = TokenAlphabet(14, (*(bits for size in range(1, 9) for bits in (size, size)), 9, 10, 11, 12))
"""Differences of at most 14 have a token each; they reach to 8,714."""


def prior_tables() -> Float64[NDArray[np.float64], "contexts tokens"]:
    """Return integer weights (CONTEXTS, tokens), rows summing to 2**24 - (K + 2)."""
    total = 2**24 - (ALPHABET.size + 2)
    mass = probabilities()
    weights: NDArray[np.float64] = np.floor(mass / mass.sum(axis=1, keepdims=True) * total)
    weights[:, ALPHABET.size // 2] += total - weights.sum(axis=1)
    return weights


def probabilities() -> Float64[NDArray[np.float64], "contexts tokens"]:
    """Return the probability of every token under every prototype: sums of what `prior.nats` gives for symbols.

    Its floor is left out, since the coder gives every token a frequency of 1 at least.
    """
    edges = ALPHABET.edges()
    rows = []
    for tail in 1 / (1 + np.exp(-(2 * (np.arange(TAILS) - 2.0) - 1))):
        for scale in 2.0 ** (LEAST_SCALE + np.arange(SCALES) / 4):
            for fraction in (np.arange(LOCATIONS) - LOCATIONS // 2) / LOCATIONS:
                narrow, wide = (logistic_mass((edges - fraction) / s) for s in (scale, WIDE * scale))
                rows.append(narrow + tail * (wide - narrow))
    return np.stack(rows)
