"""The likelihood of several scales as lossy images show it (see `families.scales`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32
from ..config import FamilyConfig
from ..scale_grids import known, strides
from .arithmetic import RuntimeArithmetic, arithmetic
from .nets import Map, Other, RuntimeConvolution, RuntimeResidualBlock

Levels = Float32[NDArray[np.float32], "B H W channels"]


class RuntimeScaleNet:
    """The network of one scale, from inputs of a product to the parameters of its pixels in units."""

    def __init__(self, config: FamilyConfig, outputs: int, tensors: Any, own: RuntimeArithmetic) -> None:
        self.arithmetic, width = own, config.pixel_width
        inputs = config.pixel_features + config.channels + 1
        self.first = RuntimeConvolution(tensors.below("first"), inputs, width, own)
        self.block = RuntimeResidualBlock(tensors.below("block"), width, "elu", own)
        self.last = RuntimeConvolution(tensors.below("last"), width, outputs, own)

    def __call__(self, x: Map) -> Other:
        """Return the parameters."""
        h = self.block(self.first(x))
        return self.arithmetic.units(self.last(self.arithmetic.elu(h)))


class RuntimeScales:
    """Pixels of several scales.

    Args:
        config: Sizes of the model.
        tensors: Tensors of the likelihood.
        outputs: Number of parameters of a pixel.
        mean: Returns the mean of pixels in grey levels, given their parameters.
    """

    def __init__(self, config: FamilyConfig, tensors: Any, outputs: int, mean: Callable[[Map], Levels]) -> None:
        self.outputs, self.channels, self._mean = config.pixel_features, config.channels, mean
        self._exact, self._strides = arithmetic(exact=config.reversible), strides(config.image)
        self._nets = [
            RuntimeScaleNet(config, outputs, tensors.below(f"nets.{i}"), self._exact) for i in range(len(self._strides))
        ]

    def mean(self, raw: Map) -> Levels:
        """Return images whose pixels are the likelier ones, or the rounded means, given the scales before."""
        x = np.zeros((*raw.shape[:3], self.channels), np.float32)
        for scale, (stride, net) in enumerate(zip(self._strides, self._nets, strict=True)):
            part = x[:, ::stride, ::stride]
            mask = known(scale, *part.shape[1:3])[:, :, None]
            parameters = net(self._inputs(raw[:, ::stride, ::stride], part, mask))
            part[...] = np.where(mask, part, self._rounded(self._mean(parameters)))
        return x

    def _rounded(self, levels: Levels) -> Levels:
        """Return whole levels: black or white, or the nearest."""
        if self.channels == 1:
            return (levels >= 127.5).astype(np.float32) * np.float32(255)
        found: NDArray[np.float32] = np.floor(levels + np.float32(0.5))
        return found

    def _inputs(self, features: Map, part: Levels, mask: NDArray[np.bool_]) -> Other:
        """Return features, known pixels and where they are, as inputs of a product."""
        if self.channels == 1:
            shown = np.where(part > 0, np.float32(1), np.float32(-1))
        else:
            shown = (part - 128) * np.float32(1 / 16)
        seen = np.where(mask, shown, np.float32(0))
        where = np.broadcast_to(mask.astype(np.float32), (*part.shape[:3], 1))
        stacked = np.concatenate([features, seen, where], axis=3)
        return self._exact.inputs(stacked * np.float32(2**8) if self._exact.exact else stacked)
