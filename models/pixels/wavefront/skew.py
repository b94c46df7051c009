"""The skewed layout of tiles, which are coded in parallel: the pixels of a wavefront and their neighbours are slices.

A strip is cut into tiles of equal sides, rounded up to whole pixels; the last row or column of some tiles lies outside
the strip. In the skewed layout (fronts, maps, tiles, rows) the pixel in column x of row y is in front x + lag * y. The
pixel at (dy, dx) from it is lag * dy + dx fronts later and dy rows below.

    row 0    0 1 2 3 4 5          front of each pixel, lag = 3
    row 1    3 4 5 6 7 8

A tile much narrower than high has few pixels in many fronts: its memory is laid out row by row instead.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

from ....shapes import Float32, Shaped
from ..causal import wavefront_count, wavefront_rows
from .features import RECEPTIVE_FIELD

HEIGHT, WIDTH = 64, 256
"""Largest sides of a tile."""
LAG = RECEPTIVE_FIELD.lag
BEFORE = LAG * RECEPTIVE_FIELD.rows + RECEPTIVE_FIELD.columns
"""Number of earlier fronts that a pixel's features come from."""
SPARSE = 2
"""Largest number of fronts for each column of a tile with which its fronts follow each other in memory."""

RowRun = tuple[int, int, int]
"""A row dy and columns dx, the last excluded."""


class Tiling:
    """The tiles of a strip, and conversions between strip, tiles and skewed layout.

    Args:
        height: Of the strip, in pixels.
        width: Of the strip, in pixels.
        tile_height: Largest height of a tile.
        tile_width: Largest width of a tile.
    """

    def __init__(self, height: int, width: int, tile_height: int = HEIGHT, tile_width: int = WIDTH) -> None:
        self.size = (height, width)
        self.down, self.across = -(-height // tile_height), -(-width // tile_width)
        self.height, self.width = -(-height // self.down), -(-width // self.across)
        self.fronts = wavefront_count(self.height, self.width, LAG)
        self.count = self.down * self.across
        self._rows = [wavefront_rows(front, self.height, self.width, LAG) for front in range(self.fronts)]

    def rows(self, front: int) -> slice:
        """Return the rows that have a pixel in a front."""
        return self._rows[front]

    def length(self, front: int) -> int:
        """Return the number of rows with a pixel in a front; tiles narrower than the lag have fronts without any."""
        rows = self.rows(front)
        return int(rows.stop - rows.start)

    def tiles(
        self, maps: Float32[NDArray[np.float32], "C height width"]
    ) -> Float32[NDArray[np.float32], "C tiles h w"]:
        """Return maps of the strip as tiles; pixels outside the strip repeat its border."""
        margins = (0, 0), (0, self.down * self.height - self.size[0]), (0, self.across * self.width - self.size[1])
        whole = np.pad(maps, margins, mode="edge")
        parts = whole.reshape(-1, self.down, self.height, self.across, self.width)
        return parts.swapaxes(2, 3).reshape(-1, self.count, self.height, self.width)

    def strip(
        self, tiles: Float32[NDArray[np.float32], "C tiles h w"]
    ) -> Float32[NDArray[np.float32], "C height width"]:
        """Return the strip of which `tiles` are the tiles."""
        C, (height, width) = len(tiles), self.size
        parts = tiles.reshape(C, self.down, self.across, self.height, self.width).swapaxes(2, 3)
        return parts.reshape(C, self.down * self.height, -1)[:, :height, :width]

    def within(self) -> SkewedMaps | None:
        """Return a map of which pixels of the tiles lie in the strip; None if all do."""
        height, width = self.size
        if (self.down * self.height, self.across * self.width) == self.size:
            return None
        inside = np.zeros((1, self.down * self.height, self.across * self.width), np.float32)
        inside[:, :height, :width] = 1
        parts = inside.reshape(1, self.down, self.height, self.across, self.width).swapaxes(2, 3)
        return SkewedMaps.of(self, parts.reshape(1, self.count, self.height, self.width) > 0)


class SkewedMaps:
    """Maps of tiles with margins of zeros, in memory so that the pixels of a wavefront lie close together.

    Fronts follow each other where they hold most of the memory's cells, which reads fastest. Rows follow each other in
    tiles so narrow that fronts would mostly be empty: memory stays in proportion to the pixels.

    Args:
        tiling: The tiles; maps with one tile in place of all of them serve every tile.
        maps: How many.
        tiles: How many.
        kind: The type of the values.
        above: Rows of margin above each tile.
        beside: Columns of margin on either side of it.
    """

    def __init__(
        self, tiling: Tiling, maps: int, tiles: int, kind: npt.DTypeLike, *, above: int = 0, beside: int = 0
    ) -> None:
        self.tiling, self.above, self.beside, self.counts = tiling, above, beside, (maps, tiles)
        height, width = tiling.height + above, tiling.width + 2 * beside
        fronts = wavefront_count(height, width, LAG)
        cells = maps * tiles * height
        steps = (tiles * height * width, height * width, width, 1)
        if fronts <= SPARSE * width:
            steps = (tiles * height, height, LAG * cells + 1, cells)
        self.values = np.zeros(cells * (fronts if fronts <= SPARSE * width else width), kind)
        self.strides = tuple(self.values.itemsize * step for step in steps)

    @staticmethod
    def of(tiling: Tiling, tiles: Shaped[NDArray[Any], "C tiles h w"]) -> SkewedMaps:
        """Return tiles in this layout, without margins."""
        laid = SkewedMaps(tiling, tiles.shape[0], tiles.shape[1], tiles.dtype)
        laid.straight()[:] = tiles
        return laid

    def straight(self) -> Shaped[NDArray[Any], "C tiles h w"]:
        """Return a view of the maps as tiles, without margins."""
        size = *self.counts, self.tiling.height, self.tiling.width
        return self._view(size, self.strides, 0, self.above, self.beside)

    def front(
        self, front: int, maps: slice = slice(None), run: RowRun = (0, 0, 1)
    ) -> Shaped[NDArray[Any], "offsets C tiles n"]:
        """Return a view of some maps at a run of offsets from the pixels of a front.

        Args:
            front: Index of the wavefront.
            maps: Which maps.
            run: A row and columns, relative to the pixels, inside the margins.
        """
        (dy, first, last), rows, chosen = run, self.tiling.rows(front), range(self.counts[0])[maps]
        by_map, by_tile, by_row, by_column = self.strides
        column = self.beside + front - LAG * rows.start + first
        size = last - first, len(chosen), self.counts[1], rows.stop - rows.start
        if not size[-1]:  # its pixels would lie outside the tiles
            return np.empty(size, self.values.dtype)
        steps = by_column, by_map, by_tile, by_row - LAG * by_column
        return self._view(size, steps, chosen.start, self.above + rows.start + dy, column)

    def _view(self, size: tuple[int, ...], steps: tuple[int, ...], first: int, row: int, column: int) -> NDArray[Any]:
        """Return a view of the memory from a cell on: the first map, a row and a column."""
        by_map, _, by_row, by_column = self.strides
        at = first * by_map + row * by_row + column * by_column
        return np.ndarray(size, self.values.dtype, self.values, at, steps)
