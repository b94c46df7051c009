"""Train shrunk families, and the toy task, in two processes: `family_processes.py RUN NAME...`.

RUN/NAME-RANK.safetensors are the parameters and buffers of a family's module that a process holds in the end, and the
parameters' moving averages. RUN/toy is the run of the toy task, whose processes share each step's pairs.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import families_small as small
import torch
from safetensors.torch import save_file

import toy_task
from dvcodec.training.loop.distributed import DistributedContext
from dvcodec.training.loop.metrics_log import MetricsLog
from dvcodec.training.loop.trainer import RunLimits, Trainer
from dvcodec.training.recipes.family_presets import FAMILY_PRESETS
from dvcodec.training.recipes.registry import Settings
from dvcodec.training.tasks.families import ElboTask
from processes import together


def train(name: str, folder: Path, context: DistributedContext) -> None:
    """Two steps on images of each process's own, and a validation; free bits are the preset's."""
    preset = small.shrunk(FAMILY_PRESETS[name])
    recipe = replace(preset.recipe, steps=2, validate_every=2, free_bits=FAMILY_PRESETS[name].recipe.free_bits)
    torch.manual_seed(context.rank)  # even networks begin apart
    few = small.Few(preset, seed=context.rank)
    task = ElboTask(preset.config, recipe, few, lambda: [few.images])
    settings = Settings("family", name, preset.config, recipe)
    run = Trainer(task, settings, RunLimits(folder), context, {})
    run.begin()
    run.train(MetricsLog([]))
    held = {**run.module.state_dict(), **{f"average {key}": value for key, value in run.flat.average.items()}}
    save_file({key: value.clone() for key, value in held.items()}, folder / f"{name}-{context.rank}.safetensors")


def work(context: DistributedContext) -> None:
    """One preset after another, then the toy."""
    folder = Path(sys.argv[1])
    for name in sys.argv[2:]:
        train(name, folder, context)
    if context.is_main:
        (folder / "toy").mkdir()
    toy_task.train(toy_task.trainer(folder / "toy", replace(toy_task.RECIPE, steps=6), context, noise=0.0))


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(together(2, work))
