"""The coefficients that the light model codes, by stage and group.

The coefficients of a group are coded in parallel. The groups of a stage condition on each other position by position;
only between stages do the networks mix positions.
"""

from __future__ import annotations

from ..photo.layout import BLOCK
from .config import STRIDES

CoefficientGroup = list[int]
"""Channels of the stride's coefficients (photo.network.layout.COEFFICIENTS)."""

MEANS: CoefficientGroup = [9, 10, 11]
"""Block means at stride 64."""
DETAILS: list[CoefficientGroup] = [[0, 3, 6], [1, 2, 4, 5, 7, 8]]
"""Haar details of the block means: luminance, then both chrominances."""

FINEST_STAGES = (
    ((0, (1,)), (1, (1,))),
    ((0, (2,)), (1, (2,))),
    ((0, (3,)), (0, (4,)), (1, (3,))),
    ((0, (5,)), (0, (6,)), (1, (4, 5))),
    ((0, (7,)), (0, (8, 9)), (0, (10, 11, 12, 13, 14)), (1, (6, 7, 8))),
)
"""Stages at stride 8: each group's colours (0 luminance, 1 chrominance) and diagonals of frequencies."""


def diagonal(index: int) -> list[int]:
    """Return the frequencies of a block, row-major, whose row and column add up to `index`."""
    return [BLOCK * row + index - row for row in range(BLOCK) if 0 <= index - row < BLOCK]


def light_layout() -> dict[int, list[list[CoefficientGroup]]]:
    """Return the groups of every stage by stride, coarse first."""
    coarse = {stride: [DETAILS] for stride in STRIDES[:-1]}
    coarse[64] = [[MEANS], DETAILS]
    return coarse | {8: [[_group(*group) for group in stage] for stage in FINEST_STAGES]}


def coded_channels(stride: int) -> list[int]:
    """Return the coefficients of a stride that are coded, in coding order."""
    return [channel for stage in light_layout()[stride] for group in stage for channel in group]


def _group(chrominance: int, diagonals: tuple[int, ...]) -> CoefficientGroup:
    cells = [i for index in diagonals for i in diagonal(index)]
    return [BLOCK**2 * colour + i for i in cells for colour in ((1, 2) if chrominance else (0,))]
