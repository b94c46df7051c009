"""Positions in two passes, so that the second one sees its neighbours: the checkerboard of He et al. (2021).

The positions of a layer fall into two halves, as the fields of a checkerboard do. The symbols of the first half, the
anchors, are coded side by side. Then the features of the second half learn of them, each position of the four beside
it, and the second half is coded; then the features of the first learn of that, for the layers to come. A probability
depends on decoded symbols alone, and each half is one batch of products.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

Rows = slice | Tensor
"""Some positions of a layer: consecutive ones, or their places in raster order (n,)."""

SIDES = 4
"""Neighbours of a position: above, below, left, right."""

STEPS = ((-1, 0), (1, 0), (0, -1), (0, 1))
"""Rows and columns to each."""


@dataclass(frozen=True)
class Half:
    """One colour of the board: its positions (n,) in raster order, and who stands beside each of them.

    `beside` (SIDES, n): places in the other half's `positions`; where the image ends, the number of those.
    """

    positions: Tensor
    beside: Tensor


@dataclass(frozen=True)
class Checkerboard:
    """Both halves of a batch's positions; `order` (N,): where each position stands if one half follows the other."""

    halves: tuple[Half, Half]
    order: Tensor

    def raster(self, halves: Tensor) -> Tensor:
        """Rows (N, ...) of the first half and then the second, in raster order."""
        return halves[self.order]


def checkerboard(batch: int, size: tuple[int, int], device: torch.device) -> Checkerboard:
    """The board of `batch` images of (rows, columns) positions; the first half holds the upper left corners."""
    rows, columns = size
    colour = (torch.arange(rows)[:, None] + torch.arange(columns)).remainder(2).expand(batch, rows, columns)
    positions = [torch.nonzero(colour.flatten() == c)[:, 0] for c in (0, 1)]
    order = torch.empty(colour.numel(), dtype=torch.int64)
    order[torch.cat(positions)] = torch.arange(colour.numel())
    halves = []
    for own, other in (positions, positions[::-1]):
        place = torch.full((colour.numel(),), len(other))
        place[other] = torch.arange(len(other))
        halves.append(Half(own.to(device), _beside(place.view_as(colour), len(other))[:, own].to(device)))
    return Checkerboard((halves[0], halves[1]), order.to(device))


def _beside(place: Tensor, nobody: int) -> Tensor:
    """What stands beside every position of `place` (B, H, W), or `nobody`: (SIDES, B * H * W)."""
    B, H, W = place.shape
    wide = torch.full((B, H + 2, W + 2), nobody)
    wide[:, 1:-1, 1:-1] = place
    return torch.stack([wide[:, 1 + y : 1 + y + H, 1 + x : 1 + x + W].flatten() for y, x in STEPS])
