"""The checkerboard: positions are coded in two halves, so that the second conditions on its neighbours.

Source:
    He et al. (2021), "Checkerboard Context Model for Efficient Learned Image Compression".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....shapes import Int64, Shaped

SIDES = 4
"""Neighbours of a position: above, below, left, right."""
OFFSETS = ((-1, 0), (1, 0), (0, -1), (0, 1))
"""Row and column offset of each neighbour."""


@dataclass(frozen=True)
class BoardHalf:
    """One colour of the checkerboard.

    Args:
        positions: Its positions in raster order.
        neighbours: Indices into the other half's `positions`; outside the image, the length of these.
    """

    positions: Int64[NDArray[np.int64], " n"]
    neighbours: Int64[NDArray[np.int64], "sides n"]


@dataclass(frozen=True)
class Board:
    """Both halves of an image's positions.

    Args:
        halves: The anchors, whose upper left corner comes first, then the other positions.
        order: Index of each position in the concatenation of both halves.
    """

    halves: tuple[BoardHalf, BoardHalf]
    order: Int64[NDArray[np.int64], " N"]

    def raster(self, halves: Shaped[NDArray[np.int32], " N"]) -> Shaped[NDArray[np.int32], " N"]:
        """Return values of the first half and then the second in raster order."""
        return halves[self.order]


def checkerboard(size: tuple[int, int]) -> Board:
    """Return the checkerboard of an image of rows and columns of positions."""
    rows, columns = size
    colour = (np.arange(rows)[:, None] + np.arange(columns)) % 2
    positions = [np.flatnonzero(colour == c) for c in (0, 1)]
    order = np.empty(colour.size, np.int64)
    order[np.concatenate(positions)] = np.arange(colour.size)
    halves = []
    for own, other in (positions, positions[::-1]):
        place = np.full(colour.size, len(other))
        place[other] = np.arange(len(other))
        wide = np.pad(place.reshape(size), 1, constant_values=len(other))
        sides = [wide[1 + y : 1 + y + rows, 1 + x : 1 + x + columns].ravel()[own] for y, x in OFFSETS]
        halves.append(BoardHalf(own, np.stack(sides)))
    return Board((halves[0], halves[1]), order)
