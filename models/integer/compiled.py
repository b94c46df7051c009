"""Linear maps compiled for coding: inputs and outputs count steps of their grids, so that nothing is rescaled."""

from __future__ import annotations

import torch
from torch import Tensor

from .grid import ACTIVATION_BITS
from .linear import QuantLinear


class IntegerLinear:
    """Map steps of 2**-4 to steps of 2**-`bits` as a `QuantLinear` does; `bits` may differ by output."""

    def __init__(self, linear: QuantLinear, bits: int | Tensor) -> None:
        weight, bias = (x.detach() for x in linear.quantised())
        scale = torch.exp2(torch.as_tensor(bits, dtype=torch.float32, device=bias.device)).expand_as(bias)
        self.matrix = (weight * scale[:, None] * 2.0**-ACTIVATION_BITS).t().contiguous()
        self.bias = bias * scale

    def __call__(self, x: Tensor) -> Tensor:
        """Return the outputs (n, outputs) of inputs (n, inputs), not rounded."""
        return torch.addmm(self.bias, x, self.matrix)


def rounded(x: Tensor) -> Tensor:
    """Round half up, in place."""
    return x.add_(0.5).floor_()
