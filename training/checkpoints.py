"""Checkpoints: one safetensors file with all that a run needs to go on as if it had never stopped.

Tensors, by prefix:  model.NAME the state of the module · average.NAME moving averages of its trained parameters
moment.KIND.NAME the optimiser's moments · steps.GROUP its updates · rng.torch, rng.cuda generators. JSON in the
metadata: format, settings (kind, preset, config, recipe), state (steps, seconds, numpy's generator, norms, ...).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ..codec.errors import DvcodecError
from ..models.photo import PhotoRRVQ
from . import registry
from .older_checkpoints import OLDER, upgraded
from .parameters import FlatParameters

FILE = "checkpoint.safetensors"
BEST = "best.safetensors"
FORMAT = "dvcodec-checkpoint-2"


def save(
    path: Path,
    module: nn.Module,
    flat: FlatParameters,
    optimiser: torch.optim.Optimizer,
    settings: dict[str, Any],
    state: dict[str, Any],
) -> None:
    """Writes a checkpoint beside the old one and renames it. `settings` and `state` are anything JSON holds."""
    tensors = {f"model.{name}": value for name, value in module.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in flat.named(flat.average).items()}
    tensors |= _optimiser_tensors(flat, optimiser)
    tensors["rng.torch"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["rng.cuda"] = torch.cuda.get_rng_state()
    metadata = {"format": FORMAT, "settings": json.dumps(settings), "state": json.dumps(state)}
    partial = path.with_suffix(".partial")
    save_file({key: value.detach().cpu().clone() for key, value in tensors.items()}, partial, metadata)
    os.replace(partial, path)


def _optimiser_tensors(flat: FlatParameters, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for group, vector in flat.groups.items():
        moments = optimiser.state[vector]
        for kind, value in moments.items():
            if kind == "step":
                tensors[f"steps.{group}"] = value
            else:
                tensors |= {f"moment.{kind}.{name}": part for name, part in flat.named({group: value}).items()}
    return tensors


class Checkpoint:
    """A checkpoint file, read. DvcodecError if it is none, or one that this release does not understand."""

    def __init__(self, path: Path) -> None:
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("format") not in (FORMAT, OLDER):
                    raise DvcodecError("not a dvcodec checkpoint", "give the checkpoint.safetensors of a run")
                self.tensors: dict[str, Tensor] = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            if metadata["format"] == OLDER:
                self.tensors, metadata = upgraded(self.tensors, metadata)
            self.state: dict[str, Any] = json.loads(metadata["state"])
            self.settings = registry.restored(json.loads(metadata["settings"]))
        except (OSError, SafetensorError) as error:
            raise DvcodecError(f"cannot be read as a checkpoint: {error}") from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DvcodecError(f"not a checkpoint of this release: {type(error).__name__}: {error}") from error

    def model(self) -> nn.Module:
        """The model with its parameters' moving averages, as it is to be exported and measured."""
        tensors = self._part("model") | self._part("average")
        with torch.device("meta"):  # the settings may ask for more than the file holds: nothing is allocated
            shell = registry.module(self.settings)
        self._load(shell, tensors, assign=True)
        module = registry.module(self.settings)
        self._load(module, tensors)
        return module.eval()

    def photo_model(self) -> PhotoRRVQ:
        """The same, of a photograph model. DvcodecError if it is of another kind."""
        model = self.model()
        if not isinstance(model, PhotoRRVQ):
            raise DvcodecError(f"{self.settings.preset} is no model of photographs")
        return model

    def restore(self, module: nn.Module, flat: FlatParameters, optimiser: torch.optim.Optimizer) -> None:
        """Puts parameters, buffers, averages, the optimiser's moments and torch's generators as they were."""
        self._load(module, self._part("model"))
        average = self._part("average")
        for group, vector in flat.named(flat.average).items():
            vector.copy_(average[group])
        kinds = sorted({key.split(".")[1] for key in self.tensors if key.startswith("moment.")})
        for group, vector in flat.groups.items():
            if f"steps.{group}" in self.tensors:
                moments = {kind: self._moment(flat, group, kind).to(vector.device) for kind in kinds}
                optimiser.state[vector] = {"step": self.tensors[f"steps.{group}"].clone(), **moments}
        torch.set_rng_state(self.tensors["rng.torch"])
        if "rng.cuda" in self.tensors and torch.cuda.is_available():
            torch.cuda.set_rng_state(self.tensors["rng.cuda"])

    def _moment(self, flat: FlatParameters, group: str, kind: str) -> Tensor:
        return torch.cat([self.tensors[f"moment.{kind}.{name}"].reshape(-1) for name, _ in flat.members[group]])

    def _part(self, prefix: str) -> dict[str, Tensor]:
        start = f"{prefix}."
        return {key.removeprefix(start): value for key, value in self.tensors.items() if key.startswith(start)}

    def _load(self, module: nn.Module, tensors: dict[str, Tensor], *, assign: bool = False) -> None:
        try:
            module.load_state_dict(tensors, assign=assign)
        except RuntimeError as error:
            first = str(error).splitlines()[-1].strip()
            raise DvcodecError(
                f"the checkpoint is of another model: {first}", "give its own --model and --set"
            ) from None
