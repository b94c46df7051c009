"""Smooths pictures where nothing was coded, in skies and on screens, so that no pattern of the networks shows there.

Synthesis and post-filter add a small pattern to every block, which the training's objective hardly weighs. A window as
wide as a block removes whatever repeats with the blocks, and keeps what is smooth.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ....shapes import Bool
from ...photo.layout import BLOCK

if TYPE_CHECKING:
    from .top_down import LightState

AROUND = 2
"""Blocks around a block in which nothing may be coded, either."""
RADIUS = BLOCK // 2
"""Samples on either side of the window, whose weights are 1, 2, ..., 2, 1 sixteenths."""
Samples = NDArray[np.float32]


def smoothed(strips: Iterator[tuple[int, Samples]], state: LightState) -> Iterator[tuple[int, Samples]]:
    """Yield strips of samples after they were smoothed where nothing was coded.

    Args:
        strips: the first row of blocks and the samples (3, rows, columns) of consecutive strips of whole blocks; what
            lies above the first and below the last one is taken for a repetition of its border.
        state: what a pass has built.
    """
    above: Samples | None = None
    held: tuple[int, Samples] | None = None
    for first, samples in strips:
        if held is not None:
            next_above = held[1][:, -RADIUS:].copy()  # before they are smoothed
            yield held[0], _smooth(held[1], above, samples[:, :RADIUS], _blank(state, *held))
            above = next_above
        held = first, samples
    if held is not None:
        yield held[0], _smooth(held[1], above, None, _blank(state, *held))


def _blank(state: LightState, first: int, samples: Samples) -> NDArray[np.bool_]:
    """Return the blank blocks of a strip."""
    return blank_blocks(state, first, samples.shape[1] // BLOCK)


def blank_blocks(state: LightState, first: int, count: int) -> Bool[NDArray[np.bool_], "rows columns"]:
    """Return in which blocks of some rows no symbol of stride 8 differs from 0, nor in the blocks around them."""
    height, columns = (-(-side // BLOCK) for side in state.size)
    top, bottom = max(first - AROUND, 0), min(first + count + AROUND, height)
    symbols = state.symbols[BLOCK].reshape(-1, height, columns)[:, top:bottom]
    near = np.pad(symbols.any(axis=0), AROUND)
    for axis, size in enumerate((bottom - top, columns)):
        near = np.any([near.take(range(i, i + size), axis) for i in range(2 * AROUND + 1)], axis=0)
    return np.asarray(~near[first - top : first - top + count])


def _smooth(samples: Samples, above: Samples | None, below: Samples | None, blank: NDArray[np.bool_]) -> Samples:
    """Return samples with those of blank blocks replaced by windows' means, rounded half up."""
    if not blank.any():
        return samples
    rim = [(samples[:, :1] if above is None else above), (samples[:, -1:] if below is None else below)]
    ends = [np.broadcast_to(part, (3, RADIUS, samples.shape[2])) for part in rim]
    blocks = samples.reshape(3, len(blank), BLOCK, -1, BLOCK)
    for colour in range(3):  # one after the other, to spare memory
        tall = np.concatenate([ends[0][colour], samples[colour], ends[1][colour]]).astype(np.float64)
        wide = np.pad(_window_sums(tall.T).T, ((0, 0), (RADIUS, RADIUS)), "edge")
        means = np.floor((_window_sums(wide) + 128) / 256).reshape(blocks.shape[1:])
        np.copyto(blocks[colour], means.astype(np.float32), where=blank[:, None, :, None])
    return blocks.reshape(samples.shape)


def _window_sums(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 16 times the means of windows along the last axis, (..., n + 8) to (..., n)."""
    pairs = x[..., 1:] + x[..., :-1]
    fours = pairs[..., 2:] + pairs[..., :-2]
    eights = fours[..., 4:] + fours[..., :-4]
    return np.asarray(eights[..., 1:] + eights[..., :-1])
