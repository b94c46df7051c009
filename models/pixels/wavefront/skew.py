"""The skewed layout of tiles, which are coded in parallel: the pixels of a wavefront and their neighbours are slices.

A strip is cut into tiles of equal sides, rounded up to whole pixels; the last row or column of some tiles lies outside
the strip. In the skewed layout (fronts, maps, tiles, rows) the pixel in column x of row y is in front x + lag * y. The
pixel at (dy, dx) from it is lag * dy + dx fronts later and dy rows below.

    row 0    0 1 2 3 4 5          front of each pixel, lag = 3
    row 1    3 4 5 6 7 8
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from ..causal import wavefront_count, wavefront_rows
from .features import RECEPTIVE_FIELD

HEIGHT, WIDTH = 64, 256
"""Largest sides of a tile."""
LAG = RECEPTIVE_FIELD.lag
BEFORE = LAG * RECEPTIVE_FIELD.rows + RECEPTIVE_FIELD.columns
"""Number of earlier fronts that a pixel's features come from."""


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

    def rows(self, front: int) -> slice:
        """Return the rows that have a pixel in a front."""
        return wavefront_rows(front, self.height, self.width, LAG)

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

    def skewed(
        self, tiles: Float32[NDArray[np.float32], "C tiles h w"]
    ) -> Float32[NDArray[np.float32], "fronts C tiles h"]:
        """Return tiles in the skewed layout, 0 where a front has no pixel."""
        fronts = np.zeros((self.fronts, *tiles.shape[:2], self.height), np.float32)
        self.straight(fronts)[:] = tiles
        return fronts

    def straight(
        self, fronts: Float32[NDArray[np.float32], "fronts C tiles h"]
    ) -> Float32[NDArray[np.float32], "C tiles h w"]:
        """Return a view of the skewed layout as tiles."""
        front, *others, row = fronts.strides
        size = *fronts.shape[1:3], self.height, self.width
        return as_strided(fronts, size, (*others, LAG * front + row, front))

    def within(self) -> Bool[NDArray[np.bool_], "fronts tiles h"] | None:
        """Return which pixels of the skewed layout lie in the strip; None if all pixels of tiles do."""
        height, width = self.size
        if (self.down * self.height, self.across * self.width) == self.size:
            return None
        inside = np.zeros((1, self.down * self.height, self.across * self.width), np.float32)
        inside[:, :height, :width] = 1
        parts = inside.reshape(1, self.down, self.height, self.across, self.width).swapaxes(2, 3)
        return self.skewed(parts.reshape(1, self.count, self.height, self.width))[:, 0] > 0
