"""From what a person asked for to a running loop: settings, task, run folder, log."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import torch

from ..errors import DvcodecError
from .loop.checkpoints import FILE, Checkpoint
from .loop.display import Display, say
from .loop.distributed import Team, joined
from .loop.metrics_log import Journal, Sink, Tables, TensorBoard, tensorboard_writer
from .loop.trainer import Limits, Trainer
from .options import TrainOptions
from .recipes.registry import Settings, resolve
from .tasks.building import task_of


def run(options: TrainOptions) -> None:
    """Trains as `options` say, to the last step or minute. Ctrl-C: the step ends, is saved, KeyboardInterrupt."""
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.tensorboard:
        tensorboard_writer()  # says so at once if it is missing
    with joined(options.device) as team:
        checkpoint = _checkpoint(options)
        settings = _settings(options, checkpoint)
        if checkpoint is not None:
            checkpoint.refuse_other_sizes(settings)
        torch.manual_seed(options.seed)
        task, facts = task_of(settings, options)
        trainer = Trainer(task, settings, Limits(options.out, options.seed, options.minutes), team, facts)
        if checkpoint is None:
            trainer.begin()
        else:
            trainer.resume(checkpoint)
        trainer.train(Journal(_sinks(options, trainer, team)))


def _checkpoint(options: TrainOptions) -> Checkpoint | None:
    """What the run goes on from. DvcodecError if a fresh run would overwrite another, or could not write."""
    path = options.out / FILE
    there = next(folder for folder in (options.out, *options.out.absolute().parents) if folder.exists())
    if not there.is_dir():
        raise DvcodecError(f"{there} is no folder, the run cannot be written to {options.out}", "choose another --out")
    if options.resume:
        return Checkpoint(path)
    if path.exists():
        raise DvcodecError(f"{options.out} holds a run", "use --resume to go on with it, or another --out")
    return None


def _settings(options: TrainOptions, checkpoint: Checkpoint | None) -> Settings:
    overrides = dict(options.overrides)
    if options.precision is not None:
        overrides["precision"] = options.precision
    return resolve(options.model, overrides, options.steps, None if checkpoint is None else checkpoint.settings)


def _sinks(options: TrainOptions, trainer: Trainer, team: Team) -> list[Sink]:
    """Where the first process's rows go; writes config.json."""
    if not team.first:
        return []
    say(f"the run is written to {options.out}", quiet=options.quiet)
    if options.exclude is not None:
        say(f"{trainer.facts['excluded']} images left out: {options.exclude} has them", quiet=options.quiet)
    options.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(described(options, trainer, team), indent=2) + "\n"
    (options.out / "config.json").write_text(text)
    sinks: list[Sink] = [Tables(options.out, trainer.step), Display(trainer.recipe.steps, quiet=options.quiet)]
    return [*sinks, TensorBoard(options.out)] if options.tensorboard else sinks


def described(options: TrainOptions, trainer: Trainer, team: Team) -> dict[str, Any]:
    """The run as config.json tells it: settings in full, what was asked for, where it runs."""
    asked = {
        key: value if isinstance(value, int | float | dict | None) else str(value)
        for key, value in asdict(options).items()
    }
    return {
        "torch": torch.__version__,
        "device": str(team.device),
        "processes": team.size,
        "parameters": sum(p.numel() for p in trainer.module.parameters()),
        "data": trainer.facts,
        **trainer.settings.plain(),
        "options": asked,
    }
