"""Smaller pictures from the coarse layers alone, without the networks that only refine the full size.

Strides 64 to 16 hold the means of blocks of 8 x 8 pixels, which are the picture at 1/8. The low frequencies of a block,
which the first stages of stride 8 carry, add what 1/4 and 1/2 show; at 1/2 the synthesis corrects them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...shapes import Float32
from .layout import BLOCK, photo_plan

CORRECTED = 2
"""The denominator up to which the synthesis corrects a picture."""


def reduced_layers(layout: str, denominator: int) -> int:
    """Return how many layers a picture reduced by 2, 4 or 8 needs.

    These are all of the coarse strides, and at stride 8 the stages up to the last luminance layer of the frequencies
    that the smaller picture can show.
    """
    low = range(BLOCK // denominator)
    shown = {BLOCK * row + column for row in low for column in low} - {0}
    needed = count = 0
    for stride, stages in photo_plan(layout).items():
        for stage in stages:
            count += len(stage)
            if stride > BLOCK or any(shown.intersection(plan.coefficients) for plan in stage):
                needed = count
    return needed


def square_means(x: Float32[NDArray[np.float32], "C H W"], side: int) -> Float32[NDArray[np.float32], "C h w"]:
    """Return the means of squares of pixels; those at the lower and right border may be smaller."""
    channels, height, width = x.shape
    rows, columns = -(-height // side), -(-width // side)
    padded = np.pad(x, ((0, 0), (0, rows * side - height), (0, columns * side - width)))
    sums = padded.reshape(channels, rows, side, columns, side).sum(axis=(2, 4))
    heights, widths = (
        np.minimum(side, whole - side * np.arange(count)) for whole, count in ((height, rows), (width, columns))
    )
    return np.asarray(sums / (heights[:, None] * widths), np.float32)
