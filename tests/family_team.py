"""Shrunk families that train in two processes, each keeping what it holds in the end: `family_team.py RUN NAME...`.

RUN/NAME-RANK.safetensors are the module's parameters and buffers and the parameters' moving averages.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import families_small as small
import torch
from processes import together
from safetensors.torch import save_file

from dvcodec.training.loop.distributed import Team
from dvcodec.training.loop.metrics_log import Journal
from dvcodec.training.loop.trainer import Limits, Trainer
from dvcodec.training.recipes.families import FAMILIES
from dvcodec.training.recipes.registry import Settings
from dvcodec.training.tasks.families import ElboTask


def train(name: str, folder: Path, team: Team) -> None:
    """Two steps on images of each process's own, and a validation; free bits are the preset's."""
    preset = small.shrunk(FAMILIES[name])
    recipe = replace(preset.recipe, steps=2, validate_every=2, free_bits=FAMILIES[name].recipe.free_bits)
    torch.manual_seed(team.rank)  # even networks begin apart
    few = small.Few(preset, seed=team.rank)
    task = ElboTask(preset.config, recipe, few, lambda: [few.images])
    settings = Settings("family", name, preset.config, recipe)
    run = Trainer(task, settings, Limits(folder), team, {})
    run.begin()
    run.train(Journal([]))
    held = {**run.module.state_dict(), **{f"average {key}": value for key, value in run.flat.average.items()}}
    save_file({key: value.clone() for key, value in held.items()}, folder / f"{name}-{team.rank}.safetensors")


def work(team: Team) -> None:
    """One preset after another."""
    for name in sys.argv[2:]:
        train(name, Path(sys.argv[1]), team)


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(together(2, work))
