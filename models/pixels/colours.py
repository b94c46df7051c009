"""Reversible colour transforms of lossless pixels, in integers: luminance and two differences.

    0 .. 2   YCoCg-R with green, blue or red in the middle (Malvar and Sullivan 2003)
    3 .. 5   green, red or blue, and the differences of the other two to it
    6 .. 8   the same, but the last difference is to the mean of the first two

An encoder takes the one whose planes are smoothest: which one that is depends on how an image was made.
"""

from __future__ import annotations

import torch
from jaxtyping import Num
from torch import Tensor

ORDERS = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 0, 2), (0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0), (0, 1, 2))
"""Which of red, green and blue are a, b and c, by transform."""
TRANSFORMS = len(ORDERS)

LOWEST, HIGHEST = (0, -255, -255), (255, 255, 255)
"""The range of each plane."""


def split(rgb: Num[Tensor, "*batch 3 H W"], transform: int) -> Num[Tensor, "*batch 3 H W"]:
    """Return luminance and two differences of red, green and blue.

    Args:
        rgb: Whole numbers in [0, 255], of any type that holds [-255, 255].
        transform: Which one, in [0, TRANSFORMS).

    Source: YCoCg-R is of H. Malvar and G. Sullivan, "YCoCg-R: A Color Space with RGB Reversibility and Low Dynamic
        Range", 2003.
    """
    a, b, c = (rgb[..., i, :, :] for i in ORDERS[transform])
    if transform < 3:
        across = a - c
        middle = c + _half(across)
        return torch.stack([middle + _half(b - middle), across, b - middle], dim=-3)
    return torch.stack([a, b - a, c - (a if transform < 6 else _half(a + b))], dim=-3)


def join(planes: Num[Tensor, "*batch 3 H W"], transform: int) -> Num[Tensor, "*batch 3 H W"]:
    """Return red, green and blue of the planes that `split` makes."""
    light, across, last = planes.unbind(-3)
    if transform < 3:
        middle = light - _half(last)
        c = middle - _half(across)
        values = [c + across, last + middle, c]
    else:
        b = across + light
        values = [light, b, last + (light if transform < 6 else _half(light + b))]
    order = ORDERS[transform]
    return torch.stack([values[order.index(i)] for i in range(3)], dim=-3)


def smoothest(rgb: Num[Tensor, "*batch 3 H W"]) -> int:
    """Return the transform whose planes differ least from their neighbours' means; it need not be exact."""
    costs = [sum(_roughness(plane) for plane in split(rgb, t).unbind(-3)) for t in range(TRANSFORMS)]
    return min(range(TRANSFORMS), key=lambda t: costs[t])


def _roughness(plane: Tensor) -> float:
    across = (plane[..., 2:] + plane[..., :-2] - 2 * plane[..., 1:-1]).abs().float()
    down = (plane[..., 2:, :] + plane[..., :-2, :] - 2 * plane[..., 1:-1, :]).abs().float()
    sums, count = across.sum() + down.sum(), across.numel() + down.numel()
    return float(torch.log2(sums / max(count, 1) + 0.1))


def _half(x: Tensor) -> Tensor:
    """Return floor(x / 2); the tensors hold integers, of whatever type."""
    return torch.floor_divide(x, 2)
