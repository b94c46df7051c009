"""Counts of ink around a pixel, beyond its neighbours: exact sums over rectangles of the pixels before it.

A count is four corners of the sums S(y, x) over all pixels above and to the left, so a rectangle of any size costs the
same. A pixel without ink among its neighbours is *quiet*: its probability depends only on which rectangles hold ink.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, Int32, Num
from torch import Tensor

from ..causal import ReceptiveField


@dataclass(frozen=True)
class Rectangle:
    """A rectangle of offsets from a pixel, the ends included."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def shift(self) -> int:
        """Bits that a count is shifted down by, so that it is at most 127."""
        area = (self.bottom - self.top + 1) * (self.right - self.left + 1)
        return max(0, area.bit_length() - 7)

    def known(self, receptive_field: ReceptiveField) -> bool:
        """Return whether its pixels are decoded before the pixel, in the order of a receptive field's wavefronts."""
        ahead = receptive_field.columns + (-self.bottom - 1) * (receptive_field.columns + 1) if self.bottom < 0 else -1
        return self.top <= self.bottom <= 0 and self.left <= self.right <= ahead

    def corners(self) -> tuple[tuple[int, int, int], ...]:
        """Return (sign, dy, dx) of the four sums whose total is the count."""
        up, left = self.top - 1, self.left - 1
        return (1, self.bottom, self.right), (-1, up, self.right), (-1, self.bottom, left), (1, up, left)


RECTANGLES = (
    Rectangle(0, 0, -40, -1),
    Rectangle(-3, 0, -14, -1),
    Rectangle(-5, -1, -12, 5),
    Rectangle(-7, 0, -12, -1),
    Rectangle(-7, 0, -96, -1),
    Rectangle(-48, -1, -8, 5),
    Rectangle(-16, -4, 0, 20),
    Rectangle(-15, 0, -24, -1),
)
"""The rectangles in which ink is counted for each pixel."""


def window(receptive_field: ReceptiveField) -> tuple[Rectangle, Rectangle]:
    """Return the rectangles that make up a receptive field: above the pixel, and to its left."""
    return Rectangle(-receptive_field.rows, -1, -receptive_field.columns, receptive_field.columns), Rectangle(
        0, 0, -receptive_field.columns, -1
    )


def counts(white: Num[Tensor, "B H W"], rectangles: tuple[Rectangle, ...]) -> Int32[Tensor, "B H W rectangles"]:
    """Return the number of ink pixels in the rectangles around every pixel; there is no ink outside the image.

    Args:
        white: Images (B, H, W) of 0 (ink) and 1 (paper).
        rectangles: The rectangles.
    """
    height, width = white.shape[1:]
    up, left = 1 - min(r.top for r in rectangles), 1 - min(r.left for r in rectangles)
    right = max(0, *(r.right for r in rectangles))
    ink = F.pad((1 - white).int(), (left, right, up, 0))
    sums = ink.cumsum(1, dtype=torch.int32).cumsum(2, dtype=torch.int32)
    columns = []
    for rectangle in rectangles:
        parts = [
            s * sums[:, up + dy : up + dy + height, left + dx : left + dx + width] for s, dy, dx in rectangle.corners()
        ]
        columns.append(parts[0] + parts[1] + parts[2] + parts[3])
    return torch.stack(columns, dim=-1)


def features(
    found: Int[Tensor, "*shape rectangles"], rectangles: tuple[Rectangle, ...]
) -> Float[Tensor, "*shape rectangles"]:
    """Return counts as features on the grid 2**-4, up to 127/16."""
    shifts = torch.tensor([r.shift for r in rectangles], dtype=torch.int32)
    return (found >> shifts).float() / 16


def pattern(found: Int[Tensor, "*shape rectangles"]) -> Int32[Tensor, "*shape"]:
    """Return which of the counts are not 0, as a number: the first is the lowest bit."""
    return ((found > 0).int() << torch.arange(found.shape[-1], dtype=torch.int32)).sum(-1, dtype=torch.int32)
