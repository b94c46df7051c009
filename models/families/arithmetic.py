"""Two arithmetics for one network: on integer grids, where a probability depends on it, and in plain floats.

On grids (models.integer) an activation function is a table over its finite input, computed once in decimals, so no
transcendental function is evaluated by a decoder. In training its gradient is the function's own derivative.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ...shapes import Float, Float32
from ..integer.grid import ACTIVATION_BITS, quantise, quantise_residual, quantise_signed
from . import activation_tables
from .activation_tables import ELU_BITS, GATE_BITS, MIDDLE, TABLE_BITS, TANH_SCALE
from .scores import EMBEDDING_BITS, EMBEDDING_LIMIT


@lru_cache(maxsize=16)
def table(name: str, device: torch.device) -> Float32[Tensor, " entries"]:
    """Return the values of a function at -8, -8 + 2**-6, ..., 8 - 2**-6, rounded half up.

    Args:
        name: `elu` or `tanh`, whose values are on the grid 2**-4, or `sigmoid`, on 2**-8.
        device: Where the table is.

    Returns:
        (1024,) float32.
    """
    bits = GATE_BITS if name == "sigmoid" else ELU_BITS
    return torch.mul(torch.from_numpy(activation_tables.table(name)).to(device), 2.0**-bits)


class _Table(torch.autograd.Function):
    """A table in place of a function, with the function's derivative."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, name: str) -> Tensor:
        ctx.save_for_backward(x)
        ctx.name = name
        entries = table(name, x.device)
        index = torch.mul(x, 2.0**TABLE_BITS).add_(0.5).floor_().add_(MIDDLE)
        found = entries[index.clamp_(0, len(entries) - 1).nan_to_num_(0).long()]
        return found.add_(x - x)  # 0, but what is no number stays none

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        if ctx.name == "elu":
            slope = torch.where(x > 0, (x < 127 / 16).to(x.dtype), x.clamp(max=0).exp())
        elif ctx.name == "tanh":
            slope = TANH_SCALE * (1 - torch.tanh(x).square())
        else:
            slope = torch.sigmoid(x) * torch.sigmoid(-x)
        return grads[0] * slope, None


def look_up(x: Float[Tensor, "*shape"], name: str) -> Float[Tensor, "*shape"]:
    """Return the entry of table `name` for each x, which is first rounded to 2**-6 and clamped to [-8, 8).

    Gradients are those of the function itself, not of its table.
    """
    looked_up: Tensor = _Table.apply(x, name)  # type: ignore[no-untyped-call]
    return looked_up


@dataclass(frozen=True)
class Arithmetic:
    """Computes a network's values: exactly on grids or in floats, with free or bounded maps.

    Args:
        exact: Whether values are on grids.
        ceiling: Operator norm that no linear map exceeds; 0 leaves them free.
        weight_norm: Whether weights are normalised (Salimans and Kingma 2016).
    """

    exact: bool
    ceiling: float = 0.0
    weight_norm: bool = True

    def quantise_residual(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return values of the residual stream: on the grid 2**-8 if the arithmetic is exact."""
        return quantise_residual(x) if self.exact else x

    def inputs(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return inputs of a linear map: on the grid 2**-4 if the arithmetic is exact."""
        return quantise_signed(x) if self.exact else x

    def elu(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return ELU(x), as inputs of a linear map."""
        return look_up(x, "elu") if self.exact else F.elu(x)

    def activation(self, x: Float[Tensor, "*shape"], kind: str) -> Float[Tensor, "*shape"]:
        """Return an activation function's values as inputs of a linear map: ELU(x), 4 tanh(x) or x itself.

        Args:
            x: Values before the function.
            kind: `elu`, `tanh` or `linear`.
        """
        if kind == "elu":
            return self.elu(x)
        if kind == "linear":
            return self.inputs(x)
        return look_up(x, "tanh") if self.exact else TANH_SCALE * torch.tanh(x)

    def gated(self, x: Float[Tensor, "B channels H W"]) -> Float[Tensor, "B channels//2 H W"]:
        """Return a * sigmoid(b) of the two halves a and b of the channels."""
        return self.scaled(*x.chunk(2, dim=1))

    def scaled(self, a: Float[Tensor, "B C H W"], b: Float[Tensor, "B C #H #W"]) -> Float[Tensor, "B C H W"]:
        """Return a * sigmoid(b)."""
        return quantise_signed(a) * look_up(b, "sigmoid") if self.exact else a * torch.sigmoid(b)

    def pooled(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C 1 1"]:
        """Return means over the positions, as inputs of a linear map.

        On grids these are the means of inputs of a linear map, rounded half up. A quarter of the least difference
        between two means is added, so that no means lie between two steps and it does not matter how a mean is divided.
        """
        if not self.exact:
            return x.mean((2, 3), keepdim=True)
        mean = quantise_signed(x).double().mean((2, 3), keepdim=True)
        return quantise_signed(mean + 2.0**-ACTIVATION_BITS / (4 * x.shape[2] * x.shape[3])).float()

    def embedding(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return embeddings e_p as the prior's scores take them: on the grid 2**-6 if the arithmetic is exact."""
        return quantise(x, EMBEDDING_BITS, -EMBEDDING_LIMIT, EMBEDDING_LIMIT) if self.exact else x


FLOAT = Arithmetic(exact=False)
