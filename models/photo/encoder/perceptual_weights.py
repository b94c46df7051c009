"""Where errors show: an encoder may weigh distortion by what surrounds it, and by its frequency.

Texture hides errors that a plain surface shows. The weight of an 8x8 block is a power of the spread of its luminance,
smoothed over its neighbours, relative to the image's own geometric mean, as adaptive quantisation has it; coarser
positions take the mean of the blocks below them. Of two errors of one energy the finer shows less, as quantisation
tables have it: the weight of a coefficient falls by a power of its frequency. The choice then weighs distortion and
rate as if sigma differed from block to block and from coefficient to coefficient; decoders need not know.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ..network.analysis_synthesis import STRIDES
from ..network.layout import COEFFICIENTS
from ..network.top_down import Weights
from ..network.transform import BLOCK

STRENGTH = 1.0
"""The power of a block's spread, measured by three metrics: docs/experiments/perceptual-weights.md."""

FALL = 0.5
"""The power of a coefficient's frequency, measured likewise; higher ones score better and look softer."""

REFERENCE = 2.0
"""The frequency whose weight is 1, in half periods a block. A higher one would ask coarse coefficients for less than
half of sigma, which is finer than codebooks are."""

FLOOR = 25.0
"""Variance of luminance, in squared grey levels, below which a block counts as plain."""

RANGE = (0.25, 4.0)

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def block_weights(pixels: NDArray[np.uint8]) -> Tensor:
    """The weight of every 8x8 block of (H, W, 3) pixels, the image's edges repeated: (rows, columns)."""
    activity = torch.from_numpy(_log_spread(pixels))[None, None]
    smooth = F.avg_pool2d(F.pad(activity, (1, 1, 1, 1), mode="replicate"), 3, stride=1)[0, 0]
    return torch.exp(-STRENGTH * (smooth - smooth.mean())).clamp_(*RANGE)


def _log_spread(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """ln of the standard deviation of every block's luminance, row of blocks after row, to spare memory."""
    rows, columns = (-(-side // BLOCK) for side in pixels.shape[:2])
    spread = np.empty((rows, columns), np.float32)
    for row in range(rows):
        band = pixels[row * BLOCK : (row + 1) * BLOCK].astype(np.float32) @ LUMA
        band = np.pad(band, ((0, BLOCK - len(band)), (0, columns * BLOCK - band.shape[1])), mode="edge")
        spread[row] = band.reshape(BLOCK, columns, BLOCK).var(axis=(0, 2))
    return np.asarray(0.5 * np.log(spread + FLOOR))


def visibility(blocks: Tensor) -> Weights:
    """The weights of distortion for block weights (rows, columns)."""
    positions = {stride: _pooled(blocks, stride // BLOCK).reshape(-1, 1) for stride in STRIDES}
    return Weights(positions, {stride: table.to(blocks.device) for stride, table in by_frequency().items()})


def _pooled(blocks: Tensor, side: int) -> Tensor:
    """Means of side x side blocks, fewer at the right and lower borders."""
    pooled = F.avg_pool2d(blocks[None, None], side, ceil_mode=True, count_include_pad=False)
    return pooled[0, 0]


@cache
def by_frequency() -> dict[int, Tensor]:
    """The weight of every coefficient by stride (C,); 0 for block means at stride 8, which coarser strides carry."""
    coarse = {s: torch.full((COEFFICIENTS[s],), _weight(BLOCK / s)) for s in STRIDES if s != BLOCK}
    block = [_weight(float(row + column)) if row + column else 0.0 for row in range(BLOCK) for column in range(BLOCK)]
    return coarse | {BLOCK: torch.tensor(block).repeat(3)}


def _weight(frequency: float) -> float:
    """Of a frequency in half periods a block, both directions added."""
    return math.pow(frequency / REFERENCE, -FALL)


def weighed(levels: dict[int, Tensor], weights: Weights) -> Tensor:
    """Half the weighted sum of squares of coefficients (N, C) in units of sigma, by stride: nats, a scalar."""
    parts = [(levels[s].square() @ weights.coefficients[s]) @ weights.positions[s][:, 0] for s in weights.positions]
    return 0.5 * torch.stack(parts).sum()
