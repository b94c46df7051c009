"""Perceptual weights: distortion is weighted by the texture around it and by its frequency.

Texture hides errors that are visible on a smooth surface. The weight of an 8x8 block is a power of the standard
deviation of its luminance, smoothed over its neighbours, relative to the image's own geometric mean, as in adaptive
quantisation; coarser positions take the mean of the blocks below them. Of two errors of one energy the finer is less
visible: the weight of a coefficient falls by a power of its frequency, as in quantisation tables. The encoder then
weighs distortion and rate as if sigma differed by block and by coefficient; decoders are not affected.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ....shapes import Float, UInt8
from ..layout import COEFFICIENTS
from ..network.analysis_synthesis import STRIDES
from ..network.top_down import DistortionWeights
from ..network.transform import BLOCK

STRENGTH = 1.0
"""Power of a block's standard deviation, selected by three metrics: docs/experiments/perceptual-weights.md."""

FALL = 0.5
"""Power of a coefficient's frequency, selected likewise; higher ones score better and look softer."""

REFERENCE = 2.0
"""Frequency whose weight is 1, in half periods in a block. With a higher one coarse coefficients would need less than
half of sigma, which is finer than the codebooks.
"""

FLOOR = 25.0
"""Variance of luminance, in squared grey levels, below which a block counts as smooth."""

RANGE = (0.25, 4.0)
"""Bounds of a block's weight."""

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in luminance."""


def block_weights(pixels: UInt8[NDArray[np.uint8], "H W 3"]) -> Float[Tensor, "rows columns"]:
    """Return the weight of every 8x8 block, (rows, columns), of pixels (H, W, 3); the image's edges are repeated."""
    activity = torch.from_numpy(_log_spread(pixels))[None, None]
    smooth = F.avg_pool2d(F.pad(activity, (1, 1, 1, 1), mode="replicate"), 3, stride=1)[0, 0]
    return torch.exp(-STRENGTH * (smooth - smooth.mean())).clamp_(*RANGE)


def _log_spread(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return ln of the standard deviation of every block's luminance, computed by rows of blocks to save memory."""
    rows, columns = (-(-side // BLOCK) for side in pixels.shape[:2])
    spread = np.empty((rows, columns), np.float32)
    for row in range(rows):
        band = pixels[row * BLOCK : (row + 1) * BLOCK].astype(np.float32) @ LUMA
        band = np.pad(band, ((0, BLOCK - len(band)), (0, columns * BLOCK - band.shape[1])), mode="edge")
        spread[row] = band.reshape(BLOCK, columns, BLOCK).var(axis=(0, 2))
    return np.asarray(0.5 * np.log(spread + FLOOR))


def visibility(blocks: Float[Tensor, "rows columns"]) -> DistortionWeights:
    """Return the weights of the distortion for block weights (rows, columns)."""
    positions = {stride: _pooled(blocks, stride // BLOCK).reshape(-1, 1) for stride in STRIDES}
    return DistortionWeights(positions, {stride: table.to(blocks.device) for stride, table in by_frequency().items()})


def _pooled(blocks: Tensor, side: int) -> Tensor:
    """Return means of side x side blocks, fewer at the right and lower borders."""
    pooled = F.avg_pool2d(blocks[None, None], side, ceil_mode=True, count_include_pad=False)
    return pooled[0, 0]


@cache
def by_frequency() -> dict[int, Float[Tensor, " _"]]:
    """Return the weight of every coefficient by stride, (C,); 0 for block means at stride 8."""
    coarse = {s: torch.full((COEFFICIENTS[s],), _weight(BLOCK / s)) for s in STRIDES if s != BLOCK}
    block = [_weight(float(row + column)) if row + column else 0.0 for row in range(BLOCK) for column in range(BLOCK)]
    return coarse | {BLOCK: torch.tensor(block).repeat(3)}


def _weight(frequency: float) -> float:
    """Return the weight of a frequency, the sum of both directions' in half periods in a block."""
    return math.pow(frequency / REFERENCE, -FALL)


def weighted_distortion(levels: dict[int, Float[Tensor, "_ _"]], weights: DistortionWeights) -> Float[Tensor, ""]:
    """Return the distortion in nats: half the weighted sum of squares of coefficients (N, C) by stride."""
    parts = [(levels[s].square() @ weights.coefficients[s]) @ weights.positions[s][:, 0] for s in weights.positions]
    return 0.5 * torch.stack(parts).sum()
