"""Sizes of the adaptive filter, and the squares of pixels in which it works; `apply` defines its terms."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement

from ...interface.adaptive_filter import SMALLEST_SIDE

WINDOWS = (3, 5, 17)
RADIUS = max(WINDOWS) // 2
"""Pixels around one that its terms depend on."""
PLANES = 3
"""Planes of colours, which the filter corrects: its outputs."""
PAIRS = tuple(combinations_with_replacement(range(PLANES), 2))
TERMS = len(WINDOWS) * (PLANES + PLANES**2 + len(PAIRS)) + 8

SIDE = SMALLEST_SIDE
"""Side of the smallest region, and of the square of pixels whose terms are in memory at once: twice 16 MB."""

Square = tuple[slice, slice]
"""Rows and columns of pixels."""


def squares(rows: slice, columns: slice) -> Iterator[Square]:
    """Yield the parts of these rows and columns of an image that lie in the squares of a grid of SIDE."""
    for high in parts(rows):
        for wide in parts(columns):
            yield high, wide


def parts(line: slice) -> list[slice]:
    """Cut a range of pixels at the multiples of SIDE."""
    starts = [line.start, *range((line.start // SIDE + 1) * SIDE, line.stop, SIDE)]
    return [slice(start, stop) for start, stop in zip(starts, [*starts[1:], line.stop], strict=True)]
