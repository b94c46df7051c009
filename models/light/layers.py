"""Maps that train in floats or in the integers that decoders use: 7-bit weights, unsigned 8-bit activations.

Pairs of products fit int16 (2 * 255 * 63 < 2**15) and all sums fit int32. A sum of a 3x3 convolution stays below 2**24,
where float32 is exact too, for up to EXACT_WIDTH channels; wider ones need int32, or weights whose sums an export
bounds. In floats, activations have the same bounds, and rounding them later changes little.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...shapes import Float
from ..integer.grid import ACTIVATION_BITS, RESIDUAL_BITS, quantise, quantise_relu
from .grids import LARGEST_WEIGHT

LEVELS = LARGEST_WEIGHT
"""Largest magnitude of an integer weight."""
EXACT_WIDTH = (2**24 - 1) // (9 * 255 * LEVELS)
"""Channels of a 3x3 convolution whose sums float32 holds exactly, whatever the 7-bit weights: 116."""
LARGEST_ACTIVATION = 255 / 2**ACTIVATION_BITS
RESIDUAL_LIMIT = 127.0
"""Bound of a residual stream, int16 in steps of 2**-8."""


def weight_scale(weight: Float[Tensor, "outputs ..."]) -> Float[Tensor, " outputs"]:
    """Return the power of two for each output by which its weights become 7-bit integers."""
    largest = weight.detach().abs().flatten(1).amax(1).clamp_min(2.0**-14)
    return torch.exp2(torch.floor(torch.log2(LEVELS / largest)))


def rounded_map(
    weight: Float[Tensor, "outputs ..."], bias: Float[Tensor, " outputs"]
) -> tuple[Float[Tensor, "outputs ..."], Float[Tensor, " outputs"]]:
    """Return weights as 7-bit integers times a power of two for each output, and biases in steps of the map's sums.

    Gradients pass straight through.
    """
    scale = weight_scale(weight)
    wide = scale.view(-1, *[1] * (weight.dim() - 1))
    steps = scale * 2**ACTIVATION_BITS
    return quantise(weight * wide, 0) / wide, quantise(bias * steps, 0) / steps


def activation(x: Float[Tensor, "*size"], integers: bool) -> Float[Tensor, "*size"]:
    """Return the ReLU of `x`, at most LARGEST_ACTIVATION, in steps of 2**-4 where integers are on."""
    return quantise_relu(x) if integers else x.clamp(0, LARGEST_ACTIVATION)


def hidden_activation(x: Float[Tensor, "*size"], integers: bool) -> Float[Tensor, "*size"]:
    """Return the ReLU of what a convolution inside a block computes; with integers, halves are rounded to even.

    That is how kernels of 8-bit integers round.
    """
    bounded = x.clamp(0, LARGEST_ACTIVATION)
    if not integers:
        return bounded
    rounded: Tensor = torch.round(bounded.detach() * 2**ACTIVATION_BITS) / 2**ACTIVATION_BITS
    straight: Tensor = bounded + (rounded - bounded.detach())
    return straight


def residual_stream(x: Float[Tensor, "*size"], integers: bool) -> Float[Tensor, "*size"]:
    """Return a residual stream, in steps of 2**-8 where integers are on."""
    return quantise(x, RESIDUAL_BITS, -RESIDUAL_LIMIT, RESIDUAL_LIMIT) if integers else x


class RoundedLinear(nn.Linear):
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

    def forward(self, x: Float[Tensor, "n inputs"]) -> Float[Tensor, "n outputs"]:
        """Return the map of `x` (N, inputs)."""
        return F.linear(x, *(rounded_map(self.weight, self.bias) if self.integers else (self.weight, self.bias)))


class RoundedConv(nn.Conv2d):
    """A convolution (B, inputs, H, W) -> (B, outputs, H, W).

    Training in floats makes its products in bfloat16 unless `trains_in_bfloat16` is cleared.

    Args:
        inputs: channels.
        outputs: channels.
        gain: standard deviation of the outputs at the start, for inputs of unit variance.
        side: side of the kernel.
    """

    trains_in_bfloat16 = True
    """Whether training makes its products in bfloat16."""

    def __init__(self, inputs: int, outputs: int, gain: float = 1.0, side: int = 3) -> None:
        super().__init__(inputs, outputs, side, padding=side // 2)
        nn.init.normal_(self.weight, std=gain / (inputs * side**2) ** 0.5)
        assert self.bias is not None
        nn.init.zeros_(self.bias)
        self.integers = False

    def forward(self, x: Float[Tensor, "b inputs h w"]) -> Float[Tensor, "b outputs h w"]:
        """Return the convolution of `x` (B, inputs, H, W)."""
        assert self.bias is not None
        weight, bias = rounded_map(self.weight, self.bias) if self.integers else (self.weight, self.bias)
        with torch.autocast(
            x.device.type, torch.bfloat16, enabled=self.trains_in_bfloat16 and self.training and not self.integers
        ):
            return F.conv2d(x, weight, bias, padding=self.padding).float()


class LightBlock(nn.Module):
    """A residual block of the top-down state: 3x3, then 1x1. (B, width, H, W) -> (B, width, H, W)"""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.spatial = RoundedConv(width, width, 1.4)
        self.point = RoundedConv(width, width, 0.3, side=1)

    def forward(self, d: Float[Tensor, "b width h w"]) -> Float[Tensor, "b width h w"]:
        """Return the state with the block's change."""
        integers = self.spatial.integers
        h = hidden_activation(self.spatial(activation(d, integers)), integers)
        return residual_stream(d + self.point(h), integers)
