"""Weights files of the photograph model: configuration, range of qualities, and the integers of `packing`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ..configs import RRVQConfig
from ..integer import weights_file
from ..integer.weights_file import Tensors
from .codec_model import PhotoCodecModel
from .network.model import PhotoRRVQ
from .packing import pack, unpack
from .quality import QualityMap, quality_map

FORMAT = "dvcodec-photo-1"


def write(model: PhotoRRVQ, qualities: QualityMap, name: str) -> bytes:
    """Return the bytes of a weights file.

    Raises:
        BoundError: An accumulator of the model could round.
    """
    metadata = {"format": FORMAT, "name": name, "config": asdict(model.config), "quality": qualities.fields()}
    return weights_file.write(metadata, pack(model))


def restore(metadata: dict[str, Any], tensors: Tensors, device: str) -> PhotoCodecModel:
    """Return the hierarchy of a weights file on a device.

    Raises:
        ValueError: Its parts do not fit each other.
        KeyError: A part is missing.
        TypeError: A part has the wrong type.
    """
    model, qualities = PhotoRRVQ(RRVQConfig.of(metadata["config"])), quality_map(metadata["quality"])
    unpack(model, tensors)
    return PhotoCodecModel(metadata["name"], model, qualities, device)
