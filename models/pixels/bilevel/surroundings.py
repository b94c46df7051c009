"""Counts of ink around a pixel, beyond its neighbours: exact sums over rectangles of the pixels before it.

A count is four corners of the sums S(y, x) over all pixels above and to the left, so a rectangle of any size costs the
same. A pixel without ink among its neighbours is *quiet*: its probability depends only on which rectangles hold ink.
"""

from __future__ import annotations

from dataclasses import dataclass

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
