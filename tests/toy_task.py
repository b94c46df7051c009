"""A task small enough to be reckoned with by hand: a linear map learns from pairs drawn at random."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from dvcodec.training.loop.checkpoints import FILE, Checkpoint
from dvcodec.training.loop.distributed import DistributedContext
from dvcodec.training.loop.metrics_log import MetricsLog, MetricsSink
from dvcodec.training.loop.task import LossTerms, ParameterGroup, Progress, Task
from dvcodec.training.loop.trainer import RunLimits, Trainer
from dvcodec.training.recipes.base import Recipe
from dvcodec.training.recipes.registry import Settings

RECIPE = Recipe(steps=8, batch=4, rate=0.05, warm_up=2, clip=0, clip_norm=0)


@dataclass(frozen=True)
class Sizes:
    """There are none."""


class Model(nn.Module):
    """Two maps, a group each, and a buffer that follows the data."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 4), nn.Linear(4, 1)
        self.register_buffer("mean", torch.zeros(3))


class ToyTask(Task):
    """Least squares with noise from torch's generator. `whole`: how many pairs all processes share in a step."""

    module: Model

    def __init__(self, recipe: Recipe, context: DistributedContext | None = None, noise: float = 0.1) -> None:
        self.module = Model()
        self.recipe, self.context, self.noise = recipe, context or DistributedContext(), noise
        self.losses: list[float] = []
        self.validations: Iterable[float] = ()

    def groups(self) -> Sequence[ParameterGroup]:
        """The second map learns at a tenth of the rate."""
        first, second = self.module.first, self.module.second
        slow = self.recipe.rate / 10
        return [
            ParameterGroup("first", list(first.parameters()), self.recipe.rate),
            ParameterGroup("second", list(second.parameters()), slow),
        ]

    def prepare(self, rng: np.random.Generator) -> None:
        """Draws from the generator, as real tasks do."""
        self.module.first.bias.data.copy_(torch.from_numpy(rng.normal(size=4)))

    def batch(self, rng: np.random.Generator, progress: Progress) -> Tensor:
        """Inputs and targets (B, 4): of several processes each takes its part of the step's pairs."""
        count = self.recipe.batch * self.context.size
        source = rng if self.noise else np.random.default_rng(progress.step)
        x = source.normal(size=(count, 3)).astype(np.float32)
        pairs = np.concatenate([x, x.sum(1, keepdims=True)], axis=1)
        return torch.from_numpy(pairs[self.context.rank :: self.context.size])

    def loss_terms(self, batch: Tensor, progress: Progress) -> LossTerms:
        """Mean squared error, a layer for each map."""
        x, target = batch[:, :3], batch[:, 3:]
        hidden = torch.tanh(self.module.first(x + self.noise * torch.randn_like(x)))
        error = (self.module.second(hidden) - target).square()[:, 0]
        mean = self.module.get_buffer("mean")
        mean.lerp_(x.mean(0), 0.1)
        self.losses.append(float(error.detach().mean()))
        return LossTerms(error.mean(), {"error": self.losses[-1]}, {"a": error.detach(), "b": error.detach()}, {"a": 3})

    def synchronise(self, average: Callable[[Iterable[Tensor]], None]) -> None:
        """The buffer follows the data of all processes."""
        average([self.module.get_buffer("mean")])

    def validate(self) -> float:
        """The next of the validations that a test has laid out; a draw that must not disturb training."""
        torch.rand(5)
        self.validations, values = tuple(self.validations)[1:], tuple(self.validations)
        return values[0]


def trainer(folder: Path, recipe: Recipe = RECIPE, context: DistributedContext | None = None, **task: Any) -> Trainer:
    """A trainer of a fresh toy task."""
    torch.manual_seed(0)
    settings = Settings("toy", "toy", Sizes(), recipe)
    return Trainer(ToyTask(recipe, context, **task), settings, RunLimits(folder), context or DistributedContext(), {})


def toy(run: Trainer) -> ToyTask:
    """The toy task of a trainer."""
    assert isinstance(run.task, ToyTask)
    return run.task


def train(run: Trainer, *sinks: MetricsSink) -> None:
    """From the beginning to the end."""
    torch.manual_seed(1)
    run.begin()
    run.train(MetricsLog(sinks))


def interrupt(run: Trainer, after: int) -> None:
    """From the beginning until a person asks it to stop in the step after so many; that one is finished and saved."""
    step = run.one_step

    def asked(progress: Progress) -> tuple[LossTerms, float]:
        run.interrupts.asked = signal.SIGINT if progress.step == after else 0
        return step(progress)

    run.one_step = asked  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        train(run)


def resume(run: Trainer) -> None:
    """From the checkpoint in its folder to the end."""
    run.resume(Checkpoint(run.limits.out / FILE))
    run.train(MetricsLog([]))


def differing(left: Path, right: Path) -> list[str]:
    """What is not equal in the bit in the checkpoints of two runs."""
    one, other = (load_file(folder / FILE) for folder in (left, right))
    assert one.keys() == other.keys()
    return [name for name in one if not torch.equal(one[name], other[name])]
