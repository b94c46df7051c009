"""Counts of ink around all pixels of images at once, as tensors for training (see `surroundings`)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ....shapes import Float, Int, Int32, Num
from .surroundings import Rectangle


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
