"""Weights files of families: their configuration and the integers of `packing`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ..integer import weights_file
from ..integer.weights_file import Tensors
from .config import from_fields
from .hierarchy import FamilyHierarchy
from .model import FamilyVAE
from .packing import integer_config, pack, unpack

FORMAT = "dvcodec-family-1"


def write(model: FamilyVAE, name: str) -> bytes:
    """Return the bytes of a weights file.

    Args:
        model: The trained model.
        name: The name of the weights.

    Raises:
        BoundError: If the model has no exact form or its sums could round.
    """
    metadata = {"format": FORMAT, "name": name, "config": asdict(integer_config(model.config))}
    return weights_file.write(metadata, pack(model))


def restore(metadata: dict[str, Any], tensors: Tensors, device: str) -> FamilyHierarchy:
    """Return the hierarchy of a weights file.

    Args:
        metadata: The file's metadata, with `name` and `config`.
        tensors: The file's tensors.
        device: "cpu" or "cuda".

    Raises:
        ValueError, KeyError or TypeError: If the parts of the file do not fit each other.
    """
    return FamilyHierarchy(metadata["name"], unpack(from_fields(metadata["config"]), tensors), device)
