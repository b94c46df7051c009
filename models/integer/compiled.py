"""Linear maps compiled for coding: inputs and outputs count steps of their grids, so that nothing is rescaled."""

from __future__ import annotations

import torch
from torch import Tensor

from ...shapes import Float
from .grid import ACTIVATION_BITS
from .linear import QuantLinear


class IntegerLinear:
    """A `QuantLinear` from steps of 2**-4 to steps of 2**-`bits`, where `bits` may differ by output."""

    def __init__(self, linear: QuantLinear, bits: int | Tensor) -> None:
        weight, bias = (x.detach() for x in linear.quantised())
        scale = torch.exp2(torch.as_tensor(bits, dtype=torch.float32, device=bias.device)).expand_as(bias)
        self.matrix = (weight * scale[:, None] * 2.0**-ACTIVATION_BITS).t().contiguous()
        self.bias = bias * scale

    def __call__(self, x: Float[Tensor, "n inputs"]) -> Float[Tensor, "n outputs"]:
        """Return the outputs of inputs, before rounding.

        Args:
            x: Inputs (n, inputs) in steps of 2**-4.

        Returns:
            Outputs (n, outputs) in steps of 2**-bits.
        """
        return torch.addmm(self.bias, x, self.matrix)


def rounded(x: Float[Tensor, "*size"]) -> Float[Tensor, "*size"]:
    """Round half up, in place."""
    return x.add_(0.5).floor_()
