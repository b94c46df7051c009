"""The synthesis's last word: a filter at stride 2 whose weights every place of the image shares.

The correction of `analysis_synthesis.BlockNet` knows each of a block's 8x8 samples by its place, with weights of its
own. What ringing, borders and smoothed texture have in common wherever they lie is learned here, from sixteen times as
many examples. It works in floats and touches no probability, as all of the synthesis.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .analysis_synthesis import CONTRAST_REACH, ResidualPair, contrast
from .chain import interpolate_float
from .halo import with_halo
from .transform import BLOCK

STEP = 2
"""Pixels between two positions of the filter."""

STRIP = 24
"""Rows of blocks that are filtered at once where no gradients are asked for. Small strips stay in a processor's cache,
but their halos, three blocks on either side with four pairs, are computed twice."""


class PostFilter(nn.Module):
    """From an image and what the network at stride 8 knew of it to a correction, in units of sigma; zero at the start.

    `conditioning`: width of that network's features; each position's features are added to the 4x4 in its block.
    """

    def __init__(self, width: int, pairs: int, conditioning: int, knots: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(3 * STEP**2, width, 3, padding=1)
        self.conditioning = nn.Conv2d(conditioning, width * (BLOCK // STEP) ** 2, 1)
        self.quality = nn.Parameter(torch.zeros(knots, width))
        self.body = nn.ModuleList(ResidualPair(width, 0.0) for _ in range(pairs))
        self.last = nn.Conv2d(width, 3 * STEP**2, 3, padding=1)
        nn.init.normal_(self.conditioning.weight, std=0.2 / conditioning**0.5)
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    @property
    def receptive_field(self) -> int:
        """How many pixels away from a block an input can change its correction."""
        return BLOCK * self._halo + CONTRAST_REACH

    @property
    def _halo(self) -> int:
        """Blocks that the convolutions reach."""
        return -(-STEP * (2 * len(self.body) + 2) // BLOCK)

    def forward(self, x: Tensor, features: Tensor, quality: Tensor) -> Tensor:
        """x (B, 3, H, W) in units of sigma, features (B, told, H/8, W/8), codes (B,) -> correction (B, 3, H, W)."""
        seen = contrast(x)
        if torch.is_grad_enabled():
            return self._correction(seen, features, quality)
        out = torch.empty_like(x)
        for core, wide in with_halo(features.shape[2], STRIP, self._halo):
            part = self._correction(seen[:, :, pixels(wide)], features[:, :, wide], quality)
            first = BLOCK * (core.start - wide.start)
            out[:, :, pixels(core)] = part[:, :, first : first + BLOCK * (core.stop - core.start)]
        return out

    def _correction(self, seen: Tensor, features: Tensor, quality: Tensor) -> Tensor:
        with torch.autocast(seen.device.type, torch.bfloat16, enabled=self.training):
            own = self.first(F.pixel_unshuffle(seen, STEP).contiguous(memory_format=torch.channels_last))
            conditioning = F.pixel_shuffle(self.conditioning(features), BLOCK // STEP)
            h = own + conditioning + interpolate_float(self.quality, quality)[:, :, None, None]
            for pair in self.body:
                h = pair(h)
            out: Tensor = self.last(F.relu(h))
        return F.pixel_shuffle(out.float(), STEP)


def pixels(blocks: slice) -> slice:
    """Rows of pixels of rows of blocks."""
    return slice(BLOCK * blocks.start, BLOCK * blocks.stop)
