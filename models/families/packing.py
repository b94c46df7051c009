"""Families as integers, and back (models.photo.packing does so for photographs). Names are those of the modules:

NAME.weight, .shift, .bias      maps on the exact path: int8 / 2^f, int8 f by output, int32 / 2^(f + 4)
NAME.weight, .scale, .bias      maps in float: int8 with a float16 scale by output, float16
NAME.codebook.*                 see `integer`
top                             int16 / 2^8, the chain's start
boltzmann.*                     see `machine_tables`
likelihood.log_scale            float16
likelihood.net.*                maps on the exact path, as above
likelihood.tables               int32: the residuals' distributions, see models.pixels.distributions
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ...shapes import Shaped
from ..integer.grid import RESIDUAL_BITS, RESIDUAL_LIMIT
from ..integer.linear import QuantLinear
from ..integer.packing import integers, pack_linear, unpack_linear
from ..integer.weights_file import Tensors
from ..pixels.distributions import checked
from ..runtime.linear import BoundError
from .coding_checks import check_coding
from .config import FamilyConfig
from .integer import IntegerCodebook, pack_codebook
from .layers import LatentLayer
from .machine_tables import pack_machine, unpack_machine
from .model import FamilyVAE
from .neighbours import Colour
from .nets import Conv
from .runtime.machine import IntegerMachine
from .scores import check

FLOAT64_LIMIT = 2.0**53


def pack(model: FamilyVAE) -> dict[str, Shaped[Tensor, ...]]:
    """Return the model's integers by name, as above.

    Raises:
        BoundError: If the model has no exact form, or a sum on the exact path could exceed its bits.
    """
    if not model.config.categorical or not model.config.exact:
        raise BoundError("only categorical models that trained with exact=true have an exact form")
    packed = {"top": integers(model.top.clamp(-RESIDUAL_LIMIT, RESIDUAL_LIMIT), RESIDUAL_BITS, torch.int16)}
    for name, module in model.named_modules():
        if isinstance(module, Conv):
            part = pack_linear(name, module, FLOAT64_LIMIT) if module.arithmetic.exact else _pack_float(module)
            packed |= {f"{name}.{key}": value for key, value in part.items()}
        elif isinstance(module, QuantLinear):
            packed |= {f"{name}.{key}": value for key, value in pack_linear(name, module).items()}
        elif isinstance(module, LatentLayer) and module.codebook is not None:
            book = pack_codebook(name, module.codebook)
            packed |= {f"{name}.codebook.{key}": value for key, value in book.items()}
    if model.boltzmann is not None:
        packed |= {f"boltzmann.{key}": value for key, value in pack_machine(model.boltzmann).items()}
    if (scale := _log_scale(model)) is not None:
        packed["likelihood.log_scale"] = scale.detach().half()
    if isinstance(likelihood := model.p_x(), Colour):
        packed["likelihood.tables"] = likelihood.tables
    return packed


def integer_config(config: FamilyConfig) -> FamilyConfig:
    """Return the configuration without what only training needs."""
    return replace(config, weight_norm=False, centred=False, dropout=0.0, ema_codebook=False)


def unpack(config: FamilyConfig, packed: Tensors | Mapping[str, Shaped[Tensor, ...]]) -> FamilyVAE:
    """Return the model of packed integers, without gradients and in evaluation mode.

    Args:
        config: The model's configuration.
        packed: The integers, as `pack` returns them.

    Raises:
        ValueError: If they do not fit the configuration, or if a sum on the exact path could exceed its bits.
    """
    tensors = packed if isinstance(packed, Tensors) else Tensors(packed)
    _refuse_too_large(config, tensors)
    model = FamilyVAE(integer_config(config)).requires_grad_(False)
    model.top.data.copy_(tensors.tensor("top", torch.int16, model.top.shape).float() / 2**RESIDUAL_BITS)
    for name, module in list(model.named_modules()):
        part = tensors.below(name)
        if isinstance(module, Conv) and module.arithmetic.exact:
            unpack_linear(name, module, part, FLOAT64_LIMIT)
            module.choose_precision()
        elif isinstance(module, Conv):
            _unpack_float(module, part)
        elif isinstance(module, QuantLinear):
            unpack_linear(name, module, part)
        elif isinstance(module, LatentLayer):
            module.codebook = _unpack_codebook(f"{name}.codebook", module, part.below("codebook"))
    if model.boltzmann is not None:
        unpack_machine(model.boltzmann, IntegerMachine(config, tensors.below("boltzmann")))
    if (scale := _log_scale(model)) is not None:
        scale.data.copy_(tensors.tensor("likelihood.log_scale", torch.float16, scale.shape).float())
    if isinstance(likelihood := model.p_x(), Colour):
        tables = tensors.tensor("likelihood.tables", torch.int32, likelihood.tables.shape)
        likelihood.tables.copy_(torch.from_numpy(checked(tables.numpy())))
    return model.eval()


def _refuse_too_large(config: FamilyConfig, tensors: Tensors) -> None:
    """Refuse a configuration with more parameters than four for each stored number, or with maps that are too large."""
    check_coding(config)
    with torch.device("meta"):
        wanted = sum(p.numel() for p in FamilyVAE(integer_config(config)).parameters())
    if wanted > 4 * tensors.numbers:
        raise ValueError("its configuration is larger than its tensors")


def _log_scale(model: FamilyVAE) -> Tensor | None:
    found = dict(model.named_parameters()).get("likelihood.log_scale")
    return found


def _pack_float(module: Conv) -> dict[str, Tensor]:
    weight, bias = (x.detach().float() for x in module.quantised())
    scale = (weight.abs().amax(dim=1) / 127).clamp_min(1e-7).half()
    steps = torch.floor(weight / scale.float()[:, None] + 0.5).clamp(-127, 127)
    return {"weight": steps.to(torch.int8), "scale": scale, "bias": bias.half()}


def _unpack_float(module: Conv, part: Tensors) -> None:
    scale = part.tensor("scale", torch.float16, module.bias.shape).float()
    module.weight.data.copy_(part.tensor("weight", torch.int8, module.weight.shape).float() * scale[:, None])
    module.bias.data.copy_(part.tensor("bias", torch.float16, module.bias.shape).float())


def _unpack_codebook(name: str, layer: LatentLayer, own: Tensors) -> IntegerCodebook:
    assert layer.codebook is not None
    variables, symbols = layer.codebook.shape
    width, form = layer.codebook.width, layer.codebook.form()
    codes = own.tensor("codes", torch.int8, (variables, symbols, layer.codebook.vector_size))
    shapes = {"constant": (variables, 1, symbols), "linear": (variables, width, symbols)}
    if form is None:
        shapes = {}
    elif form.quadratic is not None:
        shapes["quadratic"] = shapes["linear"]
    parts = {key: own.tensor(key, torch.int32, shape) for key, shape in shapes.items()}
    check(name, {key: part.numpy() for key, part in parts.items()})
    return IntegerCodebook(layer.plan, codes, parts)
