"""The model of pixels in wavefronts behind the seam that the codec sees: numpy in, numpy out."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .. import colours, interface
from ..exact import exact_arithmetic
from ..pixel_model import Seam, planar
from ..residual_tables import cost
from ..residuals import Tokens
from ..walk import walk
from .frozen import FrozenWavefront
from .net import WavefrontNet
from .walk import WavefrontDescent

SAMPLES, SAMPLE = 3, 24
"""Squares in either direction, and their side, on which colour transforms are compared."""


class WavefrontPixels(Tokens):
    """A frozen `WavefrontNet` and its tables as an `interface.PixelModel`."""

    def __init__(self, name: str, net: WavefrontNet, tables: NDArray[np.float32]) -> None:
        super().__init__(tables)
        self.name, self.network = name, net
        with torch.inference_mode():
            self._frozen = FrozenWavefront(net)

    @property
    def method(self) -> str:
        """The method of lossless files that it is made for."""
        return "model"

    @property
    def sorted_by_table(self) -> bool:
        """Whether a step's symbols are coded in the order of their contexts."""
        return False

    @property
    def transforms(self) -> int:
        """How many colour transforms there are."""
        return colours.TRANSFORMS

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

    def walk(
        self,
        predicted: NDArray[np.uint8],
        chooser: interface.PixelChooser,
        *,
        transform: int,
        grey: bool,
        pixels: NDArray[np.uint8] | None,
    ) -> NDArray[np.uint8]:
        """The pixels of a strip; see `interface.PixelModel.walk`."""
        with exact_arithmetic():
            shown = colours.split(planar(predicted), transform).float()
            wanted = None
            if pixels is not None:
                colour = pixels[:, :, None].repeat(3, axis=2) if pixels.ndim == 2 else pixels
                wanted = colours.split(planar(colour), transform).float()
            planes = walk(WavefrontDescent(self._frozen, shown, wanted, grey=grey), Seam(chooser))
            if grey:
                return np.ascontiguousarray(planes[0].to(torch.uint8).numpy())
            rgb = colours.join(planes, transform).clamp_(0, 255).to(torch.uint8)
            return np.ascontiguousarray(rgb.permute(1, 2, 0).numpy())


def _squares(height: int, width: int) -> list[tuple[slice, slice]]:
    """Rows and columns of evenly spaced squares, all of one size."""
    down, across = (_runs(side) for side in (height, width))
    return [(rows, columns) for rows in down for columns in across]


def _runs(side: int) -> list[slice]:
    """Evenly spaced runs of a side, or all of it if it is short."""
    if side <= SAMPLES * SAMPLE:
        return [slice(0, side)]
    return [slice(int(first), int(first) + SAMPLE) for first in np.linspace(0, side - SAMPLE, SAMPLES)]
