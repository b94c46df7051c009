"""Renders smaller pictures; `models.photo.reduction` says what of."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ....shapes import UInt8
from ..layout import BLOCK
from ..reduction import CORRECTED, square_means
from .rendering import Renderer, to_pixels
from .windows import PassResult, bands, cropped


def render_reduced(renderer: Renderer, state: PassResult, denominator: int) -> UInt8[NDArray[np.uint8], "h w 3"]:
    """Return the pixels of a state at 1/denominator of its size: means of squares of pixels."""
    rows, (height, width) = state.size[0], (-(-side // denominator) for side in state.size)
    pixels, done = np.empty((height, width, 3), np.uint8), 0
    for x in _bands(renderer, state, corrected=denominator <= CORRECTED):
        means = square_means(renderer.in_grey_levels(x[:, : rows - done], state), denominator)
        top = done // denominator
        pixels[top : top + means.shape[1]] = to_pixels(means)
        done += x.shape[1]
    return pixels


def _bands(renderer: Renderer, state: PassResult, *, corrected: bool) -> Iterator[NDArray[np.float32]]:
    """Yield bands of whole blocks in units of sigma, from top to bottom, with what the synthesis adds or without."""
    if corrected:
        yield from (x for x, _ in renderer.synthesised(state))
        return
    every = slice(0, state.size[1])
    for core, wide in bands(state.size, BLOCK):
        x = renderer.inverse_transform(cropped(state, (wide, every)))
        yield x[:, core.start - wide.start : core.start - wide.start + BLOCK * -(-(core.stop - core.start) // BLOCK)]
