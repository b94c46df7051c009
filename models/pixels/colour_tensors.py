"""The colour transforms of `colours` on tensors, for training."""

from __future__ import annotations

import torch
from torch import Tensor

from ...shapes import Num
from .colours import TRANSFORMS, separated


def split(rgb: Num[Tensor, "*batch 3 H W"], transform: int) -> Num[Tensor, "*batch 3 H W"]:
    """Return the planes of red, green and blue under a transform; see `colours.separated`."""
    return torch.stack(separated(rgb.unbind(-3), transform), dim=-3)


def smoothest(rgb: Num[Tensor, "*batch 3 H W"]) -> int:
    """Return the transform whose planes differ least from their neighbours' means; it need not be exact."""
    costs = [sum(_roughness(plane) for plane in split(rgb, t).unbind(-3)) for t in range(TRANSFORMS)]
    return min(range(TRANSFORMS), key=lambda t: costs[t])


def _roughness(plane: Tensor) -> float:
    across = (plane[..., 2:] + plane[..., :-2] - 2 * plane[..., 1:-1]).abs().float()
    down = (plane[..., 2:, :] + plane[..., :-2, :] - 2 * plane[..., 1:-1, :]).abs().float()
    sums, count = across.sum() + down.sum(), across.numel() + down.numel()
    return float(torch.log2(sums / max(count, 1) + 0.1))
