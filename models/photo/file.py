"""Weights files of the photograph model: configuration, range of qualities, and the integers of `packing`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ..configs import RRVQConfig
from ..integer import weights_file
from ..integer.weights_file import Tensors
from .codec_model import PhotoCodecModel, QualityMap
from .network.model import FINEST_QUALITY, PhotoRRVQ
from .packing import pack, unpack

FORMAT = "dvcodec-photo-1"


def write(model: PhotoRRVQ, qualities: QualityMap, name: str) -> bytes:
    """Return the bytes of a weights file.

    Raises:
        BoundError: An accumulator of the model could round.
    """
    metadata = {"format": FORMAT, "name": name, "config": asdict(model.config), "quality": asdict(qualities)}
    return weights_file.write(metadata, pack(model))


def restore(metadata: dict[str, Any], tensors: Tensors, device: str) -> PhotoCodecModel:
    """Return the hierarchy of a weights file on a device.

    Raises:
        ValueError: Its parts do not fit each other.
        KeyError: A part is missing.
        TypeError: A part has the wrong type.
    """
    model, qualities = PhotoRRVQ(RRVQConfig.of(metadata["config"])), _qualities(metadata["quality"])
    unpack(model, tensors)
    return PhotoCodecModel(metadata["name"], model, qualities, device)


def _qualities(fields: dict[str, Any]) -> QualityMap:
    """Return the range of network qualities. ValueError if it is out of bounds."""
    qualities = QualityMap(**fields)
    ends = (qualities.lowest, qualities.highest)
    if not all(type(end) is int for end in ends) or not 0 <= ends[0] <= ends[1] <= FINEST_QUALITY:
        raise ValueError("its qualities are out of bounds")
    return qualities
