"""Tiles that are walked side by side, laid out by wavefront: whatever a wavefront sees is a slice.

A strip is cut into tiles of equal sides, as far as whole pixels go; a shorter tile's last row or column lies outside.
On the skewed canvas (fronts, maps, tiles, rows) the pixel in column x of row y stands in front x + lag * y. What lies
(dy, dx) from it stands lag * dy + dx fronts later, dy rows below.

    row 0    0 1 2 3 4 5          front of each pixel, lag = 3
    row 1    3 4 5 6 7 8
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .seen import REACH

HEIGHT, WIDTH = 64, 256
"""Largest sides of a tile."""
LAG = REACH.columns + 1
BEFORE = LAG * REACH.rows + REACH.columns
"""Fronts that a pixel sees back."""


class Tiling:
    """How a strip of (height, width) pixels is cut."""

    def __init__(self, height: int, width: int) -> None:
        self.size = (height, width)
        self.down, self.across = -(-height // HEIGHT), -(-width // WIDTH)
        self.height, self.width = -(-height // self.down), -(-width // self.across)
        self.fronts = self.width + LAG * (self.height - 1)
        self.count = self.down * self.across

    def rows(self, front: int) -> slice:
        """The rows that have a pixel in a front."""
        first = max(0, -(-(front - self.width + 1) // LAG))
        return slice(first, max(first, min(self.height - 1, front // LAG) + 1))

    def length(self, front: int) -> int:
        """How many rows that are; tiles narrower than the lag have fronts without any."""
        rows = self.rows(front)
        return int(rows.stop - rows.start)

    def tiles(self, maps: Tensor) -> Tensor:
        """Maps of the strip (C, height, width) as tiles (C, tiles, h, w); what lies outside repeats the border."""
        C = len(maps)
        margins = (0, self.across * self.width - self.size[1], 0, self.down * self.height - self.size[0])
        whole = F.pad(maps[None], margins, mode="replicate")[0]
        parts = whole.view(C, self.down, self.height, self.across, self.width)
        return parts.transpose(2, 3).reshape(C, self.count, self.height, self.width)

    def strip(self, tiles: Tensor) -> Tensor:
        """Undoes `tiles`."""
        C, (height, width) = len(tiles), self.size
        parts = tiles.reshape(C, self.down, self.across, self.height, self.width).transpose(2, 3)
        return parts.reshape(C, self.down * self.height, -1)[:, :height, :width]

    def skewed(self, tiles: Tensor) -> Tensor:
        """Tiles (C, tiles, h, w) by front, 0 where a front has no pixel. (fronts, C, tiles, h)"""
        fronts = tiles.new_zeros(self.fronts, *tiles.shape[:2], self.height)
        self.straight(fronts).copy_(tiles)
        return fronts

    def straight(self, fronts: Tensor) -> Tensor:
        """A view of fronts as tiles. (C, tiles, h, w)"""
        front, *others, row = fronts.stride()
        size = *fronts.shape[1:3], self.height, self.width
        return fronts.as_strided(size, (*others, LAG * front + row, front), fronts.storage_offset())

    def within(self) -> Tensor | None:
        """Which of all pixels lie in the strip, by front (fronts, tiles, h); None if all do."""
        height, width = self.size
        if (self.down * self.height, self.across * self.width) == self.size:
            return None
        inside = torch.zeros(1, self.down * self.height, self.across * self.width)
        inside[:, :height, :width] = 1
        parts = inside.view(1, self.down, self.height, self.across, self.width).transpose(2, 3)
        return self.skewed(parts.reshape(1, self.count, self.height, self.width))[:, 0] > 0
