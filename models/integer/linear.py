"""Linear maps and convolutions with 8-bit weights and exact sums; models.integer.grid has the number format."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...shapes import Float
from .grid import ACTIVATION_BITS, WEIGHT_LEVELS
from .low_precision import in_bfloat16


class _Weights(torch.autograd.Function):
    """Weights and bias of a `QuantLinear` on their grids; the gradient passes straight through."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, bias: Tensor, exponents: Tensor) -> tuple[Tensor, Tensor]:
        scale = torch.exp2(exponents)
        step = scale * 2.0**ACTIVATION_BITS
        rows = scale[:, None]
        return torch.mul(weight, rows).add_(0.5).floor_().div_(rows), torch.mul(bias, step).add_(0.5).floor_().div_(
            step
        )

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        return grads[0], grads[1], None


class QuantLinear(nn.Module):
    """A linear map with 8-bit weights times a power of two per output and a bias on the accumulator's grid.

    The accumulator needs at most sum|w| * input_limit + |b| steps of its grid (`accumulator_bound`).

    Args:
        inputs: Number of inputs.
        outputs: Number of outputs.
        gain: Scale of the initial weights; 1 preserves the variance of the inputs.
        input_limit: Largest magnitude of the inputs in steps of 2**-4.
        patch: Positions of a convolution's kernel.
        limit: Bound of the accumulators in steps of their grid; outputs that could pass it get coarser weights.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        gain: float = 1.0,
        input_limit: int = 127,
        patch: int = 1,
        limit: float = math.inf,
    ) -> None:
        super().__init__()
        self.input_limit, self.limit = input_limit, limit
        self.weight = nn.Parameter(torch.randn(outputs, inputs * patch) * gain / (inputs * patch) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.weights_quantised = False

    def exponents(self) -> Float[Tensor, " outputs"]:
        """Return the exponent f of each output's weights, which are multiples of 2**-f. (outputs,)

        It is the largest for which the weights fit 127 steps and the accumulator its limit.
        """
        sizes = self.weight.detach().float().abs()
        fitting = torch.floor(torch.log2(WEIGHT_LEVELS / sizes.amax(dim=1).clamp_min(2.0**-16)))
        if self.limit < math.inf:
            bound = sizes.sum(dim=1) * self.input_limit + self.bias.detach().float().abs() * 2.0**ACTIVATION_BITS
            room = self.limit - (sizes.shape[1] * self.input_limit + 1) / 2  # less what rounding may add
            fitting = torch.minimum(fitting, torch.floor(torch.log2(room / bound.clamp_min(2.0**-16))))
        return fitting.clamp(-4, 20)

    def quantised(self) -> tuple[Float[Tensor, "outputs inputs"], Float[Tensor, " outputs"]]:
        """Return weights (outputs, inputs) and bias (outputs,) on their grids, with straight-through gradients."""
        if self.weights_quantised:
            return self.weight, self.bias
        pair: tuple[Tensor, Tensor] = _Weights.apply(self.weight, self.bias, self.exponents())  # type: ignore[no-untyped-call]
        return pair

    def forward(self, x: Float[Tensor, "*positions _"]) -> Float[Tensor, "*positions _"]:
        """Map inputs (..., inputs) to outputs (..., outputs), not rounded."""
        weight, bias = self.quantised()
        return F.linear(x, weight, bias)

    def accumulator_bound(self) -> float:
        """Return the largest accumulator that any input can cause, in grid steps; exact float32 needs < 2**24."""
        weight, bias = self.quantised()
        step = torch.exp2(self.exponents()).double() * 2.0**ACTIVATION_BITS
        bound = weight.detach().double().abs().sum(dim=1) * 2.0**-ACTIVATION_BITS * self.input_limit
        return float(((bound + bias.detach().double().abs()) * step).max())


class QuantConv(QuantLinear):
    """A `QuantLinear` as a 3x3 convolution with zero padding: (B, C, H, W) -> (B, outputs, H, W).

    The exact path sums nine matrix products over shifted positions, so that no Winograd, FFT or reduced-precision
    kernel can be chosen. Training runs in bfloat16, which holds the 8-bit factors exactly and rounds only the sums,
    unless `trains_in_bfloat16` is cleared; passes that look ahead may, too (`low_precision`). Other passes with
    gradients use the library's float32 kernel.
    """

    trains_in_bfloat16 = True
    """Whether training makes its products in bfloat16."""

    def __init__(self, inputs: int, outputs: int, *, gain: float = 1.0, input_limit: int = 127) -> None:
        super().__init__(inputs, outputs, gain=gain, input_limit=input_limit, patch=9)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D H W"]:
        """Convolve a map, not rounded."""
        weight, bias = self.quantised()
        kernel = weight.view(weight.shape[0], -1, 3, 3)
        if in_bfloat16(self):
            low = kernel.bfloat16().contiguous(memory_format=torch.channels_last)
            return F.conv2d(x.bfloat16(), low, padding=1).float() + bias.view(1, -1, 1, 1)
        if torch.is_grad_enabled():
            last = {"memory_format": torch.channels_last}
            return F.conv2d(x.contiguous(**last), kernel.contiguous(**last), bias, padding=1)
        return nine_products(x, kernel, bias)


def nine_products(
    x: Float[Tensor, "B C H W"], kernel: Float[Tensor, "D C 3 3"], bias: Float[Tensor, " D"]
) -> Float[Tensor, "B D H W"]:
    """Convolve with a 3x3 kernel and zero padding, as nine matrix products.

    On the zero-padded image laid out as a list of positions, a shift is an offset: each tap is one product with a
    contiguous range of positions. The two surplus columns of each row are computed and dropped.

    Args:
        x: Map (B, C, H, W).
        kernel: Weights (D, C, 3, 3).
        bias: (D,).

    Returns:
        (B, D, H, W).
    """
    B, C, H, W = x.shape
    padded = F.pad(x, (1, 1, 1, 1)).permute(0, 2, 3, 1).reshape(-1, C)  # (B * (H + 2) * (W + 2), C)
    count = padded.shape[0] - 2 * (W + 2) - 2
    sums = bias.repeat(padded.shape[0], 1)
    for row in range(3):
        for column in range(3):
            offset = row * (W + 2) + column
            sums[:count].addmm_(padded[offset : offset + count], kernel[:, :, row, column].t())
    return sums.view(B, H + 2, W + 2, -1)[:, :H, :W].permute(0, 3, 1, 2)
