"""Checkpoints: one safetensors file with all that a run needs to go on as if it had never stopped.

Tensors, by prefix: model.NAME is the state of the module, average.NAME the moving averages of its trained parameters,
moment.KIND.NAME the optimiser's moments, steps.GROUP its updates, rng.torch and rng.cuda the generators. JSON in the
metadata: format, settings (kind, preset, config, recipe), state (steps, seconds, numpy's generator, norms, ...).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ...errors import DvcodecError, OutputFailed
from ...image_io.atomic import replacing
from ...models.photo.network.model import PhotoRRVQ
from ..recipes import registry
from .parameters import FlatParameters

FILE = "checkpoint.safetensors"
BEST = "best.safetensors"
FORMAT = "dvcodec-checkpoint-1"
ESTIMATOR = "estimator"
"""Name of the part of a module that only its training needs."""
KEPT = "the checkpoint before it is as it was"


def save(
    path: Path,
    module: nn.Module,
    flat: FlatParameters,
    optimiser: torch.optim.Optimizer,
    settings: dict[str, Any],
    state: dict[str, Any],
) -> None:
    """Replace a checkpoint in one step.

    Args:
        path: the file.
        module: its state is saved, buffers included.
        flat: the module's trained parameters with their moving averages.
        optimiser: its moments are saved under the parameters' names.
        settings: `registry.Settings.plain`.
        state: anything else to go on from; what JSON holds.

    Raises:
        OutputFailed: the file cannot be written; the checkpoint before it is as it was.
    """
    tensors = {f"model.{name}": value for name, value in module.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in flat.named(flat.average).items()}
    tensors |= _optimiser_tensors(flat, optimiser)
    tensors["rng.torch"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["rng.cuda"] = torch.cuda.get_rng_state()
    metadata = {"format": FORMAT, "settings": json.dumps(settings), "state": json.dumps(state)}
    try:
        with replacing(path) as new:
            save_file({key: value.detach().cpu().clone() for key, value in tensors.items()}, new, metadata)
    except SafetensorError as error:
        raise OutputFailed(f"cannot write {path}: {error}", KEPT) from error
    except OutputFailed as error:
        raise OutputFailed(error.reason, KEPT) from error


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
    """The tensors, settings and state of a checkpoint file.

    Args:
        path: the file.

    Raises:
        DvcodecError: it is not a checkpoint, or not one of this release.
    """

    def __init__(self, path: Path) -> None:
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("format") != FORMAT:
                    raise DvcodecError("not a dvcodec checkpoint", "give the checkpoint.safetensors of a run")
                self.tensors: dict[str, Tensor] = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            self.state: dict[str, Any] = dict(json.loads(metadata["state"]))
            self.settings = registry.restored(json.loads(metadata["settings"]))
        except (OSError, SafetensorError) as error:
            raise DvcodecError(f"cannot be read as a checkpoint: {error}") from error
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:  # too deep JSON: Recursion...
            raise DvcodecError(f"not a checkpoint of this release: {type(error).__name__}: {error}") from error

    def model(self) -> nn.Module:
        """Return the model with the moving averages of its parameters, as it is exported and measured."""
        self.refuse_other_sizes(self.settings)
        module = registry.module(self.settings)
        _load(module, self.parameters())
        return module.eval()

    def refuse_other_sizes(self, settings: registry.Settings) -> None:
        """Raise DvcodecError unless the file holds exactly the tensors of the model of `settings`.

        These may be the file's own, and may ask for more than it holds: nothing is allocated.
        """
        with torch.device("meta"):
            _refuse_misfit(registry.module(settings), self.parameters())

    def photo_model(self) -> PhotoRRVQ:
        """Return the same for a photograph model. DvcodecError if it is a model of another kind."""
        model = self.model()
        if not isinstance(model, PhotoRRVQ):
            raise DvcodecError(f"{self.settings.preset} is not a model of photographs")
        return model

    def restore(self, module: nn.Module, flat: FlatParameters, optimiser: torch.optim.Optimizer) -> None:
        """Set parameters, buffers, averages, the optimiser's moments and torch's generators as they were."""
        _load(module, self._part("model"))
        average = self._part("average")
        for name, view in flat.named(flat.average).items():
            view.copy_(average[name])
        kinds = sorted({key.split(".")[1] for key in self.tensors if key.startswith("moment.")})
        for group, vector in flat.groups.items():
            if f"steps.{group}" in self.tensors:
                moments = {kind: self._moment(flat, group, kind).to(vector.device) for kind in kinds}
                optimiser.state[vector] = {"step": self.tensors[f"steps.{group}"].clone(), **moments}
        torch.set_rng_state(self.tensors["rng.torch"])
        if "rng.cuda" in self.tensors and torch.cuda.is_available():
            torch.cuda.set_rng_state(self.tensors["rng.cuda"])

    def _moment(self, flat: FlatParameters, group: str, kind: str) -> Tensor:
        parts = [(self.tensors[f"moment.{kind}.{name}"], shape) for name, shape in flat.members[group]]
        return torch.cat([part.reshape(shape).reshape(-1) for part, shape in parts])

    def parameters(self) -> dict[str, Tensor]:
        """Return the module's state by name, with the moving averages of its parameters, less the estimator's."""
        held = self._part("model") | self._part("average")
        return {name: value for name, value in held.items() if not name.startswith(f"{ESTIMATOR}.")}

    def _part(self, prefix: str) -> dict[str, Tensor]:
        start = f"{prefix}."
        return {key.removeprefix(start): value for key, value in self.tensors.items() if key.startswith(start)}


def _load(module: nn.Module, tensors: dict[str, Tensor]) -> None:
    _refuse_misfit(module, tensors)
    module.load_state_dict(tensors)


def _refuse_misfit(module: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Raise DvcodecError that names the first tensor that is missing, unknown or of another shape."""
    mine = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    theirs = {name: tuple(value.shape) for name, value in tensors.items()}
    for name in [*mine, *theirs]:
        if mine.get(name) != theirs.get(name):
            held = f"has shape {theirs[name]}" if name in theirs else "is missing"
            wanted = f"wants {mine[name]}" if name in mine else "has no such tensor"
            raise DvcodecError(
                f"the checkpoint is of another model: its {name[:80]} {held}, the model {wanted}",
                "give its own `model` and `overrides`",
            )
