"""The training loop, readable from top to bottom.

    dvcodec train --model rrvq --data DIR --out RUN              about 0.4 s a step on two CPU cores
    dvcodec train --model rrvq --data DIR --out RUN --resume     goes on where RUN's checkpoint stands

A run folder holds checkpoint.safetensors and log.csv. On a CPU a resumed run equals an uninterrupted one.
"""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..codec.errors import DvcodecError
from ..models.photo import FINEST_CODE, PhotoRRVQ
from ..models.rrvq import RRVQConfig
from .checkpoints import FILE, Checkpoint, save
from .codebooks import initialise_codebooks
from .objective import Terms, rate_distortion
from .options import TrainOptions
from .parameters import GROUPS, FlatParameters
from .photos import PhotoFolder
from .progress import Progress
from .recipes import Recipe, resolve
from .starting import start_from

SAVE_EVERY = 240.0
"""Seconds between checkpoints."""


def run(options: TrainOptions) -> None:
    """Trains as `options` say, to the last step or minute. Ctrl-C saves a checkpoint and passes on."""
    if options.threads:
        torch.set_num_threads(options.threads)
    config, recipe = resolve(options.model, options.overrides, options.steps)
    trainer = Trainer(options, RRVQConfig(**config), recipe)
    path = options.out / FILE
    if options.resume:
        trainer.resume(Checkpoint(path))
    elif path.exists():
        raise DvcodecError(f"{options.out} holds a run", "use --resume to go on with it, or another --out")
    else:
        trainer.begin()
    try:
        trainer.train()
    finally:
        trainer.save()


class Trainer:
    """Everything that a run carries from step to step."""

    def __init__(self, options: TrainOptions, config: RRVQConfig, recipe: Recipe) -> None:
        options.out.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(options.seed)
        self.options, self.recipe = options, recipe
        self.rng = np.random.default_rng(options.seed)
        self.device = torch.device(_device(options.device))
        self.photos = PhotoFolder(options.data, recipe.late_crop)
        self.model = PhotoRRVQ(config).to(self.device)
        self.step, self.seconds = 0, 0.0
        self.norms: deque[float] = deque(maxlen=200)

    def begin(self) -> None:
        """A fresh optimiser over given weights, or over networks at random and codebooks from the data."""
        self._codebooks()
        if self.options.start is not None:
            start_from(self.model, self.options.start)
        self._flatten()

    def _codebooks(self) -> None:
        with torch.no_grad():
            parts = []
            for x in self.crops(24):
                quality = torch.randint(1500, FINEST_CODE + 1, (len(x),), device=self.device)
                parts.append(self.model.infer(x, quality, learned=False))
            evidence = {s: torch.cat([part[s] for part in parts]).cpu() for s in parts[0]}
        self.model.cpu()
        initialise_codebooks(self.model, evidence, torch.Generator().manual_seed(self.options.seed))
        self.model.to(self.device)

    def resume(self, checkpoint: Checkpoint) -> None:
        """State, parameters, optimiser and generators of a checkpoint."""
        self.step, self.seconds = checkpoint.state["step"], checkpoint.state["seconds"]
        self.norms.extend(checkpoint.state["norms"])
        self._flatten()
        checkpoint.restore_parameters(self.model, self.flat)
        checkpoint.restore_rest(self.flat, self.adam, self.rng)

    def _flatten(self) -> None:
        self.flat = FlatParameters(self.model)
        rates = (self.recipe.rate, self.recipe.codebook_rate, self.recipe.network_rate, self.recipe.analysis_rate)
        groups = [{"params": [self.flat.groups[name]], "lr": rate} for name, rate in zip(GROUPS, rates, strict=True)]
        self.rates = rates
        self.adam = torch.optim.Adam(groups, betas=(0.9, 0.99))

    def crops(self, count: int, *, late: bool = False) -> Iterator[Tensor]:
        """`count` batches of crops on the device."""
        side = self.recipe.late_crop if late else self.recipe.crop
        batch = max(1, self.recipe.batch * self.recipe.crop**2 // side**2)
        for _ in range(count):
            yield self.photos.batch(batch, side, self.rng, self.recipe.synthetic).to(self.device)

    def train(self) -> None:
        """Steps until the recipe's count or the minutes are reached."""
        self.model.train()
        started, saved = time.monotonic() - self.seconds, time.monotonic()
        with Progress(self.options.out / "log.csv", self.recipe.steps, quiet=self.options.quiet) as progress:
            while (fraction := self.fraction()) < 1:
                terms, norm = self.one_step(fraction)
                self.step += 1
                self.seconds = time.monotonic() - started
                progress.show(self.step, self.seconds, terms, norm)
                if time.monotonic() - saved > SAVE_EVERY:
                    self.save()
                    saved = time.monotonic()

    def fraction(self) -> float:
        """How much of the run is done: by steps, or by minutes where those are sooner."""
        clock = self.seconds / (60 * self.options.minutes) if self.options.minutes else 0.0
        return max(self.step / self.recipe.steps, clock)

    def one_step(self, fraction: float) -> tuple[Terms, float]:
        """One batch: objective, clipped gradient, Adam, moving average."""
        recipe = self.recipe
        for group, rate in zip(self.adam.param_groups, self.rates, strict=True):
            group["lr"] = rate * schedule(self.step, fraction, recipe)
        x = next(self.crops(1, late=fraction >= recipe.late_from))
        quality = torch.randint(0, FINEST_CODE + 1, (len(x),)).to(self.device)
        self.flat.zero_grad()
        relax = 2.0 if recipe.pull > 0 and self.step % 2 == 0 else 0.0  # costly: every second step, counted twice
        analysis = fraction >= recipe.analysis_from
        terms = rate_distortion(self.model, x, quality, recipe, relax=relax, analysis=analysis)
        refuse_nan(terms)
        terms.loss.backward()  # type: ignore[no-untyped-call]
        norm = self.flat.norm()
        if math.isfinite(norm):
            limit = recipe.clip * statistics.median(self.norms) if len(self.norms) > 10 else 0.3
            self.flat.scale_gradients(min(1.0, limit / (norm + 1e-9)))
            self.norms.append(norm)
            self.adam.step()
        self.flat.follow(min(recipe.ema, (self.step + 1) / (self.step + 20)))
        return terms, norm

    def save(self) -> None:
        """Writes the checkpoint."""
        state: dict[str, Any] = {"model": self.options.model, "step": self.step, "seconds": self.seconds}
        state |= {"recipe": asdict(self.recipe), "norms": list(self.norms), "numpy_rng": self.rng.bit_generator.state}
        state |= {"seed": self.options.seed, "device": self.device.type, "images": len(self.photos.images)}
        save(self.options.out / FILE, self.model, self.flat, self.adam, state)


def schedule(step: int, fraction: float, recipe: Recipe) -> float:
    """Share of the rates: linear warm-up, then a cosine down to `decay_to`."""
    cosine = 0.5 * (1 + math.cos(math.pi * fraction))
    return min(1.0, (step + 1) / recipe.warm_up) * (cosine * (1 - recipe.decay_to) + recipe.decay_to)


def refuse_nan(terms: Terms) -> None:
    """Stops a run whose loss is no number, naming the first layer whose rate is none."""
    if math.isfinite(float(terms.loss.detach())):
        return
    bad = [name for name, nats in terms.layer_nats.items() if not bool(torch.isfinite(nats).all())]
    where = f"layer {bad[0]}" if bad else "the distortion"
    raise DvcodecError(f"the loss is not a number, first in {where}", "resume with a smaller rate: --set rate=...")


def _device(choice: str) -> str:
    if choice == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return choice
