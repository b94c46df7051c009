"""Checkpoints of version 1, photograph models alone: flat vectors by group. They are read as if they were of today."""

from __future__ import annotations

import json

import torch
from torch import Tensor, nn

from ..models.configs import RRVQConfig
from ..models.photo import PhotoRRVQ
from .photo_task import group_of

OLDER = "dvcodec-checkpoint-1"
MOMENTS = ("exp_avg", "exp_avg_sq")
GROUPS = ("chain", "codebooks", "synthesis", "analysis")
"""The groups of parameters of that time."""


def upgraded(tensors: dict[str, Tensor], metadata: dict[str, str]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a version 1 checkpoint as they are named today.

    KeyError, ValueError or RuntimeError if parts are missing or of other sizes.
    """
    config, state = json.loads(metadata["config"]), json.loads(metadata["state"])
    with torch.device("meta"):  # the settings may ask for more than the file holds
        module = PhotoRRVQ(RRVQConfig.of(config))
    new: dict[str, Tensor] = {}
    for old, groups in _groups(tensors).items():
        new |= _named(module, groups, tensors[f"group.{old}"], "model")
        new |= _named(module, groups, tensors[f"average.{old}"], "average")
        if f"adam.{old}.step" in tensors:
            new |= {f"steps.{group}": tensors[f"adam.{old}.step"] for group in groups}
            for kind in MOMENTS:
                new |= _named(module, groups, tensors[f"adam.{old}.{kind}"], f"moment.{kind}")
    new = {f"model.{name}": value for name, value in PhotoRRVQ(module.config).state_dict().items()} | new
    new |= {
        f"model.{key.removeprefix('buffer.')}": value for key, value in tensors.items() if key.startswith("buffer.")
    }
    new["rng.torch"] = tensors["torch_rng"]
    settings = {"kind": "photo", "preset": state["model"], "config": config, "recipe": state["recipe"]}
    return new, {"settings": json.dumps(settings), "state": json.dumps(state)}


def _groups(tensors: dict[str, Tensor]) -> dict[str, tuple[str, ...]]:
    """The groups in the file, and which of today's they hold; at first both float networks were one."""
    whole = "group.networks" in tensors
    known = {"chain": ("chain",), "codebooks": ("codebooks",)}
    return {**known, "networks": ("synthesis", "analysis")} if whole else {group: (group,) for group in GROUPS}


def _named(module: nn.Module, groups: tuple[str, ...], vector: Tensor, prefix: str) -> dict[str, Tensor]:
    members = [(name, p) for name, p in module.named_parameters() if group_of(name) in groups]
    parts = torch.split(vector, [parameter.numel() for _, parameter in members])
    return {f"{prefix}.{name}": part.view(p.shape) for (name, p), part in zip(members, parts, strict=True)}
