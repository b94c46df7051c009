"""Weights of the distortion for the eye; `encoder.perceptual_weights` says why they are what they are."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, UInt8
from ..layout import BLOCK, COEFFICIENTS
from .transform import STRIDES

STRENGTH, FALL, REFERENCE, FLOOR, RANGE = 1.0, 0.5, 2.0, 25.0, (0.25, 4.0)
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in luminance."""


def block_weights(pixels: UInt8[NDArray[np.uint8], "H W 3"]) -> Float32[NDArray[np.float32], "rows columns"]:
    """Return the weight of every 8x8 block; the image's edges are repeated."""
    activity = np.pad(_log_spread(pixels), 1, mode="edge")
    down = activity[:-2] + activity[1:-1] + activity[2:]
    smooth = (down[:, :-2] + down[:, 1:-1] + down[:, 2:]) / np.float32(9)
    return np.asarray(np.clip(np.exp(-STRENGTH * (smooth - smooth.mean())), *RANGE), np.float32)


def _log_spread(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return ln of the standard deviation of every block's luminance, computed by rows of blocks to save memory."""
    rows, columns = (-(-side // BLOCK) for side in pixels.shape[:2])
    spread = np.empty((rows, columns), np.float32)
    for row in range(rows):
        band = pixels[row * BLOCK : (row + 1) * BLOCK].astype(np.float32) @ LUMA
        band = np.pad(band, ((0, BLOCK - len(band)), (0, columns * BLOCK - band.shape[1])), mode="edge")
        spread[row] = band.reshape(BLOCK, columns, BLOCK).var(axis=(0, 2))
    return np.asarray(0.5 * np.log(spread + FLOOR))


def position_weights(
    blocks: Float32[NDArray[np.float32], "rows columns"],
) -> dict[int, Float32[NDArray[np.float32], "_ 1"]]:
    """Return the weights of the positions by stride, (N, 1): means over the blocks of each."""
    return {stride: _pooled(blocks, stride // BLOCK).reshape(-1, 1) for stride in STRIDES}


def _pooled(blocks: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return means of side x side blocks, fewer at the right and lower borders."""
    rows, columns = (np.arange(0, length, side) for length in blocks.shape)
    sums = np.add.reduceat(np.add.reduceat(blocks, rows, axis=0), columns, axis=1)
    heights, widths = (
        np.diff(np.append(starts, length)) for starts, length in zip((rows, columns), blocks.shape, strict=True)
    )
    return np.asarray(sums / np.outer(heights, widths), np.float32)


@cache
def coefficient_weights() -> dict[int, Float32[NDArray[np.float32], " _"]]:
    """Return the weight of every coefficient by stride, (C,); 0 for block means at stride 8."""
    coarse = {s: np.full(COEFFICIENTS[s], _weight(BLOCK / s), np.float32) for s in STRIDES if s != BLOCK}
    block = [_weight(float(row + column)) if row + column else 0.0 for row in range(BLOCK) for column in range(BLOCK)]
    return coarse | {BLOCK: np.tile(np.array(block, np.float32), 3)}


def _weight(frequency: float) -> float:
    """Return the weight of a frequency, the sum of both directions' in half periods in a block."""
    return math.pow(frequency / REFERENCE, -FALL)
