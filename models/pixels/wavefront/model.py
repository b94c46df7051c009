"""The model of lossless photographs as the codec uses it: with numpy arrays as arguments and results."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float32, Int16, UInt8
from numpy.typing import NDArray
from torch import Tensor

from ...integer.guard import integer_arithmetic
from ...interface import hierarchy as interface
from ...top_down_pass import run_pass
from .. import colours
from ..adapter import TensorSource
from ..distributions import cost
from ..tokens import ResidualTokens
from .integer import IntegerWavefrontNet
from .net import WavefrontNet
from .wavefront_pass import WavefrontPass

SAMPLES, SAMPLE = 3, 24
"""Squares in either direction, and their side, on which colour transforms are compared."""


class WavefrontModel(ResidualTokens):
    """An `interface.PixelModel`.

    Args:
        name: Name of the weights.
        net: The network.
        tables: The distributions of tokens.
    """

    transforms: int = colours.TRANSFORMS

    def __init__(self, name: str, net: WavefrontNet, tables: Float32[NDArray[np.float32], "contexts tokens"]) -> None:
        super().__init__(tables)
        self.name, self.network = name, net
        with torch.inference_mode():
            self._integer = IntegerWavefrontNet(net)

    def transform(
        self, pixels: UInt8[NDArray[np.uint8], "H W *c"], predicted: UInt8[NDArray[np.uint8], "H W 3"]
    ) -> int:
        """Return the colour transform under which squares of a strip take the fewest bits; 0 for a grey strip."""
        if pixels.ndim == 2:
            return 0
        both = np.dstack([pixels, predicted])
        squares = torch.stack([planar(both[rows, columns]) for rows, columns in _squares(*pixels.shape[:2])])
        return min(range(colours.TRANSFORMS), key=lambda transform: self._cost(squares, transform))

    def autoregressive_pass(
        self,
        predicted: UInt8[NDArray[np.uint8], "H W 3"],
        source: interface.PixelSource,
        *,
        transform: int,
        grey: bool,
        pixels: UInt8[NDArray[np.uint8], "H W *c"] | None,
    ) -> UInt8[NDArray[np.uint8], "H W *c"]:
        """Run the autoregressive pass over a strip's pixels; see `interface.PixelModel.autoregressive_pass`."""
        with integer_arithmetic():
            wanted = None
            if pixels is not None:
                colour = pixels[:, :, None].repeat(3, axis=2) if pixels.ndim == 2 else pixels
                wanted = colours.split(planar(colour), transform).float()
            shown = colours.split(planar(predicted), transform).float()
            planes = run_pass(WavefrontPass(self._integer, shown, wanted, grey=grey), TensorSource(source))
            if grey:
                return np.ascontiguousarray(planes[0].to(torch.uint8).numpy())
            rgb = colours.join(planes, transform).clamp_(0, 255).to(torch.uint8)
            return np.ascontiguousarray(rgb.permute(1, 2, 0).numpy())

    def _cost(self, squares: Tensor, transform: int) -> float:
        """Return an estimate of the bits of pixels (n, 6, h, w): three planes of the image, three of its prediction.

        They are computed in floats: only the encoder's choice of a transform depends on them.
        """
        planes, shown = (colours.split(part, transform).float() for part in (squares[:, :3], squares[:, 3:]))
        with torch.inference_mode():
            return sum(float(cost(*pair).sum()) for pair in self.network(planes, shown))


def planar(pixels: UInt8[NDArray[np.uint8], "H W C"]) -> Int16[Tensor, "C H W"]:
    """Return an image as planes, of a type that holds differences."""
    return torch.from_numpy(pixels.astype(np.int16)).permute(2, 0, 1)


def _squares(height: int, width: int) -> list[tuple[slice, slice]]:
    """Return rows and columns of evenly spaced squares, all of one size."""
    down, across = (_spaced(side) for side in (height, width))
    return [(rows, columns) for rows in down for columns in across]


def _spaced(side: int) -> list[slice]:
    """Return evenly spaced slices of a side, or all of it if it is short."""
    if side <= SAMPLES * SAMPLE:
        return [slice(0, side)]
    return [slice(int(first), int(first) + SAMPLE) for first in np.linspace(0, side - SAMPLE, SAMPLES)]
