"""Linear maps as the integers of a weights file, and back. Names are those of the modules:

NAME.weight, .shift, .bias      GridLinear: int8 / 2^f, int8 f by output, int32 / 2^(f + 4)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .integer.grid import ACTIVATION_BITS, FLOAT32_LIMIT
from .integer.linear import QuantLinear
from .weights_file import Tensors

SHIFTS = (-4, 20)
"""The exponents that `QuantLinear.exponents` can give."""


class BoundError(ValueError):
    """A weight set whose sums could round: it must not be exported."""


def integers(x: Tensor, bits: int, dtype: torch.dtype) -> Tensor:
    """The nearest integers to x * 2^bits, inside the type's limits."""
    limits = torch.iinfo(dtype)
    return torch.floor(x.detach().double() * 2.0**bits + 0.5).clamp(limits.min, limits.max).to(dtype)


def pack_grid(name: str, module: QuantLinear, limit: float = FLOAT32_LIMIT) -> dict[str, Tensor]:
    """A map's integers. BoundError if a sum could reach `limit` steps of its grid."""
    reach = module.accumulator_bound()
    if reach >= limit:
        raise BoundError(f"{name}: an accumulator could reach {reach:.3g}, {limit:.3g} is the limit")
    weight, bias = module.quantised()
    shift = module.exponents()
    return {
        "weight": (weight.detach() * torch.exp2(shift)[:, None]).to(torch.int8),
        "shift": shift.to(torch.int8),
        "bias": (bias.detach() * torch.exp2(shift + ACTIVATION_BITS)).to(torch.int32),
    }


def unpack_grid(name: str, module: QuantLinear, part: Tensors, limit: float = FLOAT32_LIMIT) -> None:
    """Loads a map's integers and freezes it. BoundError if a sum could reach `limit` steps of its grid."""
    weight = part.take("weight", torch.int8, module.weight.shape)
    shift = part.take("shift", torch.int8, module.bias.shape)
    bias = part.take("bias", torch.int32, module.bias.shape)
    reach = weight.long().abs().sum(dim=1) * module.input_limit + bias.long().abs()
    if int(reach.max()) >= limit or int(shift.min()) < SHIFTS[0] or int(shift.max()) > SHIFTS[1]:
        raise BoundError(f"{name}: its sums could round")
    scale = torch.exp2(shift.float())
    module.weight.data.copy_(weight.float() / scale[:, None])
    module.bias.data.copy_(bias.float() / (scale * 2.0**ACTIVATION_BITS))
    module.frozen = True


def pack_linears(net: nn.Module, limit: float = FLOAT32_LIMIT) -> dict[str, Tensor]:
    """The integers of a network's `QuantLinear` maps by name. BoundError as `pack_grid`."""
    maps = ((place, module) for place, module in net.named_modules() if isinstance(module, QuantLinear))
    return {f"{place}.{key}": value for place, module in maps for key, value in pack_grid(place, module, limit).items()}


def unpack_linears(net: nn.Module, packed: Tensors, limit: float = FLOAT32_LIMIT) -> None:
    """Undo `pack_linears` and freeze the maps. ValueError if they do not fit the network."""
    for place, module in net.named_modules():
        if isinstance(module, QuantLinear):
            unpack_grid(place, module, packed.below(place), limit)
