"""Multilayer perceptrons between pixels and symbols (see `families.mlp`); pixels are by channel, row and column."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...runtime.linear import RESIDUAL_BITS
from ..activation_tables import ELU_BITS
from ..config import FamilyConfig
from .arithmetic import RuntimeArithmetic, activation
from .nets import Map, Other, RuntimeConvolution, RuntimeSequence, blocks


def flattened(x: Map) -> Other:
    """Return maps of one position with all pixels of an image in its channels."""
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2)).reshape(len(x), 1, 1, -1)


def entered(x: Map) -> Map:
    """Convert inputs of a product, in steps of 2**-4, to features of a chain, in steps of 2**-8."""
    return x * np.float32(2.0 ** (RESIDUAL_BITS - ELU_BITS))


def perceptron_stem(config: FamilyConfig, tensors: Any, own: RuntimeArithmetic) -> RuntimeSequence:
    """Return the network from pixels to the bottom-up chain."""
    if config.block == "linear":
        return RuntimeSequence(flattened, entered) if own.exact else RuntimeSequence(flattened)
    pixels = config.channels * config.image**2
    return RuntimeSequence(flattened, RuntimeConvolution(tensors.below("1"), pixels, config.width, own, 1))


class Perceptron:
    """The synthesis: the network from the top-down chain to the parameters of the likelihood, in units."""

    def __init__(self, config: FamilyConfig, outputs: int, tensors: Any, own: RuntimeArithmetic) -> None:
        self.arithmetic, self.activation = own, config.activation
        self.shape = (outputs, config.image, config.image)
        self.hidden = RuntimeSequence(*blocks(tensors, config.blocks, config, own))
        self.last: RuntimeConvolution | None = None
        if config.block != "linear":
            last = tensors.below(str(config.blocks + 1)).below("map")  # after the activation
            self.last = RuntimeConvolution(last, config.width, outputs * config.image**2, own, 1)

    def __call__(self, d: Map) -> Other:
        """Return the parameters for features in steps of 2**-8."""
        raw = self.arithmetic.entered(d)
        if self.last is not None:
            raw = self.last(activation(self.hidden(raw), self.activation, self.arithmetic))
        maps = self.arithmetic.units(raw).reshape(-1, *self.shape)
        return np.ascontiguousarray(maps.transpose(0, 2, 3, 1))
