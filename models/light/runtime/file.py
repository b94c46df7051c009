"""Restores the light photograph model of a weights file."""

from __future__ import annotations

from typing import Any

from ...integer.weights_file import Tensors
from ...photo.quality import quality_map
from ..config import LightConfig
from .model import RuntimeLightModel


def restore(metadata: dict[str, Any], tensors: Tensors) -> RuntimeLightModel:
    """Return the model.

    Args:
        metadata: the file's metadata.
        tensors: its tensors.

    Raises:
        ValueError: its parts do not fit each other.
        KeyError: a part is missing.
        TypeError: a part has the wrong type.
    """
    config, qualities = LightConfig.of(metadata["config"]), quality_map(metadata["quality"])
    return RuntimeLightModel(metadata["name"], config, qualities, tensors)
