"""Residuals, pixels minus their rounded means, as tokens of a small alphabet, each followed by a number of raw bits.

A token's distribution is one of CONTEXTS tables: a mean's fraction, a scale, a tail. A table is K integer weights as
the coder takes them; they are data of a weights file, so nothing has to be computed alike on two machines.

    log-density: (1 - t) logistic(scale) + t logistic(4 scale), t = 2**-(1 + 1.25 tail)
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ...shapes import Float32, Int32
from .grids import MEAN_STEPS, SCALES, TAILS

DIRECT = 20
"""Residuals of at most this magnitude have a token each."""
BUCKETS = (2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8)
"""Bits that follow the further tokens, growing outwards on each side."""
TOKENS = 2 * (DIRECT + len(BUCKETS)) + 1
"""K, the size of the alphabet."""
CONTEXTS = MEAN_STEPS * SCALES * TAILS
"""Number of tables."""
LARGEST = DIRECT + sum(2**bits for bits in BUCKETS)
"""The largest |residual| that a token and its bits can hold; pixels have at most 510."""
WIDE = 4.0
"""The wide component's scale in units of the narrow one's."""


def starts() -> Int32[NDArray[np.int32], " magnitudes"]:
    """Return the smallest |residual| of every token, by |token|."""
    sizes = [1] * (DIRECT + 1) + [2**bits for bits in BUCKETS]
    return np.cumsum([0, *sizes])[:-1].astype(np.int32)


def bits() -> Int32[NDArray[np.int32], " magnitudes"]:
    """Return the number of bits that follow a token, by |token|."""
    return np.array([0] * (DIRECT + 1) + list(BUCKETS), np.int32)


@lru_cache(maxsize=1)
def _tokens() -> NDArray[np.int32]:
    """Return the token and the remainder of every residual from -LARGEST to LARGEST. (2, 2 LARGEST + 1)"""
    residuals = np.arange(-LARGEST, LARGEST + 1, dtype=np.int32)
    size = np.abs(residuals)
    magnitude = (np.searchsorted(starts(), size, side="right") - 1).astype(np.int32)
    tokens = np.where(residuals < 0, -magnitude, magnitude) + TOKENS // 2
    return np.stack([tokens, size - starts()[magnitude]]).astype(np.int32)


@lru_cache(maxsize=1)
def _parts() -> NDArray[np.int32]:
    """Return each token's residual nearest to 0, the direction from there, and the number of raw bits. (3, TOKENS)"""
    quantise_signed = np.arange(TOKENS, dtype=np.int32) - TOKENS // 2
    sign = np.where(quantise_signed < 0, -1, 1)
    return np.stack([sign * starts()[np.abs(quantise_signed)], sign, bits()[np.abs(quantise_signed)]]).astype(np.int32)


def split(
    residuals: Int32[NDArray[np.int32], " n"],
) -> tuple[Int32[NDArray[np.int32], " n"], Int32[NDArray[np.int32], " n"]]:
    """Return the tokens of residuals, and the remainders that raw bits hold.

    Args:
        residuals: Integers (n,) from -LARGEST to LARGEST.

    Returns:
        Tokens (n,) from 0 to TOKENS - 1, and remainders (n,) in [0, 2**bits).
    """
    places = residuals + np.int32(LARGEST)
    tokens, rest = _tokens()
    return tokens.take(places), rest.take(places)


def join(
    tokens: Int32[NDArray[np.int32], " n"], rest: Int32[NDArray[np.int32], " n"]
) -> Int32[NDArray[np.int32], " n"]:
    """Return the residuals (n,) of tokens (n,) and their remainders (n,); the inverse of `split`."""
    start, sign, _ = _parts()
    joined: NDArray[np.int32] = start.take(tokens) + sign.take(tokens) * rest
    return joined


def extra_bits(tokens: Int32[NDArray[np.int32], " n"]) -> Int32[NDArray[np.int32], " n"]:
    """Return the number of bits that follow each token (n,)."""
    found: NDArray[np.int32] = _parts()[2].take(tokens)
    return found


class ResidualTokens:
    """Tables of distributions and the tokens that they are over, as `interface.Residuals`."""

    def __init__(self, tables: Float32[NDArray[np.float32], "contexts tokens"]) -> None:
        self.tables = tables

    def split(
        self, values: Int32[NDArray[np.int32], " n"]
    ) -> tuple[Int32[NDArray[np.int32], " n"], Int32[NDArray[np.int32], " n"]]:
        """Return the tokens of residuals (n,) and their remainders; see `split`."""
        return split(values)

    def extra_bits(self, tokens: Int32[NDArray[np.int32], " n"]) -> Int32[NDArray[np.int32], " n"]:
        """Return the number of bits that hold each token's remainder (n,)."""
        return extra_bits(tokens)

    def join(
        self, tokens: Int32[NDArray[np.int32], " n"], rest: Int32[NDArray[np.int32], " n"]
    ) -> Int32[NDArray[np.int32], " n"]:
        """Return the residuals of tokens (n,) and their remainders; see `join`."""
        return join(tokens, rest)
