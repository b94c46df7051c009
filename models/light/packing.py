"""Converts a trained light model to the integers of a weights file.

Every map has 7-bit weights, a power of two for each output (`shift`), and a bias in steps of its sums; `bits` names the
binary digits of its inputs, which the sums share. Vectors that depend on the quality are whole numbers of 2**-8 steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..photo.network.analysis_synthesis import ResidualPair
from .coefficients import CoefficientTransform
from .conditioning import Knots
from .grids import ACTIVATION_BITS, CONTRAST_BITS, STATE_BITS, TAIL_GAIN, VALUE_BITS
from .layers import LEVELS, LightBlock
from .model import LightPhotoModel
from .network import CoefficientGroup, LightStage
from .post_filter import LightPostFilter
from .tables import components

Arrays = dict[str, NDArray[Any]]


@torch.no_grad()
def pack(model: LightPhotoModel) -> Arrays:
    """Return the tensors of a weights file: int8 weights and shifts, int32 biases, tables and vectors."""
    out: Arrays = {"tables": components().astype(np.int64)}
    for stride, stages in model.top_down.scales.items():
        for i, stage in enumerate(stages.children()):
            assert isinstance(stage, LightStage)
            _add(out, f"stages.{stride}.{i}", _stage(stage))
    for i, grow in enumerate(model.top_down.grow):
        _add(out, f"grow.{i}", _map(grow, ACTIVATION_BITS))
    _values(out, model)
    if model.postfilter is not None:
        _add(out, "postfilter", _postfilter(model.postfilter))
    return out


def _add(out: Arrays, prefix: str, parts: Arrays) -> None:
    out.update({f"{prefix}.{name}": value for name, value in parts.items()})


def _map(layer: nn.Module, bits: int) -> Arrays:
    """Return the integers of a linear map or a convolution whose inputs have `bits` binary digits."""
    assert isinstance(layer, nn.Linear | nn.Conv2d) and layer.bias is not None
    flat = layer.weight.detach().double().flatten(1)
    shift = torch.floor(torch.log2(LEVELS / flat.abs().amax(1).clamp_min(2.0**-14)))
    weight = torch.floor(flat * torch.exp2(shift)[:, None] + 0.5)
    bias = torch.floor(layer.bias.detach().double() * torch.exp2(shift + bits) + 0.5)
    return {"weight": _integers(weight), "shift": _integers(shift), "bias": _integers(bias)}


def _stage(stage: LightStage) -> Arrays:
    out: Arrays = {}
    _add(out, "conditioning", _knots(stage.conditioning))
    for i, block in enumerate(stage.blocks):
        assert isinstance(block, LightBlock)
        _add(out, f"blocks.{i}.spatial", _map(block.spatial, ACTIVATION_BITS))
        _add(out, f"blocks.{i}.point", _map(block.point, ACTIVATION_BITS))
    _add(out, "head", _map(stage.head, ACTIVATION_BITS))
    if stage.close is not None:
        _add(out, "close", _map(stage.close, ACTIVATION_BITS))
    for i, group in enumerate(stage.parts()):
        _add(out, f"groups.{i}", _group(group))
    return out


def _group(group: CoefficientGroup) -> Arrays:
    out: Arrays = {}
    head = _map(group.prior_head, ACTIVATION_BITS)
    size = len(group.channels)
    tail = group.tail.detach().double() / TAIL_GAIN * torch.exp2(torch.from_numpy(head["shift"][2 * size :]) + 4.0)
    head["bias"][2 * size :] += _integers(torch.floor(tail + 0.5))
    _add(out, "prior_head", head)
    _add(out, "scale", _knots(group.scale))
    for name in ("symbol_embedding", "neighbour_embedding"):
        if (layer := getattr(group, name)) is not None:
            _add(out, name, _map(layer, ACTIVATION_BITS))
    return out


def _knots(knots: Knots) -> Arrays:
    return {name: _steps(getattr(knots, name).detach(), STATE_BITS) for name in ("plain", "tuned")}


def _values(out: Arrays, model: LightPhotoModel) -> None:
    """Add what symbols stand for, by stride, tuning and coefficient: a step, and how much 1, 2 and more are shrunk.

    Values are in units of sigma and of the transform's own norms, so that its inverse needs neither.
    """
    transform = model.transform
    for stride, stages in model.top_down.scales.items():
        groups = [group for stage in stages.children() if isinstance(stage, LightStage) for group in stage.parts()]
        channels = [i for group in groups for i in group.channels]
        step = torch.cat([group.step() for group in groups]).double()
        shrink = torch.cat([group.shrink for group in groups]).double()
        norm = norms(transform, int(stride))[channels]
        root = transform.get_buffer(f"log_root_{stride}").double()[channels]
        for tuning in (0, 1):
            unit = step * torch.exp(-tuning * root) / norm
            out[f"values.{stride}.{tuning}.step"] = _steps(unit, VALUE_BITS)
            out[f"values.{stride}.{tuning}.shrink"] = _steps(shrink * unit[:, None], VALUE_BITS)


def norms(transform: CoefficientTransform, stride: int) -> Tensor:
    """Return the factors that the inverse transform divides coefficients by; those of stride 8 are in its basis."""
    if stride == 8:
        return torch.ones(192, dtype=torch.float64)
    return transform.pyramid.get_buffer(f"scale_{stride}").double().flatten()


def _postfilter(net: LightPostFilter) -> Arrays:
    out: Arrays = {}
    _add(out, "first", _map(net.first, CONTRAST_BITS))
    _add(out, "conditioning", _knots(net.conditioning))
    _pairs(out, net.body)
    _add(out, "last", _map(net.last, ACTIVATION_BITS))
    return out


def _pairs(out: Arrays, body: nn.ModuleList) -> None:
    for i, pair in enumerate(body):
        assert isinstance(pair, ResidualPair)
        _add(out, f"body.{i}.first", _map(pair.first, ACTIVATION_BITS))
        _add(out, f"body.{i}.second", _map(pair.second, ACTIVATION_BITS))


def _steps(x: Tensor, bits: int) -> NDArray[np.int64]:
    return _integers(torch.floor(x.double() * 2.0**bits + 0.5))


def _integers(x: Tensor) -> NDArray[np.int64]:
    found: NDArray[np.int64] = x.cpu().numpy().astype(np.int64)
    return found
