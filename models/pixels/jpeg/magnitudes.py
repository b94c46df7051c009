"""How large a coefficient will be, less its prediction, by what is coded around it: the context of its magnitude."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ....shapes import Int32, Int64
from .frame import SIDE
from .magnitude_weights import TABLE

Sizes = NDArray[np.int32]
"""Magnitudes of what was not predicted, times their step, (R, C) of a frequency."""
_UNIT = 128
"""Weights are multiples of 1 / _UNIT."""
EDGES = (4, 5, 7, 9, 13, 17, 24, 32, 44, 59, 80, 108, 146, 197, 267, 360, 487, 657, 887, 1198, 1617, 2184, 2948, 3980)
"""Expected magnitudes, in steps times _UNIT, at which the next level begins."""
LEVELS = len(EDGES) + 1
GROUPS = 3
"""Groups of frequencies with contexts of their own: the first diagonal, the next four, all others."""
LARGEST_SIZE = 2**16 - 1
_DIAGONALS = 2 * SIDE - 1


def group(diagonal: int) -> int:
    """Return the group of a diagonal of frequencies, 1 to 14."""
    return 0 if diagonal == 1 else 1 if diagonal < 6 else 2


class Surroundings:
    """The sizes of coefficients of a component, as far as they are coded."""

    def __init__(
        self, blocks: tuple[int, int], steps: Int64[NDArray[np.int64], "64"], other: "Surroundings | None"
    ) -> None:
        """Start with nothing coded.

        Args:
            blocks: Rows and columns of blocks.
            steps: Quantisation steps.
            other: A component of the same size that is coded already.
        """
        self.sizes = np.zeros((SIDE, SIDE, *blocks), np.int32)
        self._steps, self._other, self._nothing = steps, other, np.zeros(blocks, np.int32)

    def put(self, down: int, across: int, rests: Sizes, where: NDArray[np.bool_]) -> None:
        """Keep what was not predicted of a frequency, in steps, of some of the blocks."""
        step = np.int32(self._steps[down * SIDE + across])
        self.sizes[down, across][where] = np.minimum(np.abs(rests[where]) * step, LARGEST_SIZE)

    def levels(self, down: int, across: int, stage: int) -> Int32[NDArray[np.int32], "R C"]:
        """Return the level of the expected magnitude in each block.

        Args:
            down: The vertical frequency.
            across: The horizontal frequency.
            stage: 0 where no block knows this frequency of its neighbours, 1 where it is known of the four that touch
                its sides.
        """
        weights, step = _weights(min(down, across), max(down, across), stage), int(self._steps[down * SIDE + across])
        total = np.full(self._nothing.shape, int(weights[-1]) * step, np.int32)
        for weight, seen in zip(weights, self._seen(down, across, stage), strict=False):
            if weight and seen is not self._nothing:
                total += np.int32(weight) * seen
        found: NDArray[np.int32] = _level_of().take(np.minimum(total // step, EDGES[-1]))
        return found

    def _seen(self, down: int, across: int, stage: int) -> list[Sizes]:
        """Return what weights are for, in their order; axes change places where the vertical frequency is higher."""
        turned = down > across
        u, v = (across, down) if turned else (down, across)
        beside, above = (_vertical, _horizontal) if turned else (_horizontal, _vertical)

        def own(i: int, j: int) -> Sizes:
            known = 0 <= i < SIDE and 0 <= j < SIDE and 0 < i + j < u + v
            return (self.sizes[j, i] if turned else self.sizes[i, j]) if known else self._nothing

        x, y = own(u, v - 1), own(u - 1, v)
        seen = [x, y, own(u - 1, v - 1), own(u, v - 2), own(u - 2, v), own(u - 2, v + 1) + own(u + 1, v - 2)]
        seen += [beside(x), above(y), beside(y), above(x)]
        seen.append(own(u - 2, v - 1) + own(u - 1, v - 2) + own(u, v - 3) + own(u - 3, v))
        same = self.sizes[down, across]
        seen += [above(same), beside(same)] if stage else [_vertical(_horizontal(x + y)), self._nothing]
        return [*seen, self._nothing if self._other is None else self._other.sizes[down, across]]


def _horizontal(sizes: Sizes) -> Sizes:
    """Return the sums of the blocks to the left and to the right."""
    found = np.zeros_like(sizes)
    found[:, 1:] = sizes[:, :-1]
    found[:, :-1] += sizes[:, 1:]
    return found


def _vertical(sizes: Sizes) -> Sizes:
    """Return the sums of the blocks above and below."""
    found = np.zeros_like(sizes)
    found[1:] = sizes[:-1]
    found[:-1] += sizes[1:]
    return found


def _weights(low: int, high: int, stage: int) -> tuple[int, ...]:
    """Return the weights of a frequency and the one that is its mirror image, low <= high."""
    return _table()[low, high, stage]


@lru_cache(maxsize=1)
def _table() -> dict[tuple[int, int, int], tuple[int, ...]]:
    """Return all weights; the last of each is of the step."""
    keys = [
        (low, d - low, stage)
        for d in range(1, _DIAGONALS)
        for low in range(d // 2 + 1)
        if d - low < SIDE
        for stage in (0, 1)
    ]
    rows = TABLE.split()
    return {key: tuple(bytes.fromhex(row)) for key, row in zip(keys, rows, strict=True)}


@lru_cache(maxsize=1)
def _level_of() -> NDArray[np.int32]:
    """Return the level of every expected magnitude up to the last edge."""
    return np.searchsorted(np.array(EDGES), np.arange(EDGES[-1] + 1), side="right").astype(np.int32)
