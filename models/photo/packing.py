"""A trained model as the integers of a weights file, and back.

Everything that the prior depends on is stored as the integers of its grids and loads to exactly the same dyadic numbers
on any machine; the float networks are stored as 8-bit weights with a scale per output. Names are those of the
parameters:

    NAME.weight, .shift, .bias              QuantLinear: int8 / 2^f, int8 f by output, int32 / 2^(f + 4)
    LAYER.values, .context                  means: int32 / 2^4, int16 / 2^4
    LAYER.value_precision, .constant        int32 / 2^24, int32 / 2^16, in bits
    LAYER.context_precision                 int16 / 2^12, in bits
                                            (layers with a direct prior lack these three)
    LAYER.null_symbol                       int32, the symbol that adds nothing
    LAYER.mean.weight, .bias                float16
    STAGE.quality                           int16 / 2^8
    analysis., synthesis., postfilter.      int8 with float16 scales per output (`.scale`); biases, qualities float16
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ...shapes import Float64, Shaped
from ..integer.grid import FLOAT32_LIMIT
from ..integer.linear import QuantLinear
from ..integer.packing import BoundError, integers, pack_linear, unpack_linear
from ..integer.weights_file import Tensors
from .network.analysis_synthesis import BlockNet
from .network.chain import ChainStage
from .network.latent import (
    CONTEXT,
    EMBEDDING_BITS,
    PRECISION_LIMIT,
    VALUE_BITS,
    VALUE_LIMIT,
    DirectLayer,
    PhotoLatentLayer,
)
from .network.model import PhotoRRVQ
from .network.postfilter import PostFilter

MEAN_BITS = 4
VALUE_PRECISION_BITS = 24
CONTEXT_PRECISION_BITS = 12
CONSTANT_BITS = 16


def pack(model: PhotoRRVQ) -> dict[str, Shaped[Tensor, ...]]:
    """Return the model's integers by name.

    Raises:
        BoundError: A sum on the exact path could exceed its bits.
    """
    packed: dict[str, Tensor] = {}
    for name, module in model.named_modules():
        if isinstance(module, QuantLinear):
            packed |= {f"{name}.{key}": value for key, value in pack_linear(name, module).items()}
        elif isinstance(module, PhotoLatentLayer):
            packed |= {f"{name}.{key}": value for key, value in _pack_layer(name, module).items()}
        elif isinstance(module, ChainStage):
            packed[f"{name}.quality"] = integers(module.quality.clamp(-8, 8), 8, torch.int16)
        elif isinstance(module, BlockNet | PostFilter):
            packed |= {f"{name}.{key}": value for key, value in _pack_float(module).items()}
    return packed


def unpack(model: PhotoRRVQ, packed: Tensors | Mapping[str, Shaped[Tensor, ...]]) -> None:
    """Load packed integers into a model of the same configuration, whose exact path can then be used.

    Raises:
        ValueError: They do not fit the configuration, or a sum on the exact path could exceed its bits.
    """
    tensors = packed if isinstance(packed, Tensors) else Tensors(packed)
    for name, module in model.named_modules():
        part = tensors.below(name)
        if isinstance(module, QuantLinear):
            unpack_linear(name, module, part)
        elif isinstance(module, PhotoLatentLayer):
            _unpack_layer(name, module, part)
        elif isinstance(module, ChainStage):
            module.quality.data.copy_(part.tensor("quality", torch.int16, module.quality.shape).float() / 2**8)
        elif isinstance(module, BlockNet | PostFilter):
            _unpack_float(module, part)


def _pack_layer(name: str, layer: PhotoLatentLayer) -> dict[str, Tensor]:
    means, v = layer.means(), len(layer.coefficients)
    packed = {
        "values": integers(means[:, :v], MEAN_BITS, torch.int32),
        "context": integers(means[:, v:], MEAN_BITS, torch.int16),
        "null_symbol": torch.tensor(layer.null_symbol(), dtype=torch.int32),
        "mean.weight": layer.mean.weight.detach().half(),
        "mean.bias": layer.mean.bias.detach().half(),
    }
    return packed if isinstance(layer, DirectLayer) else packed | _pack_variances(name, layer, packed)


def _pack_variances(name: str, layer: PhotoLatentLayer, packed: dict[str, Tensor]) -> dict[str, Tensor]:
    precision = (0.5 * torch.exp(-layer.log_variance.detach().double())).clamp_max(PRECISION_LIMIT)
    v = len(layer.coefficients)
    means = _means(packed)
    nats = -(precision * means.square()).sum(1) + 0.5 * torch.log(2 * precision).sum(1)
    bits = precision / math.log(2)
    variances = {
        "value_precision": integers(bits[:, :v], VALUE_PRECISION_BITS, torch.int32),
        "context_precision": integers(bits[:, v:], CONTEXT_PRECISION_BITS, torch.int16),
        "constant": integers((nats - nats.max()) / math.log(2), CONSTANT_BITS, torch.int32),
    }
    _check_scores(name, packed | variances)
    return variances


def _means(part: dict[str, Tensor]) -> Tensor:
    """Return the codebook of means (K, D) as float64."""
    return torch.cat([part["values"].double(), part["context"].double()], dim=1).div(2**MEAN_BITS)


def _dyadic(part: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Return the means (K, D), precisions (K, D) and constants (K,) of a layer as float64."""
    value = part["value_precision"].double() / 2**VALUE_PRECISION_BITS
    context = part["context_precision"].double() / 2**CONTEXT_PRECISION_BITS
    return _means(part), torch.cat([value, context], dim=1), part["constant"].double() / 2**CONSTANT_BITS


def _check_scores(name: str, part: dict[str, Tensor]) -> None:
    """Check that every partial sum of a score fits 53 bits of its finest grid. BoundError if not."""
    means, precision, constant = _dyadic(part)
    v = part["values"].shape[1]
    limits = torch.tensor([VALUE_LIMIT] * v + [15.0] * CONTEXT, dtype=torch.float64)
    largest = (precision * limits.square() + 2 * precision * means.abs() * limits).sum(1) + constant.abs()
    finest = max(VALUE_PRECISION_BITS + 2 * VALUE_BITS, VALUE_PRECISION_BITS + MEAN_BITS + VALUE_BITS - 1)
    finest = max(finest, CONTEXT_PRECISION_BITS + 2 * EMBEDDING_BITS)
    if float(largest.max()) * 2.0**finest >= 2.0**53:
        raise BoundError(f"{name}: a score could reach {float(largest.max()):.3g} bits, too large for float64's 53")


def _unpack_layer(name: str, layer: PhotoLatentLayer, part: Tensors) -> None:
    values = part.tensor("values", torch.int32, (layer.symbols, len(layer.coefficients)))
    context = part.tensor("context", torch.int16, (layer.symbols, CONTEXT))
    null_symbol = int(part.tensor("null_symbol", torch.int32, ()))
    if not 0 <= null_symbol < layer.symbols or int(values.abs().max()) >= FLOAT32_LIMIT:
        raise ValueError(f"the symbols of its layer {layer.name!r} are not valid")
    codebook = {"values": values, "context": context}
    means = _means(codebook).float()
    layer.values.data.copy_(means[:, : values.shape[1]])
    layer.context.data.copy_(means[:, values.shape[1] :])
    layer.keep.fill_(1)[null_symbol] = 0
    layer.mean.weight.data.copy_(part.tensor("mean.weight", torch.float16, layer.mean.weight.shape).float())
    layer.mean.bias.data.copy_(part.tensor("mean.bias", torch.float16, layer.mean.bias.shape).float())
    if not isinstance(layer, DirectLayer):
        _unpack_variances(name, layer, part, codebook)


def _unpack_variances(name: str, layer: PhotoLatentLayer, part: Tensors, codebook: dict[str, Tensor]) -> None:
    scores = {
        **codebook,
        "value_precision": part.tensor("value_precision", torch.int32, layer.values.shape),
        "context_precision": part.tensor("context_precision", torch.int16, layer.context.shape),
        "constant": part.tensor("constant", torch.int32, (layer.symbols,)),
    }
    means, precision, constant = _dyadic(scores)
    if float(precision.min()) < 0:
        raise ValueError(f"the variances of its layer {layer.name!r} are not valid")
    _check_scores(name, scores)
    nats = refined(means, precision, constant, len(layer.coefficients)) * math.log(2)
    layer.log_variance.data.copy_(-torch.log(2 * nats))
    layer.set_exact_prior(precision, constant)


def refined(
    means: Float64[Tensor, "K D"], precision: Float64[Tensor, "K D"], constant: Float64[Tensor, " K"], values: int
) -> Float64[Tensor, "K D"]:
    """Estimate the precisions that were rounded to the stored ones, from the stored constants.

    Constants were computed from unrounded precisions. Where variances are wide, a rounded precision is off by a
    percent, and the constants, which contain the means' squares times the precisions, determine most of the
    difference.

    Args:
        means: (K, D).
        precision: Stored precisions (K, D) in bits.
        constant: Stored constants (K,) in bits.
        values: Number of value coordinates v, the first of D.

    Returns:
        Precisions (K, D) in bits, which round to the stored ones.
    """
    step = torch.full(precision.shape[1:], 2.0**-CONTEXT_PRECISION_BITS, dtype=torch.float64)
    step[:values] = 2.0**-VALUE_PRECISION_BITS
    known = precision.maximum(step / 4)  # precisions rounded to zero were positive
    slope = 0.5 / (known * math.log(2)) - means.square()  # derivative of a constant by a precision
    missing = constant + (known * means.square()).sum(1) - 0.5 * torch.log2(known).sum(1)
    room = (slope.abs() * step / 2).sum(1)
    missing = missing - _weighted_median(
        missing, 1 / (room + 2.0**-CONSTANT_BITS)
    )  # constants are known up to an offset
    share = slope * step.square()
    moved = share * (missing / (share * slope).sum(1).clamp_min(1e-300))[:, None]
    return known + moved.clamp(-0.49 * step, 0.49 * step).maximum(-known / 2)


def _weighted_median(x: Tensor, weights: Tensor) -> Tensor:
    order = x.argsort()
    passed = weights[order].cumsum(0)
    return x[order[int(torch.searchsorted(passed, passed[-1] / 2).clamp_max(len(x) - 1))]]


def _pack_float(net: nn.Module) -> dict[str, Tensor]:
    packed = {}
    for name, parameter in net.named_parameters():
        value = parameter.detach().float()
        if value.dim() == 4:
            scale = (value.abs().amax(dim=(1, 2, 3)) / 127).clamp_min(1e-7).half()
            packed[name] = torch.floor(value / scale.float()[:, None, None, None] + 0.5).clamp(-127, 127).to(torch.int8)
            packed[f"{name}.scale"] = scale
        else:
            packed[name] = value.half()
    return packed


def _unpack_float(net: nn.Module, part: Tensors) -> None:
    for name, parameter in net.named_parameters():
        kernel = parameter.dim() == 4
        value = part.tensor(name, torch.int8 if kernel else torch.float16, parameter.shape).float()
        if kernel:
            value = (
                value * part.tensor(f"{name}.scale", torch.float16, parameter.shape[:1]).float()[:, None, None, None]
            )
        parameter.data.copy_(value)
