"""The model of black and white images of any size: a network, and counts for quiet pixels.

A quiet pixel, one without ink among its neighbours, needs no network: its distribution was counted in training,
by the pattern of its surroundings (`ink_counts.pattern`).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ....shapes import Int32
from ...configs import BilevelPagesConfig
from .config import PATTERNS, TOTAL, net_config
from .net import BilevelNet

RARE, TRUST = 1e-3, 50.0
"""Share of ink where nothing was counted, and the number of counted pixels that weigh as much."""


class QuietBilevelNet(nn.Module):
    """A `BilevelNet`, and the numbers of quiet pixels of ink and of paper in training by pattern, (PATTERNS, 2)."""

    def __init__(self, config: BilevelPagesConfig) -> None:
        super().__init__()
        self.config = config
        self.net = BilevelNet(net_config(config))
        self.register_buffer("quiet", torch.zeros(PATTERNS, 2, dtype=torch.int64))
        self.quiet: Tensor

    def weights(self) -> Int32[NDArray[np.int32], "patterns 2"]:
        """Return the integer weights of ink and paper by pattern."""
        ink, paper = self.quiet.double().unbind(1)
        share = (ink + RARE * TRUST) / (ink + paper + TRUST)
        black = torch.floor(share * TOTAL).clamp(0, TOTAL)
        return torch.stack([black, TOTAL - black], dim=1).int().numpy()
