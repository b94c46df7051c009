"""Turn what a person asked for into a running loop: settings, task, run folder, log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import torch

from ..errors import DvcodecError
from ..image_io.atomic import check_folder, make_folder, write
from ..models.integer.guard import default_modes
from .loop.checkpoints import FILE, Checkpoint
from .loop.display import Display, say
from .loop.distributed import DistributedContext, distributed_context
from .loop.log_files import CsvLogs, TensorBoardLog, tensorboard_writer
from .loop.metrics_log import MetricsLog, MetricsSink
from .loop.trainer import RunLimits, Trainer
from .options import TrainOptions
from .recipes.registry import Settings, resolve
from .tasks.building import task_of


def run(options: TrainOptions) -> None:
    """Train as `options` say, to the last step or minute.

    Raises:
        KeyboardInterrupt: a person stopped the run; the step that was under way is finished and saved.
        DvcodecError: settings, data or the run folder do not allow it, or the numbers broke.
    """
    with default_modes(), _host_restored():
        _run(options)


@contextmanager
def _host_restored() -> Iterator[None]:
    """Leave the random generators and the number of threads of the process as they were."""
    threads = torch.get_num_threads()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    with torch.random.fork_rng(devices=devices):
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def _run(options: TrainOptions) -> None:
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.tensorboard:
        tensorboard_writer()  # a missing package is reported before anything else happens
    with distributed_context(options.device) as context:
        with context.together():
            checkpoint = _checkpoint(options)
            trainer = _trainer(options, checkpoint, context)
        if checkpoint is None:
            trainer.begin()
        else:
            trainer.resume(checkpoint)
        with context.together():
            sinks = _sinks(options, trainer) if context.is_main else []
        trainer.train(MetricsLog(sinks))


def _checkpoint(options: TrainOptions) -> Checkpoint | None:
    """Return what the run goes on from. DvcodecError if a fresh run would overwrite another, or could not write."""
    path = options.out / FILE
    check_folder(options.out, "choose another `out`")
    if options.resume:
        return Checkpoint(path)
    if path.exists():
        raise DvcodecError(f"{options.out} holds a run", "use `resume` to continue it, or another `out`")
    return None


def _trainer(options: TrainOptions, checkpoint: Checkpoint | None, context: DistributedContext) -> Trainer:
    settings = _settings(options, checkpoint)
    if checkpoint is not None:
        checkpoint.refuse_other_sizes(settings)
    torch.manual_seed(options.seed)
    task, summary = task_of(settings, options)
    return Trainer(task, settings, RunLimits(options.out, options.seed, options.minutes), context, summary)


def _settings(options: TrainOptions, checkpoint: Checkpoint | None) -> Settings:
    overrides = dict(options.overrides)
    if options.precision is not None:
        overrides["precision"] = options.precision
    return resolve(options.model, overrides, options.steps, None if checkpoint is None else checkpoint.settings)


def _sinks(options: TrainOptions, trainer: Trainer) -> list[MetricsSink]:
    """Make the run folder with its config.json, and return where the figures go."""
    say(f"the run is written to {options.out}", quiet=options.quiet)
    if options.exclude is not None:
        say(f"{trainer.data_summary['excluded']} images left out: {options.exclude} has them", quiet=options.quiet)
    make_folder(options.out)
    text = json.dumps(described(options, trainer), indent=2) + "\n"
    write(options.out / "config.json", text.encode(), force=True)
    sinks: list[MetricsSink] = [CsvLogs(options.out, trainer.step), Display(trainer.recipe.steps, quiet=options.quiet)]
    return [*sinks, TensorBoardLog(options.out)] if options.tensorboard else sinks


def described(options: TrainOptions, trainer: Trainer) -> dict[str, Any]:
    """Return the run as config.json tells it: the settings in full, what was asked for, where it runs."""
    asked = {
        key: value if isinstance(value, int | float | dict | None) else str(value)
        for key, value in asdict(options).items()
    }
    return {
        "torch": torch.__version__,
        "device": str(trainer.context.device),
        "processes": trainer.context.size,
        "parameters": sum(p.numel() for p in trainer.module.parameters()),
        "data": dict(trainer.data_summary),
        **trainer.settings.plain(),
        "options": asked,
    }
