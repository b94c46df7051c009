"""The training loop, readable from top to bottom. It knows no model: what it trains is a Task.

    dvcodec train --model rrvq --data DIR --out RUN              trains a photograph model
    dvcodec train --model rrvq --data DIR --out RUN --resume     goes on from RUN's checkpoint

A run folder holds config.json, checkpoint.safetensors, best.safetensors (where the recipe validates), log.csv and
layers.csv. On a CPU a resumed run equals an uninterrupted one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...errors import DvcodecError
from ...processes.signals import ending
from ..recipes.registry import Settings
from .checkpoints import BEST, FILE, Checkpoint, save
from .distributed import DistributedContext
from .gradient_clipper import GradientClipper
from .interrupts import Interrupts
from .metrics_log import MetricsLog
from .numerics import MOST_BROKEN, SMALLER, BrokenValidation, refuse_gradients, refuse_nan
from .parameters import FlatParameters
from .schedules import Plateau, rate_factor
from .task import LossTerms, Progress, Task

SAVE_EVERY = 240.0
"""Seconds between checkpoints."""


@dataclass(frozen=True)
class RunLimits:
    """Where a run is written, and how long it goes.

    Args:
        out: folder of the run.
        seed: seed of everything that is drawn at random.
        minutes: wall-clock time of the whole run; None leaves the end to the recipe's steps.
    """

    out: Path
    seed: int = 0
    minutes: float | None = None


class Trainer:
    """Everything that a run carries from step to step.

    Args:
        task: the model, its objective and its data.
        settings: preset, sizes and recipe, which every checkpoint repeats.
        limits: run folder, seed and time.
        context: this process among those of the run.
        data_summary: what checkpoints tell of the data; plain values.
    """

    def __init__(
        self,
        task: Task,
        settings: Settings,
        limits: RunLimits,
        context: DistributedContext,
        data_summary: Mapping[str, Any],
    ) -> None:
        self.task, self.settings, self.limits, self.context = task, settings, limits, context
        self.data_summary = data_summary
        self.recipe = settings.recipe
        self.rng = np.random.default_rng(limits.seed)
        self.module = task.module.to(context.device)
        self.step, self.seconds = 0, 0.0
        self.clipper, self.plateau = GradientClipper(), Plateau()
        self.interrupts, self.stopped = Interrupts(), 0
        self._saved_at = 0.0

    def begin(self) -> None:
        """Start a fresh run: let the task prepare its module, then make a cold optimiser."""
        with self.context.together():
            self.task.prepare(self.rng)
        self._flatten()
        vectors = [*self.flat.vectors().values(), *self.flat.average.values()]
        self.context.broadcast([*vectors, *self.module.buffers()])
        self._seed_apart()

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint: parameters, optimiser, generators and counts.

        Raises:
            DvcodecError: the checkpoint lacks one of them.
        """
        self._flatten()
        state = checkpoint.state
        try:
            checkpoint.restore(self.module, self.flat, self.optimiser)
            self.step, self.seconds = int(state["step"]), float(state["seconds"])
            self.clipper.restore(state["gradient_norms"], state["skipped"])
            self.plateau = Plateau(**state["plateau"])
            self.rng.bit_generator.state = state["numpy_rng"]
        except (KeyError, TypeError, ValueError, OverflowError, RuntimeError) as error:
            raise DvcodecError(f"the checkpoint cannot be resumed: {type(error).__name__}: {error}") from error
        self._seed_apart()

    def _flatten(self) -> None:
        self.flat = FlatParameters(self.module, self.task.groups())
        groups = [{"params": [self.flat.groups[name]], "lr": rate} for name, rate in self.flat.rates.items()]
        kind = torch.optim.Adamax if self.recipe.optimiser == "adamax" else torch.optim.Adam
        self.optimiser: torch.optim.Optimizer = kind(groups, betas=(self.recipe.beta1, self.recipe.beta2))

    def _seed_apart(self) -> None:
        """Give every process but the main one generators of its own, so that batches differ."""
        if not self.context.is_main:
            self.rng = np.random.default_rng([self.limits.seed, self.context.rank, self.step])
            torch.manual_seed(int(self.rng.integers(2**62)))

    def train(self, metrics_log: MetricsLog) -> None:
        """Take steps until the recipe, the clock or a person ends the run, then save.

        Raises:
            KeyboardInterrupt: a person ended the run; it is saved.
            SystemExit: SIGTERM or SIGHUP ended the run; it is saved.
            DvcodecError: numbers broke, or a file cannot be written; the state before that is saved where possible.
        """
        started = time.monotonic() - self.seconds
        self._saved_at = time.monotonic()
        with self.interrupts, metrics_log:
            try:
                while not self.done():
                    progress = Progress(self.step, self.fraction())
                    terms, norm = self.one_step(progress)
                    self.step += 1
                    self._agree(time.monotonic() - started)
                    if self.recipe.validate_every and self.step % self.recipe.validate_every == 0:
                        metrics_log.record_validation(self.validate())
                    with self.context.together():
                        self._write(metrics_log, terms, self._figures(progress, norm))
            except BrokenValidation:
                raise  # the state itself is broken: the checkpoint before it stays
            except DvcodecError:
                self.save(FILE)  # the state before the step that failed
                raise
        self.save(FILE)
        if self.stopped:
            raise ending(self.stopped)

    def _figures(self, progress: Progress, norm: float) -> dict[str, float]:
        """Return the loop's own figures for the log."""
        return {"gradient_norm": norm, "rate_factor": self.rate_factor(progress), "skipped": self.clipper.skipped}

    def _write(self, metrics_log: MetricsLog, terms: LossTerms, figures: Mapping[str, float]) -> None:
        metrics_log.record(self.step, self.seconds, terms, figures)
        if time.monotonic() - self._saved_at > SAVE_EVERY:
            self.save(FILE)
            self._saved_at = time.monotonic()

    def _agree(self, seconds: float) -> None:
        """Let all processes see the same clock and the same interrupt."""
        self.seconds, asked = self.context.maximum(seconds, float(self.interrupts.asked))
        self.stopped = int(asked)  # not the flag itself, which may rise in one process after the others have looked

    def done(self) -> bool:
        """Return whether the run is at its end."""
        overfitted = 0 < self.recipe.stop_after <= self.plateau.since
        return self.fraction() >= 1 or overfitted or self.stopped > 0

    def fraction(self) -> float:
        """Return the share of the run that is done: by steps, or by minutes where those end sooner."""
        clock = self.seconds / (60 * self.limits.minutes) if self.limits.minutes else 0.0
        return max(self.step / self.recipe.steps, clock)

    def rate_factor(self, progress: Progress) -> float:
        """Return the factor of all learning rates."""
        return rate_factor(progress, self.recipe, self.plateau.factor)

    def one_step(self, progress: Progress) -> tuple[LossTerms, float]:
        """Take one step: a batch's objective, the clipped gradient, the update, the moving average.

        Returns:
            The loss terms, and the norm of the gradient before clipping.
        """
        self.module.train()
        for group, rate in zip(self.optimiser.param_groups, self.flat.rates.values(), strict=True):
            group["lr"] = rate * self.rate_factor(progress)
        self.flat.zero_grad()
        with self.context.together():
            terms = self._gradients(progress)
        self.context.average(self.flat.gradients())
        if self.context.size > 1:
            self.task.synchronise(self.context.average)
        norm = self.flat.norm()
        factor = self.clipper.scale(norm, self.recipe)
        if self.clipper.broken > MOST_BROKEN:
            refuse_gradients(self.module)
        if factor is not None:
            self.flat.scale_gradients(factor)
            self.optimiser.step()
        self.flat.update_average(min(self.recipe.ema, (self.step + 1) / (self.step + 20)))
        return terms, norm

    def _gradients(self, progress: Progress) -> LossTerms:
        """Add a batch's gradients to those of the parameters. DvcodecError if its loss is not finite."""
        batch = self.task.batch(self.rng, progress).to(self.context.device)
        with torch.autocast(self.context.device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16"):
            terms = self.task.loss_terms(batch, progress)
        refuse_nan(terms)
        terms.loss.backward()  # type: ignore[no-untyped-call]
        return terms

    def validate(self) -> float:
        """Return the validation loss of the averaged parameters; save them if it is the best so far.

        Raises:
            BrokenValidation: the loss is not finite in one of the processes.
        """
        devices = [self.context.device] if self.context.device.type == "cuda" else []
        with torch.random.fork_rng(devices), self.flat.averaged(), torch.no_grad():
            torch.manual_seed(self.limits.seed)
            self.module.eval()
            with self.context.together():
                value = self.task.validate()
        broken = not math.isfinite(value)
        value, broken_anywhere = self.context.maximum(0.0 if broken else value, float(broken))
        if broken_anywhere:
            raise BrokenValidation("the validation's loss is not a number", f"what was saved last is kept: {SMALLER}")
        if self.plateau.update(value, self.recipe):
            with self.context.together():
                self.save(BEST)
        return value

    def save(self, name: str) -> None:
        """Write a checkpoint into the run's folder, in the main process."""
        if not self.context.is_main:
            return
        clipper = {"gradient_norms": list(self.clipper.recent), "skipped": self.clipper.skipped}
        state = {"model": self.settings.preset, "step": self.step, "seconds": self.seconds, "seed": self.limits.seed}
        state |= {**clipper, "plateau": asdict(self.plateau), "numpy_rng": self.rng.bit_generator.state}
        state |= {"device": self.context.device.type, **self.data_summary}
        path = self.limits.out / name
        save(path, self.module, self.flat, self.optimiser, self.settings.plain(), state)
