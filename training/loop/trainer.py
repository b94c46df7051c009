"""The training loop, readable from top to bottom. It knows no model: what it trains is a Task.

    dvcodec train --model rrvq --data DIR --out RUN              a photograph model
    dvcodec train --model rrvq --data DIR --out RUN --resume     goes on where RUN's checkpoint stands

A run folder holds config.json, checkpoint.safetensors, best.safetensors (where the recipe validates), log.csv and
layers.csv. On a CPU a resumed run equals an uninterrupted one.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ...errors import DvcodecError
from ..recipes.registry import Settings
from .checkpoints import BEST, FILE, Checkpoint, save
from .distributed import Team
from .interrupts import Interrupts
from .metrics_log import Journal
from .parameters import FlatParameters
from .schedules import Norms, Plateau, share
from .task import Moment, Synchronised, Task, Terms, Validated

SAVE_EVERY = 240.0
"""Seconds between checkpoints."""

MOST_BROKEN = 20
"""Gradients in a row that may be no numbers: their updates are left out, and later ones may be fine."""

SMALLER = "resume with a smaller rate: --set rate=..."


class BrokenValidation(DvcodecError):
    """The averaged parameters give no number on the validation images."""


@dataclass(frozen=True)
class Limits:
    """Where and how long a run goes: its folder, its seed, minutes of wall clock (None: the recipe's steps alone)."""

    out: Path
    seed: int = 0
    minutes: float | None = None


class Trainer:
    """Everything that a run carries from step to step."""

    def __init__(self, task: Task, settings: Settings, limits: Limits, team: Team, facts: dict[str, Any]) -> None:
        self.task, self.settings, self.limits, self.team, self.facts = task, settings, limits, team, facts
        self.recipe = settings.recipe
        self.rng = np.random.default_rng(limits.seed)
        self.module = task.module.to(team.device)
        self.step, self.seconds = 0, 0.0
        self.norms, self.plateau = Norms(), Plateau()
        self.interrupts, self.stopped = Interrupts(), False

    def begin(self) -> None:
        """A fresh run: the task prepares its module, the optimiser is cold."""
        self.task.prepare(self.rng)
        self._flatten()
        self.team.follow_first([*self.flat.vectors().values(), *self.flat.average.values(), *self.module.buffers()])
        self._part_ways()

    def resume(self, checkpoint: Checkpoint) -> None:
        """Goes on from a checkpoint: parameters, optimiser, generators, counts. DvcodecError if one is missing."""
        self._flatten()
        state = checkpoint.state
        try:
            checkpoint.restore(self.module, self.flat, self.optimiser)
            self.step, self.seconds = int(state["step"]), float(state["seconds"])
            self.norms.restore(state["norms"], state.get("skipped", 0))
            self.plateau = Plateau(**state.get("plateau", {}))
            self.rng.bit_generator.state = state["numpy_rng"]
        except (KeyError, TypeError, ValueError, OverflowError, RuntimeError) as error:
            raise DvcodecError(f"the checkpoint cannot be gone on from: {type(error).__name__}: {error}") from error
        self._part_ways()

    def _flatten(self) -> None:
        self.flat = FlatParameters(self.module, self.task.groups())
        groups = [{"params": [self.flat.groups[name]], "lr": rate} for name, rate in self.flat.rates.items()]
        kind = torch.optim.Adamax if self.recipe.optimiser == "adamax" else torch.optim.Adam
        self.optimiser: torch.optim.Optimizer = kind(groups, betas=(self.recipe.beta1, self.recipe.beta2))

    def _part_ways(self) -> None:
        """Every process but the first draws from generators of its own."""
        if not self.team.first:
            self.rng = np.random.default_rng([self.limits.seed, self.team.rank, self.step])
            torch.manual_seed(int(self.rng.integers(2**62)))

    def train(self, journal: Journal) -> None:
        """Steps until the recipe, the clock or a person ends the run; saves. KeyboardInterrupt if a person did."""
        started, saved = time.monotonic() - self.seconds, time.monotonic()
        with self.interrupts, journal:
            try:
                while not self.done():
                    moment = Moment(self.step, self.fraction())
                    terms, norm = self.one_step(moment)
                    self.step += 1
                    self.agree(time.monotonic() - started)
                    figures = {"gradient_norm": norm, "rate_share": self.share(moment), "skipped": self.norms.skipped}
                    if self.recipe.validate_every and self.step % self.recipe.validate_every == 0:
                        journal.validation(self.validate())
                    journal.take(self.step, self.seconds, terms, figures)
                    if time.monotonic() - saved > SAVE_EVERY:
                        self.save(FILE)
                        saved = time.monotonic()
            except BrokenValidation:
                raise  # it is this state that is broken
            except DvcodecError:
                self.save(FILE)  # the state before the step that failed
                raise
        self.save(FILE)
        if self.stopped:
            raise KeyboardInterrupt

    def agree(self, seconds: float) -> None:
        """Lets all processes see the same clock and the same interrupt."""
        self.seconds, asked = self.team.largest(seconds, float(self.interrupts.asked))
        self.stopped = asked > 0  # not the flag itself, which may rise in one process after the others have looked

    def done(self) -> bool:
        """Whether the run is at its end."""
        overfitted = 0 < self.recipe.stop_after <= self.plateau.since
        return self.fraction() >= 1 or overfitted or self.stopped

    def fraction(self) -> float:
        """How much of the run is done: by steps, or by minutes where those are sooner."""
        clock = self.seconds / (60 * self.limits.minutes) if self.limits.minutes else 0.0
        return max(self.step / self.recipe.steps, clock)

    def share(self, moment: Moment) -> float:
        """Share of the rates at a moment."""
        return share(moment, self.recipe, self.plateau.share)

    def one_step(self, moment: Moment) -> tuple[Terms, float]:
        """One batch: objective, clipped gradient, update, moving average. Returns the terms and the gradient's norm."""
        self.module.train()
        for group, rate in zip(self.optimiser.param_groups, self.flat.rates.values(), strict=True):
            group["lr"] = rate * self.share(moment)
        batch = self.task.batch(self.rng, moment).to(self.team.device)
        self.flat.zero_grad()
        with torch.autocast(self.team.device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16"):
            terms = self.task.terms(batch, moment)
        refuse_nan(terms)
        terms.loss.backward()  # type: ignore[no-untyped-call]
        self.team.average(self.flat.gradients())
        if self.team.size > 1 and isinstance(self.task, Synchronised):
            self.task.synchronise(self.team.average)
        norm = self.flat.norm()
        factor = self.norms.factor(norm, self.recipe)
        if self.norms.broken > MOST_BROKEN:
            refuse_gradients(self.module)
        if factor is not None:
            self.flat.scale_gradients(factor)
            self.optimiser.step()
        self.flat.follow(min(self.recipe.ema, (self.step + 1) / (self.step + 20)))
        return terms, norm

    def validate(self) -> float:
        """The validation loss of the averaged parameters; a new best is saved."""
        if not isinstance(self.task, Validated):
            raise DvcodecError("this model has no validation", "--set validate_every=0")
        devices = [self.team.device] if self.team.device.type == "cuda" else []
        with torch.random.fork_rng(devices), self.flat.averaged(), torch.no_grad():
            torch.manual_seed(self.limits.seed)
            self.module.eval()
            (value,) = self.team.largest(self.task.validate())
        if not math.isfinite(value):
            raise BrokenValidation("the validation's loss is not a number", f"what was saved last is kept: {SMALLER}")
        if self.plateau.take(value, self.recipe):
            self.save(BEST)
        return value

    def save(self, name: str) -> None:
        """Writes a checkpoint into the run's folder, in the first process."""
        state = {"model": self.settings.preset, "step": self.step, "seconds": self.seconds, "seed": self.limits.seed}
        state |= {"norms": list(self.norms.recent), "skipped": self.norms.skipped, "plateau": asdict(self.plateau)}
        state |= {"numpy_rng": self.rng.bit_generator.state, "device": self.team.device.type, **self.facts}
        if self.team.first:
            path = self.limits.out / name
            save(path, self.module, self.flat, self.optimiser, self.settings.plain(), state)


def refuse_nan(terms: Terms) -> None:
    """Stops a run whose loss is no number, naming the first layer whose rate is none."""
    if math.isfinite(float(terms.loss.detach())):
        return
    bad = [name for name, nats in terms.layer_nats.items() if not bool(torch.isfinite(nats).all())]
    where = f"layer {bad[0]}" if bad else "the distortion"
    raise DvcodecError(f"the loss is not a number, first in {where}", SMALLER)


def refuse_gradients(module: nn.Module) -> None:
    """Stops a run whose gradients stay no numbers, naming a parameter that has such."""
    bad = (name for name, p in module.named_parameters() if p.grad is not None and not bool(p.grad.isfinite().all()))
    name = next(bad, "their sum")
    raise DvcodecError(f"{MOST_BROKEN + 1} gradients in a row are not numbers, first in {name}", SMALLER)
