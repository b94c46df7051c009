"""Arithmetic that gives the same bits on every machine.

Everything that a decoded symbol depends on is computed on dyadic grids: weights are integers of 8 bits times a power
of two per output channel, activations are integers times a power of two, and no accumulator needs more than 24 bits
(float32) or 53 bits (float64). Floating-point addition is then exact, so that the result does not depend on the order
of summation, the number of threads, the instruction set or the device. Rescaling is by powers of two, rounding is
`floor(x + 1/2)`; no transcendental function is evaluated. The same modules are trained: rounding passes gradients
straight through (quantisation-aware training), so that training and coding use one model.

Source:
    Straight-through gradients: Bengio, Leonard and Courville (2013), "Estimating or propagating gradients through
    stochastic neurons for conditional computation".
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ...shapes import Float

ACTIVATION_BITS = 4
"""Inputs of a convolution lie on the grid 2**-4: [-127, 127] / 16 signed, [0, 255] / 16 after a ReLU."""

RESIDUAL_BITS = 8
"""The residual stream lies on the grid 2**-8, clamped to +-RESIDUAL_LIMIT."""

RESIDUAL_LIMIT = 15.0

WEIGHT_LEVELS = 127
"""Largest magnitude of a weight, in steps."""

FLOAT32_LIMIT = 2**24
"""Integers below it are exact in float32."""


HALF = torch.tensor(0.5, device="cpu")


class _Grid(torch.autograd.Function):
    """floor(x * 2^bits + 1/2) / 2^bits, clamped; the gradient passes inside a clamp at zero or a symmetric one."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, bits: int, low: float, high: float) -> Tensor:
        y = torch.add(HALF, x, alpha=2.0**bits).floor_().mul_(2.0**-bits).clamp_(low, high)
        ctx.low, ctx.high = low, high
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        (y,) = ctx.saved_tensors
        if ctx.low == 0:
            passed = torch.ops.aten.threshold_backward(grads[0], y, 0.0)  # one pass, where y > 0
        elif math.isinf(ctx.high):
            passed = grads[0]
        else:
            passed = torch.ops.aten.hardtanh_backward(grads[0], y, ctx.low, ctx.high)  # where low < y < high
        return passed, None, None, None


def quantise(
    x: Float[Tensor, "*size"], bits: int, low: float = -math.inf, high: float = math.inf
) -> Float[Tensor, "*size"]:
    """Round half up to multiples of 2**-bits and clamp; gradients pass straight through.

    Args:
        x: Values of any shape.
        bits: Binary digits after the point.
        low: Least result; gradients are zero where it clamps.
        high: Greatest result.
    """
    rounded: Tensor = _Grid.apply(x, bits, low, high)  # type: ignore[no-untyped-call]
    return rounded


def quantise_signed(x: Float[Tensor, "*size"]) -> Float[Tensor, "*size"]:
    """Return the residual stream as the signed 8-bit input of a convolution: grid 2**-4, |x| <= 127 / 16."""
    return quantise(x, ACTIVATION_BITS, -127 / 16, 127 / 16)


def quantise_relu(x: Float[Tensor, "*size"]) -> Float[Tensor, "*size"]:
    """Apply a ReLU and quantise to the unsigned 8-bit grid: multiples of 2**-4 up to 255 / 16."""
    return quantise(x, ACTIVATION_BITS, 0, 255 / 16)


def quantise_residual(x: Float[Tensor, "*size"]) -> Float[Tensor, "*size"]:
    """Quantise to the grid of the residual stream: multiples of 2**-8, |x| <= 15."""
    return quantise(x, RESIDUAL_BITS, -RESIDUAL_LIMIT, RESIDUAL_LIMIT)
