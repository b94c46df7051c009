"""Checkpoints: one safetensors file with all that a run needs to go on as if it had never stopped."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..codec.errors import DvcodecError
from ..models.photo import PhotoRRVQ
from ..models.rrvq import RRVQConfig
from .parameters import FlatParameters
from .recipes import Recipe

FILE = "checkpoint.safetensors"
FORMAT = "dvcodec-checkpoint-1"


def save(path: Path, model: PhotoRRVQ, flat: FlatParameters, adam: torch.optim.Adam, state: dict[str, Any]) -> None:
    """Writes a checkpoint beside the old one and renames it. `state` is anything JSON holds."""
    tensors = {f"group.{name}": group.detach() for name, group in flat.groups.items()}
    tensors |= {f"average.{name}": value for name, value in flat.average.items()}
    for name, group in flat.groups.items():
        moments = adam.state[group]
        tensors |= {f"adam.{name}.{key}": value for key, value in moments.items() if isinstance(value, Tensor)}
    tensors |= {f"buffer.{name}": value for name, value in model.named_buffers() if name.endswith(".keep")}
    tensors["torch_rng"] = torch.get_rng_state()
    metadata = {"format": FORMAT, "state": json.dumps(state), "config": json.dumps(asdict(model.config))}
    partial = path.with_suffix(".partial")
    save_file({key: value.contiguous().cpu() for key, value in tensors.items()}, partial, metadata)
    os.replace(partial, path)


class Checkpoint:
    """A checkpoint file, read. DvcodecError if it is none."""

    def __init__(self, path: Path) -> None:
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("format") != FORMAT:
                    raise DvcodecError("not a dvcodec checkpoint", "give the checkpoint.safetensors of a run")
                self.tensors: dict[str, Tensor] = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise DvcodecError(f"cannot be read as a checkpoint: {error}") from error
        self.state: dict[str, Any] = json.loads(metadata["state"])
        config = json.loads(metadata["config"])
        config["widths"] = {int(stride): width for stride, width in config["widths"].items()}
        self.config = RRVQConfig(**config)
        self.recipe = Recipe(**self.state["recipe"])

    def model(self) -> PhotoRRVQ:
        """The model with its parameters' moving averages, as it is to be exported."""
        model = PhotoRRVQ(self.config)
        flat = FlatParameters(model)
        self.restore_parameters(model, flat)
        flat.use_average()
        return model.eval()

    def restore_parameters(self, model: PhotoRRVQ, flat: FlatParameters) -> None:
        """Parameters, averages and buffers."""
        with torch.no_grad():
            for name, group in flat.groups.items():
                group.data.copy_(self.tensors[f"group.{name}"])
                flat.average[name].copy_(self.tensors[f"average.{name}"])
            for name, buffer in model.named_buffers():
                if name.endswith(".keep"):
                    buffer.copy_(self.tensors[f"buffer.{name}"])

    def restore_rest(self, flat: FlatParameters, adam: torch.optim.Adam, rng: np.random.Generator) -> None:
        """The optimiser's moments and the random generators."""
        for name, group in flat.groups.items():
            keys = [key for key in self.tensors if key.startswith(f"adam.{name}.")]
            adam.state[group] = {key.rsplit(".", 1)[1]: self.tensors[key].clone() for key in keys}
        for key, group_moments in ((k, adam.state[g]) for k, g in flat.groups.items()):
            for moment, value in group_moments.items():
                if moment != "step":
                    group_moments[moment] = value.to(flat.groups[key].device)
        torch.set_rng_state(self.tensors["torch_rng"])
        rng.bit_generator.state = self.state["numpy_rng"]
