"""From a trained family to exact integer weights with a card beside them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..codec.errors import DvcodecError
from ..models.families.model import FamilyVAE
from ..models.families.weights import write
from ..models.packing import BoundError


def export_family(model: FamilyVAE, out: Path, card: Mapping[str, str], training: Mapping[str, Any]) -> Path:
    """Writes weights to `out` and their card beside it (`out` with .card.json). Returns `out`.

    `card` has the name and what a person says of the weights, `training` what the run knows (steps, seconds, recipe).
    DvcodecError if the model has no exact form.
    """
    try:
        data = write(model, card["name"])
    except BoundError as error:
        raise DvcodecError(f"cannot be made exact: {error}") from error
    image = model.config.image
    layers = [
        {"name": m.plan.name, "stride": -(-image // m.plan.side), "symbols": m.plan.symbols} for m in model.layers()
    ]
    facts = {
        **card,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "training": {**training, "torch": torch.__version__},
        "layers": layers,
    }
    _replace(out, data)
    _replace(out.with_suffix(".card.json"), (json.dumps(facts, indent=2) + "\n").encode())
    return out


def _replace(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    os.replace(partial, path)
