"""Causal receptive fields: a pixel is conditioned on pixels above it and to its left.

Coding takes pixels in wavefronts: all pixels of an image (and of any number of images) whose neighbourhoods are known
at the same time. With a receptive field of c columns to the right of a pixel, row y may be c + 1 pixels behind row
y - 1; this lag puts the pixel in column x of row y into wavefront x + lag * y.

    . n n n n n .        wavefronts for c = 1:    0 1 2 3 4
    . n n n n n .                                 2 3 4 5 6
    . n n x                                       4 5 6 7 8

Here, `rows` counts the rows above a pixel that hold neighbours, and c the columns to its left and, in the rows above,
to its right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...shapes import Int64, Shaped


@dataclass(frozen=True)
class ReceptiveField:
    """The causal receptive field of a pixel: the neighbours before it that its probability depends on.

    Args:
        rows: Rows above the pixel, 1 to 16.
        columns: Columns to its left and, in the rows above, to its right too, 1 to 16.

    Raises:
        ValueError: One of them is out of bounds.
    """

    rows: int
    columns: int

    def __post_init__(self) -> None:
        if not (1 <= self.rows <= 16 and 1 <= self.columns <= 16):
            raise ValueError("a receptive field has 1 to 16 rows and columns")

    @property
    def lag(self) -> int:
        """Pixels by which a row is coded behind the row above it."""
        return self.columns + 1

    def offsets(self) -> tuple[tuple[int, int], ...]:
        """Return the offsets (dy, dx) of the neighbours, the nearest first."""
        above = [(dy, dx) for dy in range(-self.rows, 0) for dx in range(-self.columns, self.columns + 1)]
        left = [(0, dx) for dx in range(-self.columns, 0)]
        return tuple(sorted(above + left, key=lambda o: (o[0] ** 2 + o[1] ** 2, o)))

    def padded(self, planes: Shaped[NDArray[Any], "*batch H W"]) -> Shaped[NDArray[Any], "*batch h w"]:
        """Return planes with zeros around them for every neighbour: h = rows + H, w = W + 2 columns."""
        margins = [(0, 0)] * (planes.ndim - 2) + [(self.rows, 0), (self.columns, self.columns)]
        return np.pad(planes, margins)

    def wavefronts(
        self, height: int, width: int
    ) -> Iterator[tuple[Int64[NDArray[np.int64], " n"], Int64[NDArray[np.int64], " n"]]]:
        """Yield the rows and columns, (n,) each, of the pixels of every wavefront, from the top left."""
        for front in range(wavefront_count(height, width, self.lag)):
            rows = wavefront_rows(front, height, width, self.lag)
            y = np.arange(rows.start, rows.stop)
            yield y, front - self.lag * y


def wavefront_count(height: int, width: int, lag: int) -> int:
    """Return the number of wavefronts of an image of (height, width) pixels."""
    return width + lag * (height - 1)


def wavefront_rows(front: int, height: int, width: int, lag: int) -> slice:
    """Return the rows that have a pixel in a wavefront; none where the image is narrower than the lag."""
    first = max(0, -(-(front - width + 1) // lag))
    return slice(first, max(first, min(height - 1, front // lag) + 1))
