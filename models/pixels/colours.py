"""Reversible colour transforms of lossless pixels, in integers: luminance and two differences.

    0 .. 2   YCoCg-R with green, blue or red in the middle (Malvar and Sullivan 2003)
    3 .. 5   green, red or blue, and the differences of the other two to it
    6 .. 8   the same, but the last difference is to the mean of the first two

An encoder takes the one that costs the fewest bits: which one that is depends on how an image was made.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...shapes import Num

ORDERS = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 0, 2), (0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0), (0, 1, 2))
"""Which of red, green and blue are a, b and c, by transform."""
TRANSFORMS = len(ORDERS)

LOWEST, HIGHEST = (0, -255, -255), (255, 255, 255)
"""The range of each plane."""


def separated(rgb: Any, transform: int) -> tuple[Any, Any, Any]:
    """Return luminance and two differences.

    Args:
        rgb: Red, green and blue, one after the other: whole numbers in [0, 255], arrays or tensors of any type that
            holds [-255, 255].
        transform: Which one, in [0, TRANSFORMS).

    Source: YCoCg-R is of H. Malvar and G. Sullivan, "YCoCg-R: A Color Space with RGB Reversibility and Low Dynamic
        Range", 2003.
    """
    a, b, c = (rgb[i] for i in ORDERS[transform])
    if transform < 3:
        across = a - c
        middle = c + across // 2
        return middle + (b - middle) // 2, across, b - middle
    return a, b - a, c - (a if transform < 6 else (a + b) // 2)


def combined(light: Any, across: Any, last: Any, transform: int) -> tuple[Any, Any, Any]:
    """Return red, green and blue of the three planes that `separated` returns."""
    if transform < 3:
        middle = light - last // 2
        c = middle - across // 2
        values = [c + across, last + middle, c]
    else:
        b = across + light
        values = [light, b, last + (light if transform < 6 else (light + b) // 2)]
    order = ORDERS[transform]
    red, green, blue = (values[order.index(i)] for i in range(3))
    return red, green, blue


def split(rgb: Num[NDArray[Any], "*batch 3 H W"], transform: int) -> Num[NDArray[Any], "*batch 3 H W"]:
    """Return the planes of red, green and blue under a transform; see `separated`."""
    return np.stack(separated(np.moveaxis(rgb, -3, 0), transform), axis=-3)


def join(planes: Num[NDArray[Any], "*batch 3 H W"], transform: int) -> Num[NDArray[Any], "*batch 3 H W"]:
    """Return red, green and blue of the planes that `split` returns."""
    light, across, last = np.moveaxis(planes, -3, 0)
    return np.stack(combined(light, across, last, transform), axis=-3)
