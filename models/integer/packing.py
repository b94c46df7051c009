"""Quantised linear maps as the integers of a weights file, and back.

Tensors are named after the modules:

    NAME.weight     int8, in steps of 2^-f
    NAME.shift      int8, the exponent f of each output
    NAME.bias       int32, in steps of 2^-(f + 4)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...shapes import Integer, Shaped
from ..runtime.linear import SHIFTS
from ..runtime.linear import BoundError as BoundError
from .grid import ACTIVATION_BITS, FLOAT32_LIMIT
from .linear import QuantLinear
from .weights_file import Tensors


def integers(x: Shaped[Tensor, "*size"], bits: int, dtype: torch.dtype) -> Shaped[Tensor, "*size"]:
    """Round x * 2^bits half up to integers.

    Args:
        x: Values of any shape.
        bits: Binary digits after the point.
        dtype: Type of the result, to whose range values are clamped.
    """
    limits = torch.iinfo(dtype)
    return torch.floor(x.detach().double() * 2.0**bits + 0.5).clamp(limits.min, limits.max).to(dtype)


def pack_linear(name: str, module: QuantLinear, limit: float = FLOAT32_LIMIT) -> dict[str, Integer[Tensor, ...]]:
    """Return the integers of a linear map by name: weight, shift and bias.

    Args:
        name: The module's name, for error messages.
        module: The map.
        limit: Bound of the accumulators, in steps of their grid.

    Raises:
        BoundError: An accumulator could reach `limit`.
    """
    bound = module.accumulator_bound()
    if bound >= limit:
        raise BoundError(f"{name}: an accumulator could reach {bound:.3g}, {limit:.3g} is the limit")
    weight, bias = module.quantised()
    shift = module.exponents()
    return {
        "weight": (weight.detach() * torch.exp2(shift)[:, None]).to(torch.int8),
        "shift": shift.to(torch.int8),
        "bias": (bias.detach() * torch.exp2(shift + ACTIVATION_BITS)).to(torch.int32),
    }


def unpack_linear(name: str, module: QuantLinear, part: Tensors, limit: float = FLOAT32_LIMIT) -> None:
    """Load the integers of a linear map, after which its weights count as quantised.

    Args:
        name: The module's name, for error messages.
        module: The map, which is overwritten.
        part: Tensors named weight, shift and bias.
        limit: Bound of the accumulators, in steps of their grid.

    Raises:
        BoundError: An accumulator could reach `limit`.
        ValueError: The tensors do not fit the map.
    """
    weight = part.tensor("weight", torch.int8, module.weight.shape)
    shift = part.tensor("shift", torch.int8, module.bias.shape)
    bias = part.tensor("bias", torch.int32, module.bias.shape)
    bound = weight.long().abs().sum(dim=1) * module.input_limit + bias.long().abs()
    if int(bound.max()) >= limit or int(shift.min()) < SHIFTS[0] or int(shift.max()) > SHIFTS[1]:
        raise BoundError(f"{name}: its sums could round")
    scale = torch.exp2(shift.float())
    module.weight.data.copy_(weight.float() / scale[:, None])
    module.bias.data.copy_(bias.float() / (scale * 2.0**ACTIVATION_BITS))
    module.weights_quantised = True


def pack_linears(net: nn.Module, limit: float = FLOAT32_LIMIT) -> dict[str, Integer[Tensor, ...]]:
    """Return the integers of all `QuantLinear` maps of a network by name. Raises as `pack_linear` does."""
    maps = ((place, module) for place, module in net.named_modules() if isinstance(module, QuantLinear))
    return {
        f"{place}.{key}": value for place, module in maps for key, value in pack_linear(place, module, limit).items()
    }


def unpack_linears(net: nn.Module, packed: Tensors, limit: float = FLOAT32_LIMIT) -> None:
    """Undo `pack_linears`. Raises as `unpack_linear` does."""
    for place, module in net.named_modules():
        if isinstance(module, QuantLinear):
            unpack_linear(place, module, packed.below(place), limit)
