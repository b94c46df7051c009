"""How much errors count at each place of a picture that is coded for the eye: an encoder's choice, unknown to decoders.

The symbols of a first guess, rounded towards 0 without any prior, are decoded without the networks. How much the error
of each block is seen there, for each unit of its weighted squares, says how much its errors are to count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Int16, UInt8
from ...photo.layout import BLOCK
from ...photo.runtime.transform import samples_of
from ...photo.runtime.windows import grid_sizes
from ...slices import slices
from ..layout import light_layout
from ..tables import ALPHABET
from .rendering import to_pixels
from .top_down import LightState
from .visible_error import visible_error

if TYPE_CHECKING:
    from .posterior import LightTargets
    from .rendering import LightRenderer

DEAD_ZONE = 0.85
"""Smallest magnitude, in steps, that the first guess rounds to 1; an encoder under priors gives up about as much."""
POWER = 0.8
"""Exponent of the weights: an estimate from one guess is worth less than the whole of it."""
SHARE_OF_MEAN = 0.1
"""What the picture's mean contributes to each block, so that blocks with hardly an error stay near it."""
LARGEST = 6.0
"""Bound of a weight, and of its inverse."""
BAND = 2**19
"""Pixels that are looked at at once, about."""


def local_weights(
    pixels: UInt8[NDArray[np.uint8], "H W 3"], targets: LightTargets, renderer: LightRenderer, quality: int, sigma: int
) -> dict[int, Float32[NDArray[np.float32], " positions"]]:
    """Return the weights of squared errors by stride, around 1.

    Args:
        pixels: the picture.
        targets: what is coded, without local weights.
        renderer: turns symbols into pixels.
        quality: the network quality.
        sigma: in steps of 2**-8 grey levels.
    """
    size = (pixels.shape[0], pixels.shape[1])
    guess = LightState({s: _guess(p) for s, p in targets.planes.items()}, size, quality, perceptual=True)
    seen = np.concatenate([_seen(pixels, guess, rows, renderer, sigma) for rows in _bands(size)])
    seen, squares = (_smooth(x) for x in (seen, _squares(targets, guess).reshape(grid_sizes(size)[BLOCK])))
    floor = SHARE_OF_MEAN * np.array([seen.mean(), squares.mean()])
    if floor.min() <= 0:  # without errors, nothing says where they count
        return {stride: np.ones(plane.shape[1], np.float32) for stride, plane in targets.planes.items()}
    ratio = (seen + floor[0]) / (squares + floor[1]) * (floor[1] / floor[0])
    logarithms = np.log(np.clip(ratio, LARGEST ** (-1 / POWER), LARGEST ** (1 / POWER))) * POWER
    return {stride: _coarser(logarithms, stride, grid_sizes(size)[stride]) for stride in targets.planes}


def _guess(plane: Float32[NDArray[np.float32], "C n"]) -> Int16[NDArray[np.int16], "C n"]:
    """Return targets, in steps, rounded towards 0 beyond the dead zone."""
    size = np.minimum(np.floor(np.abs(plane) + np.float32(1 - DEAD_ZONE)), ALPHABET.largest)
    return np.asarray(np.copysign(size, plane), np.int16)


def _bands(size: tuple[int, int]) -> list[slice]:
    """Return rows of blocks that are looked at together, as equal as can be."""
    rows, columns = grid_sizes(size)[BLOCK]
    count = -(-rows * columns * BLOCK**2 // BAND)
    return slices(rows, -(-rows // count))


def _seen(
    pixels: NDArray[np.uint8], guess: LightState, rows: slice, renderer: LightRenderer, sigma: int
) -> NDArray[np.float32]:
    """Return how much the errors of rows of blocks are seen."""
    original = pixels[BLOCK * rows.start : BLOCK * rows.stop]
    height, width, _ = original.shape
    shown = samples_of(renderer.samples(guess, rows))[:, :height, :width]
    return visible_error(original, to_pixels(shown, sigma))


def _squares(targets: LightTargets, guess: LightState) -> NDArray[np.float32]:
    """Return the sum over each block of its weighted squared errors."""
    total = np.zeros(targets.planes[BLOCK].shape[1], np.float32)
    groups = [(stride, group) for stride, stages in light_layout().items() for stage in stages for group in stage]
    for (stride, channels), units in zip(groups, targets.units, strict=True):
        if stride == BLOCK:
            for channel, unit in zip(channels, units, strict=True):
                total += np.square(unit * (targets.planes[stride][channel] - guess.symbols[stride][channel]))
    return total


def _smooth(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a map after a narrow blur over 3x3 blocks."""
    for _ in range(2):
        wide = np.pad(x, ((1, 1), (0, 0)), mode="edge")
        x = np.asarray((wide[:-2] + 6 * wide[1:-1] + wide[2:]) / 8, np.float32).T
    return x


def _coarser(logarithms: NDArray[np.float64], stride: int, size: tuple[int, int]) -> NDArray[np.float32]:
    """Return the weights at a stride: geometric means over blocks, (positions,)."""
    (rows, columns), along = size, stride // BLOCK
    more = ((0, rows * along - logarithms.shape[0]), (0, columns * along - logarithms.shape[1]))
    wide = np.pad(logarithms, more, mode="edge").reshape(rows, along, columns, along)
    return np.asarray(np.exp(wide.mean(axis=(1, 3))).reshape(-1), np.float32)
