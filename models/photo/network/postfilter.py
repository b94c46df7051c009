"""A convolutional post-filter at stride 2 after the synthesis.

The correction of `analysis_synthesis.BlockNet` has separate weights for each of a block's 8x8 samples. Artefacts that
do not depend on the place in a block (ringing, block borders, smoothed texture) are corrected here, with weights shared
by all places and therefore learned from sixteen times as many examples. Like the rest of the synthesis it works in
floats and affects no probability.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ....shapes import Float, Int64
from ...integer.low_precision import in_bfloat16
from ..halo import with_halo
from .analysis_synthesis import CONTRAST_RADIUS, ResidualPair, contrast
from .chain import interpolate_float
from .transform import BLOCK

STEP = 2
"""Pixels between two positions of the filter."""

STRIP = 24
"""Rows of blocks that are filtered at once without gradients. Small strips stay in a processor's cache, but their
halos, three blocks on either side with four pairs, are computed twice.
"""


class PostFilter(nn.Module):
    """A network that computes a correction of an image, in units of sigma; zero at the start.

    Args:
        width: Channels.
        pairs: Number of residual pairs.
        conditioning: Channels of the features of the network at stride 8; each position's are added to the 4x4
            positions in its block.
        knots: Number of learned quality vectors.
    """

    trains_in_bfloat16 = True
    """Whether training makes its products in bfloat16."""

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
        """Pixels beyond a block that its correction depends on."""
        return BLOCK * self._halo + CONTRAST_RADIUS

    @property
    def _halo(self) -> int:
        """Blocks that the convolutions extend beyond a block."""
        return -(-STEP * (2 * len(self.body) + 2) // BLOCK)

    def forward(
        self, x: Float[Tensor, "B 3 H W"], features: Float[Tensor, "B conditioning _ _"], quality: Int64[Tensor, " B"]
    ) -> Float[Tensor, "B 3 H W"]:
        """Return the correction (B, 3, H, W) of an image.

        Args:
            x: Images (B, 3, H, W) in units of sigma.
            features: Features (B, conditioning, H/8, W/8) of the network at stride 8.
            quality: Network qualities (B,).
        """
        contrasts = contrast(x)
        if torch.is_grad_enabled():
            return self._correction(contrasts, features, quality)
        out = torch.empty_like(x)
        for core, wide in with_halo(features.shape[2], STRIP, self._halo):
            part = self._correction(contrasts[:, :, pixels(wide)], features[:, :, wide], quality)
            first = BLOCK * (core.start - wide.start)
            out[:, :, pixels(core)] = part[:, :, first : first + BLOCK * (core.stop - core.start)]
        return out

    def _correction(self, contrasts: Tensor, features: Tensor, quality: Tensor) -> Tensor:
        with torch.autocast(contrasts.device.type, torch.bfloat16, enabled=in_bfloat16(self)):
            own = self.first(F.pixel_unshuffle(contrasts, STEP).contiguous(memory_format=torch.channels_last))
            conditioning = F.pixel_shuffle(self.conditioning(features), BLOCK // STEP)
            h = own + conditioning + interpolate_float(self.quality, quality)[:, :, None, None]
            for pair in self.body:
                h = pair(h)
            out: Tensor = self.last(F.relu(h))
        return F.pixel_shuffle(out.float(), STEP)


def pixels(blocks: slice) -> slice:
    """Return the rows of pixels of rows of blocks."""
    return slice(BLOCK * blocks.start, BLOCK * blocks.stop)
