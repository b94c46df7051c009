"""A ring buffer of the last wavefronts of tiles that are coded in parallel: their pixels and sums of ink.

A wavefront is a row of the ring; it holds the tiles one after the other, each with its rows from the top and zeros
above them. The pixel at (dy, dx) from another is in the wavefront lag * dy + dx later and the cell dy further, so that
the neighbours of a wavefront are slices.

    front t        . . . 0 1 2 3 | . . . 0 1 2 3        lag = columns + 1
    front t + 1    . . . 0 1 2 3 | . . . 0 1 2 3        row y of front t is column t - lag * y
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....shapes import Bool, Int8, Int32, Int64
from ..causal import ReceptiveField, wavefront_count, wavefront_rows
from .surroundings import Rectangle


class WavefrontRing:
    """The pixels of B tiles in the last wavefronts, and the sums from which ink is counted.

    Args:
        receptive_field: The receptive field of a pixel.
        rectangles: Those in which ink is counted.
        sizes: Height and width of each tile, in pixels.
    """

    def __init__(
        self, receptive_field: ReceptiveField, rectangles: tuple[Rectangle, ...], sizes: Int64[NDArray[np.int64], "B 2"]
    ) -> None:
        self.lag, self.sizes = receptive_field.lag, sizes
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
        self.offsets = np.array(receptive_field.offsets())
        self.uneven = bool((sizes != sizes[0]).any())

    @property
    def fronts(self) -> int:
        """Number of wavefronts."""
        return wavefront_count(self.height, self.width, self.lag)

    def rows(self, time: int) -> slice:
        """Return the rows that have a pixel in a wavefront, of a tile of the largest size."""
        return wavefront_rows(time, self.height, self.width, self.lag)

    def inside(self, time: int) -> Bool[NDArray[np.bool_], "B n"] | None:
        """Return which of the tiles' rows have a pixel in a wavefront, (B, n); None stands for all."""
        if not self.uneven:
            return None
        rows = self.rows(time)
        y = np.arange(rows.start, rows.stop)
        heights, widths = self.sizes[:, :1], self.sizes[:, 1:]
        return np.asarray((y < heights) & (time - self.lag * y < widths))

    def counts(self, time: int) -> Int32[NDArray[np.int32], "rectangles m"]:
        """Return the number of ink pixels in the rectangles around a wavefront's m = B * n pixels."""
        rows = self.rows(time)
        found = np.empty((len(self.corners), len(self.sizes), rows.stop - rows.start), np.int32)
        for out, corners in zip(found, self.corners, strict=True):
            first, *others = (self._sums(time, rows, dy, dx) for _, dy, dx in corners)
            np.subtract(first, others[0], out=out)
            out -= others[1]
            out += others[2]
        return found.reshape(len(found), -1)

    def neighbours(self, time: int, pixels: Int64[NDArray[np.int64], " k"]) -> Int8[NDArray[np.int8], "k neighbours"]:
        """Return the neighbours of some pixels of a wavefront: 1 is paper, -1 ink, 0 outside.

        Args:
            time: Index of the wavefront.
            pixels: Indices (k,) into its B * n pixels, tile after tile.
        """
        rows = self.rows(time)
        tiles, y = np.divmod(pixels, rows.stop - rows.start)
        cells = tiles * self.stride + (y + rows.start + self.up)
        dy, dx = self.offsets.T
        back = ((time + self.lag * dy + dx) % len(self.pixels)) * (len(self.sizes) * self.stride) + dy
        found: NDArray[np.int8] = self.pixels.take(cells[:, None] + back)
        return found

    def put(
        self, time: int, white: Int8[NDArray[np.int8], " m"], inside: Bool[NDArray[np.bool_], "B n"] | None
    ) -> None:
        """Store a wavefront's pixels and sum their ink.

        Args:
            time: Index of the wavefront.
            white: 1 for paper and -1 for ink, (m,).
            inside: What the method `inside` returned for the wavefront.
        """
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
        """Return the first row whose column is left of `width`."""
        return max(0, -(-(time - width + 1) // self.lag))

    def _sums(self, time: int, rows: slice, dy: int, dx: int) -> NDArray[np.int32]:
        """Return the sums of ink at an offset from a wavefront's pixels. (B, n)"""
        place = (time + self.lag * dy + dx) % len(self.sums)
        return self.sums[place, :, self.up + rows.start + dy : self.up + rows.stop + dy]
