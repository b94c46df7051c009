"""Smaller pictures from the coarse coefficients alone, in integers and without networks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....shapes import UInt8
from ...photo.layout import BLOCK
from ...photo.runtime.transform import samples_of
from ...slices import slices
from ..config import STRIDES
from ..layout import light_layout
from .inverse import mean_samples
from .networks import STRIP_POSITIONS
from .rendering import LightRenderer, to_pixels
from .top_down import LightState


def reduced_layers(denominator: int) -> int:
    """Return how many layers a picture reduced by 2, 4 or 8 needs.

    These are all of the coarse strides, and at stride 8 the stages up to the last one with luminance of a frequency
    that the smaller picture can show.
    """
    low = range(BLOCK // denominator)
    shown = {BLOCK * row + column for row in low for column in low} - {0}
    needed = count = 0
    for stride, stages in light_layout().items():
        for stage in stages:
            count += len(stage)
            if stride > STRIDES[-1] or any(shown.intersection(group) for group in stage):
                needed = count
    return needed


def reduced_pixels(
    renderer: LightRenderer, state: LightState, sigma: int, denominator: int
) -> UInt8[NDArray[np.uint8], "h w 3"]:
    """Return the pixels of a state at 1/denominator of its size: means of squares of pixels.

    Args:
        renderer: of the model.
        state: what a pass has built.
        sigma: in steps of 2**-8 grey levels.
        denominator: 2, 4 or 8.
    """
    if denominator == BLOCK:
        return to_pixels(mean_samples(state, renderer.values[state.perceptual]), sigma)
    height, width = (-(-side // denominator) for side in state.size)
    pixels = np.empty((height, width, 3), np.uint8)
    rows, columns = (-(-side // BLOCK) for side in state.size)
    x = renderer.samples(state, slice(0, rows))
    for part in slices(rows, max(STRIP_POSITIONS // columns, 1)):
        samples = samples_of(x[:, part].astype(np.int64))
        top = BLOCK * part.start
        means = _square_means(samples[:, : state.size[0] - top, : state.size[1]], denominator)
        first = top // denominator
        pixels[first : first + means.shape[1]] = to_pixels(means, sigma)
    return pixels


def _square_means(x: NDArray[np.int64], side: int) -> NDArray[np.int64]:
    """Return the means of squares of samples, rounded half up; those at the lower and right border may be smaller."""
    channels, height, width = x.shape
    rows, columns = -(-height // side), -(-width // side)
    padded = np.pad(x, ((0, 0), (0, rows * side - height), (0, columns * side - width)))
    sums = padded.reshape(channels, rows, side, columns, side).sum(axis=(2, 4))
    heights, widths = (
        np.minimum(side, whole - side * np.arange(count)) for whole, count in ((height, rows), (width, columns))
    )
    counts = heights[:, None] * widths
    return np.asarray((2 * sums + counts) // (2 * counts))
