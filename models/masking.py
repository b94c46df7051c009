"""Where errors show: an encoder may weigh distortion by what surrounds it.

Texture hides errors that a plain surface shows. The weight of an 8x8 block is a power of the spread of its luminance,
smoothed over its neighbours, relative to the image's own geometric mean, as adaptive quantisation has it; coarser
positions take the mean of the blocks below them. The choice then weighs distortion and rate as if sigma differed from
block to block; decoders need not know.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from .descent import Weights
from .transform import BLOCK

STRENGTH = 1.5
"""The power. Measured by SSIMULACRA 2 and PSNR: docs/TRAINING.md, what an encoder may do."""

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


def by_stride(blocks: Tensor, strides: tuple[int, ...]) -> Weights:
    """Block weights (rows, columns) as the weights of positions: (N, 1) for each of the strides."""
    return {stride: _pooled(blocks, stride // BLOCK).reshape(-1, 1) for stride in strides}


def _pooled(blocks: Tensor, side: int) -> Tensor:
    """Means of side x side blocks, fewer at the right and lower borders."""
    pooled = F.avg_pool2d(blocks[None, None], side, ceil_mode=True, count_include_pad=False)
    return pooled[0, 0]


def by_pixel(blocks: Tensor, size: tuple[int, int]) -> Tensor:
    """Block weights (rows, columns) as those of an image's pixels: (H, W)."""
    wide = blocks.repeat_interleave(BLOCK, 0).repeat_interleave(BLOCK, 1)
    return wide[: size[0], : size[1]]
