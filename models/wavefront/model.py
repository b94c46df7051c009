"""The model of pixels in wavefronts, and the colour transform that it chooses."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .. import colours
from ..colour_pixels import ColourPixels, Seam, planar
from ..residual_tables import cost
from ..top_down_pass import walk
from .frozen import FrozenWavefront
from .net import WavefrontNet
from .walk import WavefrontDescent

SAMPLES, SAMPLE = 3, 24
"""Squares in either direction, and their side, on which colour transforms are compared."""


class WavefrontPixels(ColourPixels):
    """A frozen `WavefrontNet` and its tables as an `interface.PixelModel`."""

    method = "model"
    sorted_by_table = False

    def __init__(self, name: str, net: WavefrontNet, tables: NDArray[np.float32]) -> None:
        super().__init__(name, tables)
        self.network = net
        with torch.inference_mode():
            self._frozen = FrozenWavefront(net)

    def transform(self, pixels: NDArray[np.uint8], predicted: NDArray[np.uint8]) -> int:
        """The colour transform under which squares of a strip take the fewest bits; 0 where it is grey."""
        if pixels.ndim == 2:
            return 0
        both = np.dstack([pixels, predicted])
        squares = torch.stack([planar(both[rows, columns]) for rows, columns in _squares(*pixels.shape[:2])])
        return min(range(colours.TRANSFORMS), key=lambda transform: self._cost(squares, transform))

    def _cost(self, squares: Tensor, transform: int) -> float:
        """Bits of pixels and what is predicted of them (n, 6, h, w), nearly. Only an encoder's choice rests on them."""
        planes, shown = (colours.split(part, transform).float() for part in (squares[:, :3], squares[:, 3:]))
        with torch.inference_mode():
            return sum(float(cost(*pair).sum()) for pair in self.network(planes, shown))

    def _planes(self, shown: Tensor, wanted: Tensor | None, seam: Seam, *, grey: bool) -> Tensor:
        return walk(WavefrontDescent(self._frozen, shown, wanted, grey=grey), seam)


def _squares(height: int, width: int) -> list[tuple[slice, slice]]:
    """Rows and columns of evenly spaced squares, all of one size."""
    down, across = (_runs(side) for side in (height, width))
    return [(rows, columns) for rows in down for columns in across]


def _runs(side: int) -> list[slice]:
    """Evenly spaced runs of a side, or all of it if it is short."""
    if side <= SAMPLES * SAMPLE:
        return [slice(0, side)]
    return [slice(int(first), int(first) + SAMPLE) for first in np.linspace(0, side - SAMPLE, SAMPLES)]
