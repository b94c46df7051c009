"""The last wavefronts of tiles that are walked together: pixels, and sums of ink, as far back as anything is seen.

A wavefront is a row of the ring; in it stand the tiles one after the other, each with its rows from the top and zeros
above them. What lies (dy, dx) from a pixel stands lag * dy + dx wavefronts before it, dy cells to the left: whatever a
wavefront sees is a slice.

    front t        . . . 0 1 2 3 | . . . 0 1 2 3        lag = columns + 1
    front t + 1    . . . 0 1 2 3 | . . . 0 1 2 3        row y of front t is column t - lag * y
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .causal import Reach
from .surroundings import Rectangle

Whole = NDArray[np.int32]


class Ring:
    """State of B tiles of at most (height, width); `sizes` (B, 2) are their own heights and widths."""

    def __init__(self, reach: Reach, rectangles: tuple[Rectangle, ...], sizes: NDArray[np.int64]) -> None:
        self.lag, self.sizes = reach.columns + 1, sizes
        self.height, self.width = (int(side) for side in sizes.max(axis=0))
        self.corners = [rectangle.corners() for rectangle in rectangles]
        every = [corner for corners in self.corners for corner in corners]
        self.up, self.left = -min(dy for _, dy, _ in every), -min(dx for _, _, dx in every)
        self.right = max(dx for _, _, dx in every) + 1
        self.stride = self.up + self.height
        depth = 1 << (self.lag * self.up + self.left).bit_length()
        self.sums = np.zeros((depth, len(sizes), self.stride), np.int32)
        self.pixels = np.zeros((depth, len(sizes), self.stride), np.int8)
        self.ink = np.zeros((len(sizes), self.height), np.int32)
        self.offsets = np.array(reach.offsets())
        self.uneven = bool((sizes != sizes[0]).any())

    @property
    def fronts(self) -> int:
        """How many wavefronts there are."""
        return self.width + self.lag * (self.height - 1)

    def rows(self, time: int) -> slice:
        """The rows that have a pixel in a wavefront, of a tile of the largest size."""
        first = self._first(time, self.width)
        return slice(first, max(first, min(self.height - 1, time // self.lag) + 1))

    def inside(self, time: int) -> NDArray[np.bool_] | None:
        """Which of the tiles' rows have one, (B, n); None stands for all."""
        if not self.uneven:
            return None
        rows = self.rows(time)
        y = np.arange(rows.start, rows.stop)
        heights, widths = self.sizes[:, :1], self.sizes[:, 1:]
        return np.asarray((y < heights) & (time - self.lag * y < widths))

    def counts(self, time: int) -> Whole:
        """Ink in the rectangles of a wavefront's pixels. (rectangles, B * n)"""
        rows = self.rows(time)
        found = np.empty((len(self.corners), len(self.sizes), rows.stop - rows.start), np.int32)
        for out, corners in zip(found, self.corners, strict=True):
            first, *others = (self._sums(time, rows, dy, dx) for _, dy, dx in corners)
            np.subtract(first, others[0], out=out)
            out -= others[1]
            out += others[2]
        return found.reshape(len(found), -1)

    def neighbours(self, time: int, chosen: NDArray[np.int64]) -> NDArray[np.int8]:
        """What some of the B * n pixels, by place, see: 1 paper, -1 ink, 0 outside. (chosen, taps)"""
        rows = self.rows(time)
        tiles, y = np.divmod(chosen, rows.stop - rows.start)
        cells = tiles * self.stride + (y + rows.start + self.up)
        dy, dx = self.offsets.T
        back = ((time + self.lag * dy + dx) % len(self.pixels)) * (len(self.sizes) * self.stride) + dy
        found: NDArray[np.int8] = self.pixels.take(cells[:, None] + back)
        return found

    def put(self, time: int, white: NDArray[np.int8], inside: NDArray[np.bool_] | None) -> None:
        """Take a wavefront's pixels, 1 paper and -1 ink; `inside` as of `inside`."""
        rows, place = self.rows(time), time % len(self.pixels)
        known = slice(self._first(time, self.width + self.right), min(self.height, (time + self.left) // self.lag + 1))
        cells = slice(self.up + known.start, self.up + known.stop)
        self.pixels[place, :, cells] = 0
        front = self.pixels[place, :, self.up + rows.start : self.up + rows.stop]
        if inside is None:
            front[:] = white.reshape(front.shape)
        else:
            front[inside] = white
        self.ink[:, rows] += front < 0
        np.add(self._sums(time, known, -1, 0), self.ink[:, known], out=self.sums[place, :, cells])

    def _first(self, time: int, width: int) -> int:
        """The first row whose column is left of `width`."""
        return max(0, -(-(time - width + 1) // self.lag))

    def _sums(self, time: int, rows: slice, dy: int, dx: int) -> Whole:
        """S at an offset from a wavefront's pixels. (B, n)"""
        place = (time + self.lag * dy + dx) % len(self.sums)
        return self.sums[place, :, self.up + rows.start + dy : self.up + rows.stop + dy]
