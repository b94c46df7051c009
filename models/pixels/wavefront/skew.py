"""The skewed layout of tiles, which are coded in parallel: the pixels of a wavefront and their neighbours are slices.

A strip is cut into tiles of equal sides, rounded up to whole pixels; the last row or column of some tiles lies outside
the strip. In the skewed layout (fronts, maps, tiles, rows) the pixel in column x of row y is in front x + lag * y. The
pixel at (dy, dx) from it is lag * dy + dx fronts later and dy rows below.

    row 0    0 1 2 3 4 5          front of each pixel, lag = 3
    row 1    3 4 5 6 7 8
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

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
    """

    def __init__(self, height: int, width: int) -> None:
        self.size = (height, width)
        self.down, self.across = -(-height // HEIGHT), -(-width // WIDTH)
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

    def tiles(self, maps: Float[Tensor, "C height width"]) -> Float[Tensor, "C tiles h w"]:
        """Return maps of the strip as tiles; pixels outside the strip repeat its border."""
        C = len(maps)
        margins = (0, self.across * self.width - self.size[1], 0, self.down * self.height - self.size[0])
        whole = F.pad(maps[None], margins, mode="replicate")[0]
        parts = whole.view(C, self.down, self.height, self.across, self.width)
        return parts.transpose(2, 3).reshape(C, self.count, self.height, self.width)

    def strip(self, tiles: Float[Tensor, "C tiles h w"]) -> Float[Tensor, "C height width"]:
        """Return the strip of which `tiles` are the tiles."""
        C, (height, width) = len(tiles), self.size
        parts = tiles.reshape(C, self.down, self.across, self.height, self.width).transpose(2, 3)
        return parts.reshape(C, self.down * self.height, -1)[:, :height, :width]

    def skewed(self, tiles: Float[Tensor, "C tiles h w"]) -> Float[Tensor, "fronts C tiles h"]:
        """Return tiles in the skewed layout, 0 where a front has no pixel."""
        fronts = tiles.new_zeros(self.fronts, *tiles.shape[:2], self.height)
        self.straight(fronts).copy_(tiles)
        return fronts

    def straight(self, fronts: Float[Tensor, "fronts C tiles h"]) -> Float[Tensor, "C tiles h w"]:
        """Return a view of the skewed layout as tiles."""
        front, *others, row = fronts.stride()
        size = *fronts.shape[1:3], self.height, self.width
        return fronts.as_strided(size, (*others, LAG * front + row, front), fronts.storage_offset())

    def within(self) -> Bool[Tensor, "fronts tiles h"] | None:
        """Return which pixels of the skewed layout lie in the strip; None if all pixels of tiles do."""
        height, width = self.size
        if (self.down * self.height, self.across * self.width) == self.size:
            return None
        inside = torch.zeros(1, self.down * self.height, self.across * self.width)
        inside[:, :height, :width] = 1
        parts = inside.view(1, self.down, self.height, self.across, self.width).transpose(2, 3)
        return self.skewed(parts.reshape(1, self.count, self.height, self.width))[:, 0] > 0
