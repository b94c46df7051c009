"""Gives a light model the integers of a weights file, so that training can go on from it (the inverse of `packing`)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..integer.weights_file import Tensors
from ..photo.network.analysis_synthesis import ResidualPair
from .conditioning import Knots
from .grids import ACTIVATION_BITS, COMPONENTS, CONTRAST_BITS, STATE_BITS, VALUE_BITS
from .layers import LightBlock
from .layout import coded_channels
from .model import LightPhotoModel
from .network import CoefficientGroup, LightStage
from .packing import norms
from .post_filter import LightPostFilter
from .tables import ALPHABET


@torch.no_grad()
def unpack(model: LightPhotoModel, tensors: Tensors) -> None:
    """Set the parameters of a model, in place. A group's tail becomes part of its prior head's bias.

    Raises:
        ValueError: The tensors do not fit.
    """
    tensors.take("tables", np.int32, (2, COMPONENTS, ALPHABET.size))
    for stride, stages in model.top_down.scales.items():
        for i, stage in enumerate(stages.children()):
            assert isinstance(stage, LightStage)
            _stage(stage, tensors.below(f"stages.{stride}.{i}"))
        _values(model, int(stride), tensors.below(f"values.{stride}"))
    for i, grow in enumerate(model.top_down.grow):
        _map(grow, tensors.below(f"grow.{i}"), ACTIVATION_BITS)
    if model.postfilter is not None:
        _postfilter(model.postfilter, tensors.below("postfilter"))
    tensors.refuse_unused()


def _map(layer: nn.Module, tensors: Tensors, bits: int) -> None:
    assert isinstance(layer, nn.Linear | nn.Conv2d) and layer.bias is not None
    outputs, inputs = layer.weight.flatten(1).shape
    scale = 2.0 ** _floats(tensors.take("shift", np.int8, (outputs,)))
    weight = _floats(tensors.take("weight", np.int8, (outputs, inputs))) / scale[:, None]
    layer.weight.copy_(weight.view_as(layer.weight))
    layer.bias.copy_(_floats(tensors.take("bias", np.int32, (outputs,))) / (scale * 2**bits))


def _stage(stage: LightStage, tensors: Tensors) -> None:
    _knots(stage.conditioning, tensors.below("conditioning"))
    for i, block in enumerate(stage.blocks):
        assert isinstance(block, LightBlock)
        _map(block.spatial, tensors.below(f"blocks.{i}.spatial"), ACTIVATION_BITS)
        _map(block.point, tensors.below(f"blocks.{i}.point"), ACTIVATION_BITS)
    _map(stage.head, tensors.below("head"), ACTIVATION_BITS)
    if stage.close is not None:
        _map(stage.close, tensors.below("close"), ACTIVATION_BITS)
    for i, group in enumerate(stage.parts()):
        _group(group, tensors.below(f"groups.{i}"))


def _group(group: CoefficientGroup, tensors: Tensors) -> None:
    _map(group.prior_head, tensors.below("prior_head"), ACTIVATION_BITS)
    group.tail.zero_()
    _knots(group.scale, tensors.below("scale"))
    for name in ("symbol_embedding", "neighbour_embedding"):
        if (layer := getattr(group, name)) is not None:
            _map(layer, tensors.below(name), ACTIVATION_BITS)


def _values(model: LightPhotoModel, stride: int, tensors: Tensors) -> None:
    channels = coded_channels(stride)
    tensors.take("1.step", np.int32, (len(channels),))  # those of tuning 1 follow from the sensitivities
    tensors.take("1.shrink", np.int32, (len(channels), 3))
    steps = _floats(tensors.take("0.step", np.int32, (len(channels),))) * 2.0**-VALUE_BITS
    shrink = _floats(tensors.take("0.shrink", np.int32, (len(channels), 3))) * 2.0**-VALUE_BITS / steps[:, None]
    log_steps = torch.log(steps * norms(model.transform, stride)[channels])
    places = {channel: i for i, channel in enumerate(channels)}
    for stage in model.top_down.stages(stride):
        for group in stage.parts():
            rows = [places[channel] for channel in group.channels]
            group.get_buffer("log_step").copy_(log_steps[rows])
            group.shrink.copy_(shrink[rows])


def _postfilter(net: LightPostFilter, tensors: Tensors) -> None:
    _map(net.first, tensors.below("first"), CONTRAST_BITS)
    _knots(net.conditioning, tensors.below("conditioning"))
    for i, pair in enumerate(net.body):
        assert isinstance(pair, ResidualPair)
        _map(pair.first, tensors.below(f"body.{i}.first"), ACTIVATION_BITS)
        _map(pair.second, tensors.below(f"body.{i}.second"), ACTIVATION_BITS)
    _map(net.last, tensors.below("last"), ACTIVATION_BITS)


def _knots(knots: Knots, tensors: Tensors) -> None:
    for name in ("plain", "tuned"):
        parameter: Tensor = getattr(knots, name)
        parameter.copy_(_floats(tensors.take(name, np.int32, tuple(parameter.shape))) * 2.0**-STATE_BITS)


def _floats(x: NDArray[Any]) -> Tensor:
    return torch.from_numpy(x.astype(np.float64))
