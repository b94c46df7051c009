"""What a pass has built, and windows and bands of it with a halo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32
from ...interface.photo import Region
from ..halo import with_halo
from ..layout import BLOCK
from .reconstruction import Planes
from .transform import STRIDES, Levels

GROUP = 64
"""Windows begin on multiples of the coarsest stride, in pixels."""
BAND_PIXELS = 2 * 2**20
"""Pixels of a band without its halo."""


@dataclass(frozen=True)
class PassResult:
    """What a pass has built, in an encoder or a decoder.

    Args:
        chain_state: The last state of the chain (integers times 2**-8).
        planes: The reconstruction in units of sigma.
        size: Height and width in pixels.
        network_quality: 0 to 4096.
        stride: Pixels between positions of `chain_state`, more than 8 only if the pass was partial.
    """

    chain_state: Float32[NDArray[np.float32], "1 C rows columns"]
    planes: Planes
    size: tuple[int, int]
    network_quality: int
    stride: int = BLOCK


def grid_sizes(size: tuple[int, int]) -> dict[int, tuple[int, int]]:
    """Return the rows and columns of positions of each stride: ceil(size / stride)."""
    return {s: (-(-size[0] // s), -(-size[1] // s)) for s in STRIDES}


def padded_levels(planes: Planes, size: tuple[int, int]) -> Levels:
    """Return maps (C, rows, columns) of planes, padded with zeros to whole blocks of stride 64."""
    sizes, levels = grid_sizes(size), {}
    rows, columns = sizes[64]
    for s, plane in planes.items():
        level = plane.reshape(len(plane), *sizes[s])
        more = (0, rows * (64 // s) - sizes[s][0]), (0, columns * (64 // s) - sizes[s][1])
        levels[s] = np.pad(level, ((0, 0), *more))
    return levels


def cropped(state: PassResult, window: Region) -> PassResult:
    """Return what was decoded of a window of pixels, which begins on multiples of 64."""
    sizes, planes = grid_sizes(state.size), {}
    for s, plane in state.planes.items():
        part = plane.reshape(len(plane), *sizes[s])[:, *positions(window, s)]
        planes[s] = part.reshape(len(plane), -1)
    chain_state = state.chain_state[:, :, *positions(window, BLOCK)]
    rows, columns = window
    return PassResult(
        chain_state, planes, (rows.stop - rows.start, columns.stop - columns.start), state.network_quality
    )


def positions(window: Region, stride: int) -> Region:
    """Return the rows and columns of positions of a stride that a window of pixels holds."""
    rows, columns = (slice(part.start // stride, -(-part.stop // stride)) for part in window)
    return rows, columns


def bands(size: tuple[int, int], receptive_field: int) -> list[tuple[slice, slice]]:
    """Return bands of about BAND_PIXELS pixels of an image, each without and with its halo.

    Args:
        size: Height and width in pixels.
        receptive_field: Pixels that the halo must cover.
    """
    height, width = size
    step = max(1, BAND_PIXELS // width // GROUP) * GROUP
    return with_halo(height, step, -(-receptive_field // GROUP) * GROUP)


def whole(size: tuple[int, int]) -> Region:
    """Return the region of a whole image."""
    return slice(0, size[0]), slice(0, size[1])


def window_of(region: Region, size: tuple[int, int], receptive_field: int, least_blocks: int) -> Region:
    """Return the window of an image in which a region can be rendered.

    Args:
        region: Rows and columns of pixels.
        size: Height and width of the image in pixels.
        receptive_field: Pixels that the halo must cover.
        least_blocks: Blocks that the window has at least, unless it is the whole image.
    """
    halo = -(-receptive_field // GROUP) * GROUP
    return _at_least(_grown(region, size, halo), size, least_blocks)


def _at_least(window: Region, size: tuple[int, int], blocks: int) -> Region:
    """Grow a window until it has so many blocks, or is the whole image."""
    while window != whole(size):
        rows, columns = positions(window, BLOCK)
        if (rows.stop - rows.start) * (columns.stop - columns.start) >= blocks:
            break
        window = _grown(window, size, GROUP)
    return window


def _grown(window: Region, size: tuple[int, int], margin: int) -> Region:
    """Return a window with a margin on all sides, as far as the image extends, from and to multiples of GROUP."""
    rows, columns = (
        slice(max(part.start // GROUP * GROUP - margin, 0), min(-(-part.stop // GROUP) * GROUP + margin, side))
        for part, side in zip(window, size, strict=True)
    )
    return rows, columns
