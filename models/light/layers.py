"""Maps that train in floats or in the integers that decoders use: 7-bit weights, unsigned 8-bit activations.

A decoder's sums stay below 2**24 (9 * 96 inputs * 255 * 63), so that float32, int32 and pairs of int16 give the same
numbers. In floats, activations have the same bounds, and rounding them later changes little.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..integer.grid import ACTIVATION_BITS, RESIDUAL_BITS, quantise, quantise_relu

LEVELS = 63
"""Largest magnitude of an integer weight."""
LARGEST_ACTIVATION = 255 / 2**ACTIVATION_BITS
RESIDUAL_LIMIT = 127.0
"""Bound of a residual stream, int16 in steps of 2**-8."""


def rounded_weight(weight: Float[Tensor, "outputs ..."]) -> Float[Tensor, "outputs ..."]:
    """Return weights as 7-bit integers times a power of two for each output; gradients pass straight through."""
    largest = weight.detach().abs().flatten(1).amax(1).clamp_min(2.0**-14)
    scale = torch.exp2(torch.floor(torch.log2(LEVELS / largest))).view(-1, *[1] * (weight.dim() - 1))
    return quantise(weight * scale, 0) / scale


def activation(x: Tensor, integers: bool) -> Tensor:
    """Return the ReLU of `x`, at most LARGEST_ACTIVATION, in steps of 2**-4 where integers are on."""
    return quantise_relu(x) if integers else x.clamp(0, LARGEST_ACTIVATION)


def stream(x: Tensor, integers: bool) -> Tensor:
    """Return a residual stream, in steps of 2**-8 where integers are on."""
    return quantise(x, RESIDUAL_BITS, -RESIDUAL_LIMIT, RESIDUAL_LIMIT) if integers else x


class Map(nn.Linear):
    """A linear map of tokens (N, inputs) -> (N, outputs).

    Args:
        inputs: their number.
        outputs: their number.
        gain: standard deviation of the outputs at the start, for inputs of unit variance.
    """

    def __init__(self, inputs: int, outputs: int, gain: float = 1.0) -> None:
        super().__init__(inputs, outputs)
        nn.init.normal_(self.weight, std=gain / inputs**0.5)
        nn.init.zeros_(self.bias)
        self.integers = False

    def forward(self, x: Tensor) -> Tensor:
        """Return the map of `x` (N, inputs)."""
        return F.linear(x, rounded_weight(self.weight) if self.integers else self.weight, self.bias)


class Conv(nn.Conv2d):
    """A convolution (B, inputs, H, W) -> (B, outputs, H, W), with products in bfloat16 while it trains in floats.

    Args:
        inputs: channels.
        outputs: channels.
        gain: standard deviation of the outputs at the start, for inputs of unit variance.
        side: side of the kernel.
    """

    def __init__(self, inputs: int, outputs: int, gain: float = 1.0, side: int = 3) -> None:
        super().__init__(inputs, outputs, side, padding=side // 2)
        nn.init.normal_(self.weight, std=gain / (inputs * side**2) ** 0.5)
        assert self.bias is not None
        nn.init.zeros_(self.bias)
        self.integers = False

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution of `x` (B, inputs, H, W)."""
        weight = rounded_weight(self.weight) if self.integers else self.weight
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.training and not self.integers):
            return F.conv2d(x, weight, self.bias, padding=self.padding).float()


class Block(nn.Module):
    """A residual block of the top-down state: 3x3, then 1x1. (B, width, H, W) -> (B, width, H, W)"""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.spatial = Conv(width, width, 1.4)
        self.point = Conv(width, width, 0.3, side=1)

    def forward(self, d: Tensor) -> Tensor:
        """Return the state with the block's change."""
        integers = self.spatial.integers
        h = activation(self.spatial(activation(d, integers)), integers)
        return stream(d + self.point(h), integers)
