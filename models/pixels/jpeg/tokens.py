"""Magnitudes as tokens of a small alphabet, each followed by raw bits, and the counts that coding begins with."""

import numpy as np
from numpy.typing import NDArray

from ....shapes import Int64
from .borders import PARTS
from .magnitudes import EDGES, GROUPS, LEVELS

Integers = NDArray[np.int64]
DIRECT = 16
"""Magnitudes below this have a token each; above, there is one for each doubling."""
_DOUBLINGS = 12
TOKENS = DIRECT + _DOUBLINGS
SIGN_SIZES = 4
"""Magnitudes from this on have the contexts of signs in common."""
SIGN_CONTEXTS = GROUPS * PARTS * SIGN_SIZES
_FIRST, _FIRST_SIGN = 2048, 64


def split(magnitudes: Int64[Integers, " n"]) -> tuple[Integers, Integers, Integers]:
    """Return tokens, raw numbers and their numbers of bits, (n,) each, of magnitudes below 2**16."""
    doubling = np.frexp(np.maximum(magnitudes, 1).astype(np.float64))[1].astype(np.int64) - 1
    few = magnitudes < DIRECT
    token = np.where(few, magnitudes, doubling + DIRECT - 4)
    return token, np.where(few, 0, magnitudes - (np.int64(1) << doubling)), raw_bits(token)


def raw_bits(tokens: Int64[Integers, " n"]) -> Integers:
    """Return how many raw bits follow tokens."""
    return np.where(tokens < DIRECT, 0, tokens - (DIRECT - 4))


def join(tokens: Int64[Integers, " n"], raw: Int64[Integers, " n"]) -> Integers:
    """Return magnitudes: undo `split`."""
    found: Integers = np.where(tokens < DIRECT, tokens, (np.int64(1) << raw_bits(tokens)) + raw)
    return found


def first_counts() -> Int64[Integers, "contexts tokens"]:
    """Return the counts that the contexts of magnitudes, by group and level, begin with: geometric distributions."""
    means = [2, *EDGES]
    assert len(means) == LEVELS
    return np.tile(np.array([_geometric(mean) for mean in means], np.int64), (GROUPS, 1))


def first_sign_counts() -> Int64[Integers, "contexts 2"]:
    """Return the counts of positive and negative numbers that contexts begin with."""
    return np.full((SIGN_CONTEXTS, 2), _FIRST_SIGN, np.int64)


def _geometric(mean: int) -> list[int]:
    """Return counts of a distribution of magnitudes z as (mean / (mean + 128))**z."""
    terms = [2**24]
    while terms[-1]:
        terms.append(terms[-1] * mean // (mean + 128))
    terms += [0] * DIRECT
    shares = terms[:DIRECT] + [sum(terms[2**j : 2 ** (j + 1)]) for j in range(4, 4 + _DOUBLINGS)]
    return [1 + _FIRST * share // sum(shares) for share in shares]
