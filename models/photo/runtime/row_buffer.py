"""Rows of maps that are made from top to bottom and read with a margin above and below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Maps = tuple[NDArray[np.float32], ...]
"""Several maps (C, rows * scale, W) of the same rows."""


class RowBuffer:
    """Holds the rows of maps that are still needed, so that memory does not grow with the height of an image.

    Args:
        made: Yields the maps of some rows, each time of those that follow.
        scales: Rows of each map that stand for one row.
    """

    def __init__(self, made: Iterator[Maps], scales: Sequence[int] = (1,)) -> None:
        self._made, self._scales = made, scales
        self._maps: Maps = ()
        self._rows = slice(0, 0)

    def take(self, rows: slice) -> Maps:
        """Return the maps of some rows, and forget the rows before them."""
        if rows.stop > self._rows.stop:
            self._make(rows)
        return self._of(rows)

    def _make(self, rows: slice) -> None:
        parts = []
        if self._maps:  # copies, so that nothing else of the maps is held while more are made
            parts = [tuple(each.copy() for each in self._of(slice(rows.start, max(rows.start, self._rows.stop))))]
        first = min(rows.start, self._rows.stop)
        self._maps = ()
        while self._rows.stop < rows.stop:
            maps = next(self._made)
            self._rows = slice(self._rows.stop, self._rows.stop + maps[0].shape[1] // self._scales[0])
            parts.append(maps)
        joined = (
            parts[0] if len(parts) == 1 else tuple(np.concatenate(each, axis=1) for each in zip(*parts, strict=True))
        )
        self._maps, self._rows = joined, slice(first, self._rows.stop)

    def _of(self, rows: slice) -> Maps:
        start = self._rows.start
        return tuple(
            each[:, scale * (rows.start - start) : scale * (rows.stop - start)]
            for each, scale in zip(self._maps, self._scales, strict=True)
        )
