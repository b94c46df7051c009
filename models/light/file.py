"""Weights files of the light photograph model: configuration, range of qualities, and the integers of `packing`."""

from __future__ import annotations

from dataclasses import asdict

from ..integer import weights_file
from ..photo.quality import QualityMap
from .model import LightPhotoModel
from .packing import pack
from .runtime.model import RuntimeLightModel

FORMAT = "dvcodec-light-1"


def runtime(model: LightPhotoModel, qualities: QualityMap) -> RuntimeLightModel:
    """Return the model that a weights file of these parts would hold.

    Args:
        model: the trained model.
        qualities: the network qualities that qualities stand for.
    """
    return RuntimeLightModel("unnamed", model.config, qualities, weights_file.Tensors(weights_file.narrow(pack(model))))


def write(model: LightPhotoModel, qualities: QualityMap, name: str) -> bytes:
    """Return the bytes of a weights file.

    Args:
        model: the trained model.
        qualities: the network qualities that qualities stand for.
        name: of the weights.
    """
    metadata = {"format": FORMAT, "name": name, "config": asdict(model.config), "quality": qualities.fields()}
    return weights_file.write(metadata, pack(model))
