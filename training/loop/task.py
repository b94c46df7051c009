"""The interface between the training loop, which knows no model, and the tasks, which know no loop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor, nn

from ...errors import DvcodecError
from ..recipes.overrides import override


@dataclass(frozen=True)
class Progress:
    """How far a run has come.

    Args:
        step: optimiser steps done.
        fraction: share of the run that is done, in [0, 1).
    """

    step: int
    fraction: float


@dataclass
class LossTerms:
    """The loss of a batch, and the figures that the log shows of it.

    Args:
        loss: scalar with a gradient.
        figures: numbers by name, with their unit in the name ("rate_bpp", "kl_nats").
        layer_nats: rate or KL divergence of every latent layer by image, (B,), in nats.
        codes: how many different symbols each layer used in the batch.
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


class Task(ABC):
    """A model with its objective and its data.

    `module` holds every parameter and persistent buffer: a checkpoint saves its state.
    """

    module: nn.Module

    @abstractmethod
    def groups(self) -> Sequence[ParameterGroup]:
        """Return all trained parameters, each in exactly one group.

        Returns:
            The groups, each with its learning rate.
        """

    @abstractmethod
    def batch(self, rng: np.random.Generator, progress: Progress) -> Tensor:
        """Draw the next batch, on the CPU.

        Args:
            rng: what everything random is drawn with.
            progress: how far the run has come.

        Returns:
            The batch in the form that `loss_terms` takes.
        """

    @abstractmethod
    def loss_terms(self, batch: Tensor, progress: Progress) -> LossTerms:
        """Compute the objective of a batch that is on the model's device.

        Args:
            batch: what `batch` returned.
            progress: how far the run has come.

        Returns:
            The loss and the figures of the log.
        """

    def prepare(self, rng: np.random.Generator) -> None:  # noqa: B027  # nothing to prepare is the common case
        """Initialise what depends on data, before the first step of a fresh run.

        Args:
            rng: what everything random is drawn with.
        """

    def synchronise(self, average: Callable[[Iterable[Tensor]], None]) -> None:  # noqa: B027  # likewise
        """Share what is learned without gradients, such as moving averages, after each step of several processes.

        Args:
            average: replaces tensors by their means over the processes.
        """

    def validate(self) -> float:
        """Return the mean loss over the validation images; lower is better.

        The loop has set the averaged parameters and evaluation mode, and seeds torch's generator alike each time.

        Returns:
            The loss, in the unit of the objective.

        Raises:
            DvcodecError: the task has no validation.
        """
        raise DvcodecError("this model has no validation", override("validate_every", "0"))
