"""Weights files of families (see models.deflated): the configuration in the facts, the integers of `packing`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from torch import Tensor

from ..deflated import deflate
from .config import from_fields
from .hierarchy import FamilyHierarchy
from .model import FamilyVAE
from .packing import frozen_config, pack, unpack

FORMAT = "dvcodec-family-1"


def write(model: FamilyVAE, name: str) -> bytes:
    """The bytes of a weights file. `packing.BoundError` if the model has no exact form or its sums could round."""
    return deflate({"format": FORMAT, "name": name, "config": asdict(frozen_config(model.config))}, pack(model))


def restore(facts: dict[str, Any], packed: dict[str, Tensor], device: str) -> FamilyHierarchy:
    """The hierarchy of a weights file's facts and tensors. ValueError, KeyError or TypeError if they do not fit."""
    return FamilyHierarchy(str(facts["name"]), unpack(from_fields(facts["config"]), packed), device)
