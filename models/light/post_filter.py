"""The post-filter of the light model: a network on squares of two pixels, which leaves plain images as they are."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...shapes import Float
from ..integer.low_precision import in_bfloat16
from ..photo.network.analysis_synthesis import ResidualPair, contrast
from .conditioning import Conditioning, Knots

STEP = 2
"""Pixels between two positions of the filter."""


def reach(pairs: int) -> int:
    """Return how many positions beyond its own a correction depends on."""
    return 2 * pairs + 2


class LightPostFilter(nn.Module):
    """A network that computes a correction of an image, in units of sigma; zero at the start.

    It sees an image's contrasts, and nothing of them beyond its border. What it makes of no contrasts at all is
    subtracted everywhere, so that a plain image stays as it is.

    Args:
        width: channels.
        pairs: residual pairs.
    """

    trains_in_bfloat16 = True
    """Whether training makes its products in bfloat16."""

    def __init__(self, width: int, pairs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(3 * STEP**2, width, 3, padding=1)
        self.conditioning = Knots(width)
        self.body = nn.ModuleList(ResidualPair(width, 0.0) for _ in range(pairs))
        self.last = nn.Conv2d(width, 3 * STEP**2, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Float[Tensor, "b 3 h w"], conditioning: Conditioning) -> Float[Tensor, "b 3 h w"]:
        """Return the correction of images (B, 3, H, W) in units of sigma; sides are multiples of 8."""
        border = reach(len(self.body))
        vector = self.conditioning(conditioning)
        contrasts = F.pad(F.pixel_unshuffle(contrast(x), STEP), [border] * 4)
        seen = self._outputs(contrasts, vector)[:, :, border:-border, border:-border]
        return F.pixel_shuffle(seen - self._blank(vector), STEP)

    def _blank(self, vector: Tensor) -> Tensor:
        """Return what the network makes of no contrasts, (B, 12, 1, 1)."""
        centre = reach(len(self.body))
        nothing = vector.new_zeros(len(vector), 3 * STEP**2, 2 * centre + 1, 2 * centre + 1)
        return self._outputs(nothing, vector)[:, :, centre, centre][:, :, None, None]

    def _outputs(self, contrasts: Tensor, vector: Tensor) -> Tensor:
        with torch.autocast(contrasts.device.type, torch.bfloat16, enabled=in_bfloat16(self)):
            h: Tensor = self.first(contrasts.contiguous(memory_format=torch.channels_last)) + vector[:, :, None, None]
            for pair in self.body:
                h = pair(h)
            out: Tensor = self.last(F.relu(h))
        return out.float()
