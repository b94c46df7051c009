"""Counts of a plane's values that correct the network's distributions: most images lack many values and pairs.

An image that once went through YCbCr, a tone curve or a palette has few of the possible colours. Given the plane
before, only some values of a plane occur, and these are learned while the image is coded: the weight of each value
grows with the square root of its count, and a value that was not seen yet has the weight `unseen`, which adapts.
"""

from __future__ import annotations

from functools import lru_cache
from math import isqrt

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ....shapes import Float32, Float64, Int32
from ..tokens import ALPHABET, TOKENS

DIRECT = ALPHABET.direct
"""Levels from the mean within which values have counts."""
TOTAL = 2**24 - (TOKENS + 2)
"""Sum of a row of weights."""
MOST = 255
"""Largest count."""
_WINDOW = 2 * DIRECT + 1
_FIRST = TOKENS // 2 - DIRECT
_LAST = _FIRST + _WINDOW
_CELLS, _ZERO = 512, 256 + DIRECT
"""Cells of each key, and the place of the value 0 among them."""
_PARTS = 2.0**28
_ONES, _UNITS = np.ones(_WINDOW), np.ones(TOKENS + 2, np.float32)
_PLACES = slice(_FIRST, _LAST)

_LEVELS, _START = 41, 30
_SHARE = 256
_ENOUGH = 32 * _SHARE
EVERY = 4
"""Of so many pixels of a wavefront one is asked whether its value is new."""


class ValueCounts:
    """Counts of the values of a plane, by a key: encoder and decoder note the same values.

    Args:
        tables: The network's distributions of tokens, rows of integer weights.
        keys: Number of keys.
    """

    def __init__(self, tables: Float32[NDArray[np.float32], "contexts tokens"], keys: int) -> None:
        self._unseen = Unseen()
        self._near, self._far = tables[:, _FIRST:_LAST].astype(np.float64), np.delete(tables, _PLACES, axis=1)
        self._outer = TOTAL - self._near.sum(axis=1)
        self._counts = np.zeros(_CELLS * keys + 2 * DIRECT, np.uint8)
        self._factors = np.full(self._counts.shape, self._unseen.weight, np.float64)  # of values not seen, too
        self._windows, self._counted = (sliding_window_view(x, _WINDOW) for x in (self._factors, self._counts))

    def weights(
        self,
        contexts: Int32[NDArray[np.int32], " n"],
        middles: Int32[NDArray[np.int32], " n"],
        keys: Int32[NDArray[np.int32], " n"],
    ) -> Float32[NDArray[np.float32], "n framed"]:
        """Return the distributions of the tokens of a wavefront, rows of weights between two zeros.

        Args:
            contexts: Indices of the network's distributions.
            middles: Rounded means.
            keys: What the planes before say.
        """
        self._cells = keys * np.int32(_CELLS) + middles + np.int32(_ZERO)
        near, outer, unseen = self._near.take(contexts, axis=0), self._outer.take(contexts), self._unseen.weight
        first = self._cells - np.int32(DIRECT)
        free = (near[::EVERY] * (self._counted[first[::EVERY]] == 0)) @ _ONES + outer[::EVERY]
        near *= self._windows[first]
        total = near @ _ONES
        total += outer * unseen
        self._expected = np.floor(free * (_SHARE * unseen) / total[::EVERY])
        scale = np.floor(TOTAL * _PARTS / total) / _PARTS
        near *= scale[:, None]
        return framed(self._far.take(contexts, axis=0), near, scale * unseen)

    def note(self, residuals: Int32[NDArray[np.int32], " n"]) -> None:
        """Note the values of the wavefront whose weights were returned last."""
        cells = np.clip(self._cells + residuals, 0, len(self._counts) - 1)  # values of damaged strips may be any
        found = self._counts.take(cells)
        some = slice(None, None, EVERY)
        new = (found[some] == 0) | (np.abs(residuals[some]) > DIRECT)
        more = np.minimum(found, MOST - 1) + np.uint8(1)
        self._counts[cells] = more
        self._factors[cells] = _factors().take(more)
        if self._unseen.note(int(np.count_nonzero(new)) * _SHARE, int(self._expected.sum())):
            self._factors[self._counts == 0] = self._unseen.weight


@lru_cache(maxsize=1)
def _factors() -> NDArray[np.float64]:
    """Return the weight of every count."""
    return np.array([isqrt(4096 * n) for n in range(MOST + 1)], np.float64)


class Unseen:
    """The weight of a value that was not seen: it follows how often such values come."""

    def __init__(self) -> None:
        self._level, self._came, self._expected = _START, 0, 0
        self._weights = [isqrt(isqrt(2**level)) for level in range(_LEVELS)]

    @property
    def weight(self) -> int:
        """Return the weight, where that of a value that was seen once is 64."""
        return self._weights[self._level]

    def note(self, came: int, expected: int) -> bool:
        """Note how many values were new and how many were expected, in units of 1/256; tell if the weight changed."""
        self._came += came
        self._expected += expected
        if self._came + self._expected < _ENOUGH:
            return False
        before = self._level
        if 4 * self._came > 5 * self._expected:
            self._level = min(self._level + 1, _LEVELS - 1)
        elif 5 * self._came < 4 * self._expected:
            self._level = max(self._level - 1, 0)
        self._came = self._expected = 0
        return self._level != before


def framed(
    far: Float32[NDArray[np.float32], "n outer"],
    near: Float64[NDArray[np.float64], "n window"],
    scale: Float64[NDArray[np.float64], " n"],
) -> Float32[NDArray[np.float32], "n framed"]:
    """Return rows of whole weights between two zeros: those near the mean, and those of the others times a scale."""
    rows = np.zeros((len(far), TOKENS + 2), np.float32)
    rows[:, 1 + _FIRST : 1 + _LAST] = np.floor(near, out=near)
    others = np.floor(far * scale[:, None])
    rows[:, 1 : 1 + _FIRST] = others[:, :_FIRST]
    rows[:, 1 + _LAST : 1 + TOKENS] = others[:, _FIRST:]
    rows[:, 1 + TOKENS // 2] += np.float32(TOTAL) - rows @ _UNITS
    return rows
