"""Renders smaller pictures; `models.photo.reduction` says what of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....shapes import UInt8
from ..layout import BLOCK
from ..reduction import CORRECTED, square_means
from .rendering import Renderer, to_pixels
from .windows import PassResult, bands, cropped


def render_reduced(renderer: Renderer, state: PassResult, denominator: int) -> UInt8[NDArray[np.uint8], "h w 3"]:
    """Return the pixels of a state at 1/denominator of its size: means of squares of pixels."""
    corrected = denominator <= CORRECTED
    height, width = (-(-side // denominator) for side in state.size)
    pixels = np.empty((height, width, 3), np.uint8)
    every = slice(0, state.size[1])
    for core, wide in bands(state.size, renderer.synthesis.receptive_field if corrected else BLOCK):
        part = cropped(state, (wide, every))
        if corrected:
            x = renderer.grey_levels(part, filtered=False)
        else:
            x = renderer.in_grey_levels(renderer.inverse_transform(part), part)
        means = square_means(x[:, core.start - wide.start : core.stop - wide.start], denominator)
        top = core.start // denominator
        pixels[top : top + means.shape[1]] = to_pixels(means)
    return pixels
