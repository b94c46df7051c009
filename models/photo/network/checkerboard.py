"""The checkerboard: positions are coded in two halves, so that the second conditions on its neighbours.

The positions of a layer form two halves, as the fields of a checkerboard do. The symbols of the first half, the
anchors, are coded in parallel. Their messages are added to the features of the second half, to each position those of
its four neighbours, and the second half is coded. Its messages are then added to the features of the first half, for
the layers that follow. A probability depends on decoded symbols only, and each half is one batch of products.

Source:
    He et al. (2021), "Checkerboard Context Model for Efficient Learned Image Compression".
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ....shapes import Shaped

Rows = slice | Tensor
"""Some positions of a layer: consecutive ones, or their indices in raster order (n,)."""

SIDES = 4
"""Neighbours of a position: above, below, left, right."""

OFFSETS = ((-1, 0), (1, 0), (0, -1), (0, 1))
"""Row and column offset of each neighbour."""


@dataclass(frozen=True)
class Half:
    """One colour of the checkerboard.

    Args:
        positions: Its positions (n,) in raster order.
        neighbours: (SIDES, n) indices into the other half's `positions`; outside the image, the length of these.
    """

    positions: Tensor
    neighbours: Tensor


@dataclass(frozen=True)
class Checkerboard:
    """Both halves of the positions of a batch.

    Args:
        halves: The anchors of the first coding step, then the other positions.
        order: (N,): index of each position in the concatenation of both halves.
    """

    halves: tuple[Half, Half]
    order: Tensor

    def raster(self, halves: Shaped[Tensor, " N *size"]) -> Shaped[Tensor, " N *size"]:
        """Return rows (N, ...) of the first half and then the second in raster order."""
        return halves[self.order]


def checkerboard(batch: int, size: tuple[int, int], device: torch.device) -> Checkerboard:
    """Return the checkerboard of images of one size; the first half has the upper left corners."""
    rows, columns = size
    colour = (torch.arange(rows)[:, None] + torch.arange(columns)).remainder(2).expand(batch, rows, columns)
    positions = [torch.nonzero(colour.flatten() == c)[:, 0] for c in (0, 1)]
    order = torch.empty(colour.numel(), dtype=torch.int64)
    order[torch.cat(positions)] = torch.arange(colour.numel())
    halves = []
    for own, other in (positions, positions[::-1]):
        place = torch.full((colour.numel(),), len(other))
        place[other] = torch.arange(len(other))
        halves.append(Half(own.to(device), _neighbours(place.view_as(colour), len(other))[:, own].to(device)))
    return Checkerboard((halves[0], halves[1]), order.to(device))


def _neighbours(place: Tensor, missing: int) -> Tensor:
    """Return the neighbours' values of every position of `place` (B, H, W), or `missing`: (SIDES, B * H * W)."""
    B, H, W = place.shape
    wide = torch.full((B, H + 2, W + 2), missing)
    wide[:, 1:-1, 1:-1] = place
    return torch.stack([wide[:, 1 + y : 1 + y + H, 1 + x : 1 + x + W].flatten() for y, x in OFFSETS])
