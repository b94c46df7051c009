"""Split the errors of deep samples into tokens of a small alphabet and raw bits.

Where errors are large, their low bits are noise: a context drops `dropped` of them into the raw bits, so that tokens
are spent on what is left. Magnitudes from DIRECT on share a token for each doubling.
"""

import numpy as np
from numpy.typing import NDArray

from ....shapes import Int64
from .prediction import CONTEXTS

Integers = NDArray[np.int64]

DIRECT = 16
"""Magnitudes below this have a token each."""
_DOUBLINGS = 12
_SIDE = DIRECT + _DOUBLINGS
TOKENS = 2 * _SIDE
"""Size of the alphabet."""
MOST_BITS = 16
"""Most raw bits of one error."""


def dropped(contexts: NDArray[np.int32]) -> Integers:
    """Return the number of low bits that are raw, by context: all but about five of those that errors there have."""
    return np.maximum((contexts % CONTEXTS) // 2 - 4, 0).astype(np.int64)


def split(errors: Int64[NDArray[np.int64], " n"], low: Int64[NDArray[np.int64], " n"]) -> tuple[Integers, ...]:
    """Return tokens, raw numbers and their numbers of bits, (n,) each.

    Args:
        errors: Errors, |error| below 2**16.
        low: The number of low bits of each that are raw.
    """
    high = errors >> low
    size = np.where(high < 0, -high - 1, high)
    doubling = np.frexp(np.maximum(size, 1).astype(np.float64))[1].astype(np.int64) - 1
    few = size < DIRECT
    place = np.where(few, size, doubling + DIRECT - 4)
    rest = np.where(few, 0, size - (np.int64(1) << doubling))
    raw = (rest << low) | (errors & ((np.int64(1) << low) - 1))
    return np.where(high < 0, _SIDE - 1 - place, _SIDE + place), raw, raw_bits(place, low)


def raw_bits(places: Integers, low: Integers) -> Integers:
    """Return how many raw bits follow, by the distance of tokens from the middle and the low bits that are raw."""
    return np.where(places < DIRECT, 0, places - DIRECT + 4) + low


def places_of(tokens: Integers) -> Integers:
    """Return the distance of tokens from the middle: 0 for the two tokens of the smallest magnitude."""
    return np.where(tokens < _SIDE, _SIDE - 1 - tokens, tokens - _SIDE)


def join(tokens: Integers, raw: Integers, low: Integers) -> Integers:
    """Return errors (n,): undo `split`."""
    place = places_of(tokens)
    start = np.where(place < DIRECT, place, np.int64(1) << np.maximum(place - DIRECT + 4, 0))
    size = start + (raw >> low)
    high = np.where(tokens < _SIDE, -size - 1, size)
    found: Integers = (high << low) | (raw & ((np.int64(1) << low) - 1))
    return found


def first_counts() -> Int64[NDArray[np.int64], "contexts tokens"]:
    """Return the counts with which every context of a plane begins: those of a geometric distribution."""
    return np.array([_geometric(2 ** min(context // 2, 4)) for context in range(CONTEXTS)], np.int64)


def _geometric(scale: int) -> list[int]:
    """Return counts of a distribution of magnitudes z as ((scale + 2) / (scale + 10))**z, both signs alike."""
    terms = [2**24]
    while terms[-1]:
        terms.append(terms[-1] * (scale + 2) // (scale + 10))
    terms += [0] * DIRECT
    side = terms[:DIRECT] + [sum(terms[2**j : 2 ** (j + 1)]) for j in range(4, 4 + _DOUBLINGS)]
    counts = [max(1, 64 * each // sum(side)) for each in side]
    return counts[::-1] + counts
