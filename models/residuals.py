"""How far a pixel is from its rounded mean: a token under one of a few shared tables, and bits for what that leaves.

A distribution is one of CONTEXTS tables: a mean's fraction, a scale, a tail. A table is K integer weights as the coder
takes them; they are data of a weights file, so nothing has to be computed alike on two machines.

    log-density: (1 - t) logistic(scale) + t logistic(4 scale), t = 2**-(1 + 1.25 tail)
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Int32
from numpy.typing import NDArray

from .pixel_net import MEAN_STEPS, SCALES, TAILS

DIRECT = 20
"""Residuals up to this have a token each."""
BUCKETS = (2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8)
"""Bits of the further ones by token, growing outwards on each side."""
TOKENS = 2 * (DIRECT + len(BUCKETS)) + 1
"""K."""
CONTEXTS = MEAN_STEPS * SCALES * TAILS
"""Tables."""
LARGEST = DIRECT + sum(2**bits for bits in BUCKETS)
"""The largest |residual| that a token and its bits can tell; pixels have at most 510."""
WIDE = 4.0
"""The wide component's scale in units of the narrow one's."""


def starts() -> NDArray[np.int32]:
    """The smallest |residual| of every token, by |token|."""
    sizes = [1] * (DIRECT + 1) + [2**bits for bits in BUCKETS]
    return np.cumsum([0, *sizes])[:-1].astype(np.int32)


def bits() -> NDArray[np.int32]:
    """How many bits follow a token, by |token|."""
    return np.array([0] * (DIRECT + 1) + list(BUCKETS), np.int32)


@lru_cache(maxsize=1)
def _tokens() -> NDArray[np.int32]:
    """The token of every residual from -LARGEST to LARGEST, and what is left of it. (2, 2 LARGEST + 1)"""
    residuals = np.arange(-LARGEST, LARGEST + 1, dtype=np.int32)
    size = np.abs(residuals)
    magnitude = (np.searchsorted(starts(), size, side="right") - 1).astype(np.int32)
    tokens = np.where(residuals < 0, -magnitude, magnitude) + TOKENS // 2
    return np.stack([tokens, size - starts()[magnitude]]).astype(np.int32)


@lru_cache(maxsize=1)
def _parts() -> NDArray[np.int32]:
    """Of every token: the residual nearest to 0, the direction from there, and how many bits follow. (3, TOKENS)"""
    signed = np.arange(TOKENS, dtype=np.int32) - TOKENS // 2
    sign = np.where(signed < 0, -1, 1)
    return np.stack([sign * starts()[np.abs(signed)], sign, bits()[np.abs(signed)]]).astype(np.int32)


def split(
    residuals: Int32[NDArray[np.int32], " n"],
) -> tuple[Int32[NDArray[np.int32], " n"], Int32[NDArray[np.int32], " n"]]:
    """Residuals (n,) within LARGEST to tokens in [0, TOKENS) and what is left of them, in [0, 2**bits)."""
    places = residuals + np.int32(LARGEST)
    tokens, rest = _tokens()
    return tokens.take(places), rest.take(places)


def join(tokens: NDArray[np.int32], rest: NDArray[np.int32]) -> NDArray[np.int32]:
    """Undoes `split`."""
    start, sign, _ = _parts()
    joined: NDArray[np.int32] = start.take(tokens) + sign.take(tokens) * rest
    return joined


def extra_bits(tokens: NDArray[np.int32]) -> NDArray[np.int32]:
    """How many bits follow each token."""
    found: NDArray[np.int32] = _parts()[2].take(tokens)
    return found


class Tokens:
    """Tables, and the tokens that they are over, as `interface.Residuals`."""

    def __init__(self, tables: NDArray[np.float32]) -> None:
        self.tables = tables

    def split(self, values: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Residuals to tokens and what is left."""
        return split(values)

    def extra_bits(self, tokens: NDArray[np.int32]) -> NDArray[np.int32]:
        """In how many bits each token's rest is coded."""
        return extra_bits(tokens)

    def join(self, tokens: NDArray[np.int32], rest: NDArray[np.int32]) -> NDArray[np.int32]:
        """Tokens and what is left to residuals."""
        return join(tokens, rest)
