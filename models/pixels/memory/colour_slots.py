"""Colours that occurred, by what the planes before the last one say: candidates for the last plane.

Each pair of the first two planes has a few slots, each with a value of the last plane and a count. Where a slot's value
is near the network's mean, the pixel is first coded as one of these candidates or none of them. Candidates share the
probability that one of them is right by the network's weights times the square roots of their counts; that probability
is counted, by how probable the network finds all of them together and by how often they occurred.
"""

from __future__ import annotations

from math import isqrt

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Int32, Int64
from ..tokens import TOKENS
from .value_counts import DIRECT, MOST

SLOTS = 8
"""Slots of each pair."""
NONE = SLOTS
"""The symbol that says that no candidate is right."""
PAIRS = 2**16
TOTAL = 2**24 - (SLOTS + 3)
"""Sum of the weights of candidates and NONE."""
_EMPTY = 2**14
_PARTS = 2.0**28
_ONES, _UNITS = np.ones(SLOTS), np.ones(SLOTS + 3, np.float32)
_PLAIN = 2**24 - (TOKENS + 2)

_ODDS, _TIMES = 25, 10
_HALF = _ODDS // 2
_UNIT, _LIMIT = 64, 2**20
_SURE, _LEAST = 2**16, 2**5


class ColourSlots:
    """The colours of a strip so far.

    Args:
        tables: The network's distributions of tokens, rows of integer weights.
    """

    def __init__(self, tables: Float32[NDArray[np.float32], "contexts tokens"]) -> None:
        near = tables.copy()
        near[:, np.abs(np.arange(TOKENS) - TOKENS // 2) > DIRECT] = 0
        self._near = near.ravel()
        self._values = np.full((PAIRS, SLOTS), _EMPTY, np.int16)
        self._counts = np.zeros((PAIRS, SLOTS), np.uint8)
        self._next, self._first = np.zeros(PAIRS, np.uint8), np.zeros(PAIRS, np.int32)
        self._factors = np.array([isqrt(256 * n) for n in range(MOST + 1)], np.float64)
        self._right = Right()

    def weights(
        self,
        contexts: Int32[NDArray[np.int32], " n"],
        middles: Int32[NDArray[np.int32], " n"],
        pairs: Int32[NDArray[np.int32], " n"],
    ) -> tuple[Int64[NDArray[np.int64], " m"], Float32[NDArray[np.float32], "m framed"]]:
        """Return the pixels of a wavefront that have candidates, and the distributions over slots and NONE.

        Args:
            contexts: Indices of the network's distributions.
            middles: Rounded means.
            pairs: What the planes before say.

        Returns:
            Indices (m,), and rows of weights between two zeros.
        """
        self._pairs, self._middles = pairs, middles
        self._found, counts = self._values.take(pairs, axis=0), self._counts.take(pairs, axis=0)
        places = self._found - (middles - TOKENS // 2).astype(np.int16)[:, None]
        np.maximum(places, 0, out=places)
        np.minimum(places, TOKENS - 1, out=places)
        plain = self._near.take(places + (contexts * TOKENS)[:, None]).astype(np.float64)
        shares = plain * self._factors.take(counts)
        total = shares @ _ONES
        self._asked = np.flatnonzero(total)
        odds, times = (sums.take(self._asked) for sums in (plain @ _ONES, counts @ _ONES))
        self._where = self._right.contexts(odds, times)
        scale = np.floor(self._right.shares(self._where) * (TOTAL * 2.0**12) / total.take(self._asked)) / _PARTS
        shares = shares.take(self._asked, axis=0)
        shares *= scale[:, None]
        rows = np.zeros((len(shares), SLOTS + 3), np.float32)
        rows[:, 1 : 1 + SLOTS] = np.floor(shares, out=shares)
        rows[:, 1 + NONE] = np.float32(TOTAL) - rows @ _UNITS
        return self._asked, rows

    def symbols(self, residuals: Int32[NDArray[np.int32], " n"]) -> Int32[NDArray[np.int32], " m"]:
        """Return which candidate of the pixels that have some is right, or NONE."""
        values = (self._middles + residuals).astype(np.int16)
        same, at = _matched(self._found, values)
        right = same & (np.abs(residuals) <= DIRECT)
        return np.where(right, at, NONE)[self._asked].astype(np.int32)

    def residuals(self, symbols: Int32[NDArray[np.int32], " m"]) -> Int32[NDArray[np.int32], " m"]:
        """Return the residuals of candidates; those of NONE mean nothing."""
        slots = np.minimum(symbols, SLOTS - 1)
        found: NDArray[np.int32] = self._found.take(self._asked * SLOTS + slots) - self._middles.take(self._asked)
        return found

    def note(self, symbols: Int32[NDArray[np.int32], " m"], residuals: Int32[NDArray[np.int32], " n"]) -> None:
        """Note the symbols and values of the wavefront whose weights were returned last."""
        self._right.note(self._where, symbols != NONE)
        values = (self._middles + residuals).astype(np.int16)
        same, at = _matched(self._found, values)
        cells = (self._pairs * SLOTS + at)[same]
        counts = self._counts.reshape(-1)
        counts[cells] = np.minimum(counts.take(cells), MOST - 1) + np.uint8(1)
        self._learn(np.flatnonzero(~same), values)

    def _learn(self, new: NDArray[np.int64], values: NDArray[np.int16]) -> None:
        """Put the first new value of each pair into the slot that is next."""
        pairs, order = self._pairs.take(new), np.arange(len(new), dtype=np.int32)
        self._first[pairs[::-1]] = order[::-1]  # of equal pairs, the first is written last
        first = self._first.take(pairs) == order
        pairs, mine = pairs[first], values.take(new[first])
        slots = self._next.take(pairs)
        cells = pairs * SLOTS + slots
        self._values.reshape(-1)[cells], self._counts.reshape(-1)[cells] = mine, 1
        self._next[pairs] = (slots + np.uint8(1)) % np.uint8(SLOTS)


def _matched(found: NDArray[np.int16], values: NDArray[np.int16]) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Return whether one of the slots has the value, and which; values of slots differ."""
    bytes_of = (found == values[:, None]).view("<u8")[:, 0]
    return bytes_of != 0, (np.frexp(bytes_of.astype(np.float64))[1] - 1) >> 3


class Right:
    """How often one of the candidates was right, by their common odds and by how often they occurred."""

    def __init__(self) -> None:
        steps = 2 ** np.arange(_ODDS, dtype=np.int64)
        right = 2 * _UNIT * steps // (steps + 2**_HALF)
        self._counts = np.stack([2 * _UNIT - right, right], axis=1)[:, None].repeat(_TIMES, axis=1).reshape(-1, 2) + 1
        self._shares = self._all_shares()

    def contexts(self, plain: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.int32]:
        """Return contexts, given the sums of the network's weights of candidates and of their counts."""
        octaves = np.frexp(plain / np.maximum(_PLAIN - plain, 1))[1]
        times = np.frexp(counts)[1]
        found: NDArray[np.int32] = np.clip(octaves + _HALF, 0, _ODDS - 1) * _TIMES + np.minimum(times, _TIMES - 1)
        return found

    def shares(self, contexts: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the probability that a candidate is right, times 2**16."""
        return self._shares.take(contexts)

    def note(self, contexts: NDArray[np.int32], right: NDArray[np.bool_]) -> None:
        """Note whether a candidate was right."""
        found = np.bincount(2 * contexts + right, minlength=self._counts.size)
        self._counts += _UNIT * found.reshape(-1, 2)
        large = self._counts[:, 0] + self._counts[:, 1] > _LIMIT
        self._counts[large] = (self._counts[large] + 1) >> 1
        self._shares = self._all_shares()

    def _all_shares(self) -> NDArray[np.float64]:
        """Return the probability that a candidate is right, times 2**16, by context."""
        wrong, right = self._counts.T
        clamped: NDArray[np.float64] = np.clip(_SURE * right // (wrong + right), _LEAST, _SURE - _LEAST)
        return clamped.astype(np.float64)
