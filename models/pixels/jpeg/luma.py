"""Find the coefficients of luma whose samples are between limits, which pixels and chroma set."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32
from . import estimates
from .chroma import FAR
from .frame import SIDE
from .transform import forward_matrix, unrounded

Values = NDArray[np.float64]
Numbers = NDArray[np.int32]
_PACE, _MEMORY = 1.2, 0.9
_PROJECTIONS, _ROUNDS, _AT_ONCE = 20, 20, 64
"""Rounds of corrections of whole blocks, then of single coefficients; blocks that are looked at together."""
_BELOW_HALF = 0.4999
_GAIN = 1e-6
_LIKELY = 16
"""Moves of which every two are tried where none helps alone."""


def found_between(
    low: NDArray[np.int16], high: NDArray[np.int16], luma: NDArray[np.float32], steps: NDArray[np.int64]
) -> Numbers:
    """Return coefficients (R, C, 64) whose samples are between limits, wherever they are found.

    Args:
        low: The lowest luma of each pixel, (H, W).
        high: The highest luma; where it is below the lowest, any does.
        luma: An estimate.
        steps: Quantisation steps, (64,).
    """
    possible = low <= high
    lowest = np.where(possible & (low > 0), low, -FAR).astype(np.float32)
    highest = np.where(possible & (high < 255), high, FAR).astype(np.float32)
    start = estimates.frequencies(np.clip(luma, lowest, highest) - 128)
    search = _Search(
        np.rint(start / steps).astype(np.int32).reshape(-1, SIDE * SIDE),
        _tiled(lowest, -FAR),
        _tiled(highest, FAR),
        steps,
    )
    search.project()
    search.step()
    return search.coefficients.reshape(start.shape)


def _tiled(limits: NDArray[np.float32], outside: int) -> Values:
    """Return limits by blocks, (n, 64)."""
    height, width = limits.shape
    full = np.pad(limits, ((0, -height % SIDE), (0, -width % SIDE)), constant_values=outside)
    return estimates.tiles(full).reshape(-1, SIDE * SIDE).astype(np.float64)


class _Search:
    def __init__(self, coefficients: Numbers, lowest: Values, highest: Values, steps: NDArray[np.int64]) -> None:
        self.coefficients, self._lowest, self._highest, self._steps = (
            coefficients,
            lowest - 0.5,
            highest + _BELOW_HALF,
            steps,
        )
        self._wrong = np.arange(len(coefficients))
        self._values, self._beyond = self._measured(self._wrong)

    def _measured(self, blocks: NDArray[np.intp]) -> tuple[Values, Values]:
        """Return the samples of blocks before rounding, and how far they are beyond the limits."""
        values = unrounded(
            (self.coefficients[blocks] * self._steps).reshape(-1, SIDE, SIDE).astype(np.float64)
        ).reshape(-1, SIDE * SIDE)
        return values, np.clip(values, self._lowest[blocks], self._highest[blocks]) - values

    def _update(self) -> bool:
        """Forget the blocks that are right by now; return whether any is wrong."""
        values, beyond = self._measured(self._wrong)
        wrong = beyond.any(axis=1)
        self._wrong, self._values, self._beyond = self._wrong[wrong], values[wrong], beyond[wrong]
        return bool(len(self._wrong))

    def project(self) -> None:
        """Move all coefficients of wrong blocks to what the nearest samples between the limits have."""
        rests = np.zeros(self.coefficients.shape, np.float32)
        for _ in range(_PROJECTIONS):
            if not self._update():
                return
            lacking = estimates.transformed(self._beyond.reshape(-1, SIDE, SIDE).astype(np.float32))
            rest = rests[self._wrong] * np.float32(_MEMORY) + np.float32(_PACE) * lacking / self._steps
            whole = np.rint(rest)
            self.coefficients[self._wrong] += whole.astype(np.int32)
            rests[self._wrong] = rest - whole

    def step(self) -> None:
        """Move one or two coefficients of each wrong block by one, while that brings samples nearer to the limits."""
        moves = (_patterns() * self._steps[:, None]).astype(np.float32)
        moves = np.concatenate([moves, -moves])
        for _ in range(_ROUNDS):
            if not self._update():
                return
            parts = np.array_split(np.arange(len(self._wrong)), -(-len(self._wrong) // _AT_ONCE))
            moved = [self._stepped(part, moves) for part in parts]
            self._wrong = self._wrong[np.concatenate(moved)]

    def _stepped(self, part: NDArray[np.intp], moves: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Move coefficients of some of the wrong blocks, and return where any was moved."""
        blocks, values = self._wrong[part], self._values[part].astype(np.float32)
        now = (self._beyond[part] ** 2).sum(axis=1)
        costs = self._costs(blocks, values[:, None] + moves)
        first, best = costs.argmin(axis=1), costs.min(axis=1)
        second = np.full(len(part), len(moves))
        stuck = np.flatnonzero(best >= now - _GAIN)
        if len(stuck):
            likely = costs[stuck].argsort(axis=1)[:, :_LIKELY]
            one, two = np.triu_indices(_LIKELY, 1)
            tried = values[stuck, None] + moves[likely[:, one]] + moves[likely[:, two]]
            pairs = self._costs(blocks[stuck], tried)
            chosen = pairs.argmin(axis=1)
            rows = np.arange(len(stuck))
            first[stuck], second[stuck], best[stuck] = (
                likely[rows, one[chosen]],
                likely[rows, two[chosen]],
                pairs[rows, chosen],
            )
        better: NDArray[np.bool_] = best < now - _GAIN
        for move in (first, second):
            valid = better & (move < len(moves))
            signs = np.where(move[valid] < SIDE * SIDE, 1, -1).astype(np.int32)
            self.coefficients[blocks[valid], move[valid] % (SIDE * SIDE)] += signs
        return better

    def _costs(self, blocks: NDArray[np.intp], tried: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return how far samples (n, moves, 64) of blocks (n,) are beyond the limits, squared and summed."""
        lowest, highest = (limit[blocks].astype(np.float32)[:, None] for limit in (self._lowest, self._highest))
        found: NDArray[np.float32] = ((np.clip(tried, lowest, highest) - tried) ** 2).sum(axis=-1)
        return found


@lru_cache(maxsize=1)
def _patterns() -> Float32[NDArray[np.float32], "64 64"]:
    """Return the samples (columns) of each coefficient (rows)."""
    matrix = forward_matrix()
    return (matrix[:, None, :, None] * matrix[None, :, None, :]).reshape(SIDE**2, SIDE**2).astype(np.float32)
