"""What the loop trains: the seam between the loop, which knows no model, and the objectives, which know no loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from torch import Tensor, nn


@dataclass(frozen=True)
class Moment:
    """Where a run stands: optimiser steps done, and how much of the run that is, in [0, 1)."""

    step: int
    fraction: float


@dataclass
class Terms:
    """A batch's loss (scalar, with gradient) and what the log shows of it.

    `figures`: numbers by name with their unit in the name ("rate_bpp", "nll_nats"). `layer_nats`: rate or KL of every
    layer by image, (B,), in nats. `codes`: symbols used in the batch by layer.
    """

    loss: Tensor
    figures: Mapping[str, float]
    layer_nats: Mapping[str, Tensor] = field(default_factory=dict)
    codes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that share a learning rate."""

    name: str
    parameters: Sequence[nn.Parameter]
    rate: float


class Task(Protocol):
    """A model, its objective and its data."""

    @property
    def module(self) -> nn.Module:
        """Everything with parameters or persistent buffers; a checkpoint holds its state."""
        ...

    def groups(self) -> Sequence[ParameterGroup]:
        """All parameters that are trained, each in one group."""
        ...

    def batch(self, rng: np.random.Generator, moment: Moment) -> Tensor:
        """The next batch, on the CPU."""
        ...

    def prepare(self, rng: np.random.Generator) -> None:
        """Before the first step of a fresh run: codebooks from data, data-dependent initialisation."""
        ...

    def terms(self, batch: Tensor, moment: Moment) -> Terms:
        """The objective of a batch on the model's device."""
        ...


@runtime_checkable
class Synchronised(Protocol):
    """A task that learns by more than gradients: moving averages that several processes must share."""

    def synchronise(self, average: Callable[[Iterable[Tensor]], None]) -> None:
        """After each batch, where there are several processes; `average` replaces tensors by their means over them."""
        ...


@runtime_checkable
class Validated(Protocol):
    """A task that can be measured on images it is not trained on."""

    def validate(self) -> float:
        """The mean loss over validation images: lower is better. The loop sets averaged parameters and eval mode.

        What it draws at random comes from torch's generator, which the loop seeds alike each time.
        """
        ...
