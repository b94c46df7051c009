"""The model of lossless pixels on a lattice, which older files were coded with."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from .colour_pixels import ColourPixels, Seam
from .lattice import LEVELS, SPACING
from .pixel_net import PixelNet
from .pixel_walk import FrozenGroup, PixelDescent
from .top_down_pass import walk


class LatticePixels(ColourPixels):
    """A frozen `PixelNet` and its tables as an `interface.PixelModel`."""

    method = "lattice"
    sorted_by_table = True

    def __init__(self, name: str, net: PixelNet, tables: NDArray[np.float32]) -> None:
        super().__init__(name, tables)
        self.network = net
        with torch.inference_mode():
            self._nets = [FrozenGroup(net.group(i)) for i in range(1 + 3 * LEVELS)]

    def transform(self, pixels: NDArray[np.uint8], predicted: NDArray[np.uint8]) -> int:
        """0: such files are no longer written."""
        return 0

    def _planes(self, shown: Tensor, wanted: Tensor | None, seam: Seam, *, grey: bool) -> Tensor:
        height, width = size = shown.shape[1:]
        filled = F.pad(shown[None], _margins(size), mode="replicate")
        target = None if wanted is None else F.pad(wanted[None], _margins(size))
        descent = PixelDescent(self._nets, filled, (height, width), target, grey=grey)
        return walk(descent, seam)[:, :height, :width]


def _margins(size: tuple[int, ...]) -> tuple[int, int, int, int]:
    return (0, -size[1] % SPACING, 0, -size[0] % SPACING)
