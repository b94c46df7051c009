"""Pixels one after the other: each sees those above it and to its left within a reach.

Coding takes them in wavefronts: all pixels of an image (and of any number of images) whose neighbourhoods are known at
the same time. With a reach of c columns to the right of a pixel, row y may be c + 1 pixels behind row y - 1.

    . n n n n n .        wavefronts for c = 1:    0 1 2 3 4
    . n n n n n .                                 2 3 4 5 6
    . n n x                                       4 5 6 7 8
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Reach:
    """How far a pixel sees: so many rows up, so many columns to the left, and above it to the right. ValueError."""

    rows: int
    columns: int

    def __post_init__(self) -> None:
        if not (1 <= self.rows <= 16 and 1 <= self.columns <= 16):
            raise ValueError("a reach has 1 to 16 rows and columns")

    def offsets(self) -> tuple[tuple[int, int], ...]:
        """(dy, dx) of the neighbours, the nearest first."""
        above = [(dy, dx) for dy in range(-self.rows, 0) for dx in range(-self.columns, self.columns + 1)]
        left = [(0, dx) for dx in range(-self.columns, 0)]
        return tuple(sorted(above + left, key=lambda o: (o[0] ** 2 + o[1] ** 2, o)))

    def padded(self, planes: Tensor) -> Tensor:
        """Planes (..., H, W) with room for every neighbour, filled with 0: (..., rows + H, W + 2 columns)."""
        return F.pad(planes, (self.columns, self.columns, self.rows, 0))

    def neighbours(self, planes: Float[Tensor, "B H W"]) -> Float[Tensor, "B H W taps"]:
        """What every pixel sees of planes (B, H, W), 0 outside the image. (B, H, W, neighbours)"""
        height, width = planes.shape[-2:]
        padded = self.padded(planes)
        rows = [(self.rows + dy, self.columns + dx) for dy, dx in self.offsets()]
        return torch.stack([padded[:, y : y + height, x : x + width] for y, x in rows], dim=-1)

    def wavefronts(self, height: int, width: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Rows and columns (n,) of the pixels of every wavefront, from the top left."""
        lag = self.columns + 1
        for time in range(width + lag * (height - 1)):
            first, last = max(0, -(-(time - width + 1) // lag)), min(height - 1, time // lag)
            y = torch.arange(first, last + 1)
            yield y, time - lag * y
