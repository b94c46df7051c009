"""A Boltzmann machine as files are coded with it: integer tables of its smaller side (see `families.boltzmann`).

The units of the smaller side come one by one, each under its marginal given those before it: entry 2^i - 1 + s of the
table is the weight of 1 of unit i, where the j-th binary digit of s is unit j. The units of the larger side are
independent given the smaller one, whose sums of integers give their log-odds exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Int32
from ...interface.bits_back import BitsBackStep
from ...runtime.prior import PRECISION_BITS, prior_weights
from ...top_down_pass import StepSource
from ..boltzmann_checks import first_is_smaller, machine_levels, machine_sides
from ..config import FamilyConfig
from ..scores import FORM_BITS

WHOLE = 2**PRECISION_BITS - 4
"""Sum of the weights of 0 and 1."""

Units = Int32[NDArray[np.int32], "units B"]
Weights = Float32[NDArray[np.float32], "n 2"]


class IntegerMachine:
    """The tables of a machine.

    Args:
        config: The model's configuration.
        tensors: Tensors named marginals, odds, bias and weight; bias is for measuring alone.

    Raises:
        ValueError: The tensors do not fit.
    """

    def __init__(self, config: FamilyConfig, tensors: Any) -> None:
        small, large = sorted(machine_sides(config))
        self.layers = machine_levels(config)
        self.small, self.first_is_smaller = small, first_is_smaller(config)
        self.marginals = tensors.take("marginals", np.int32, (2**small - 1,))
        if self.marginals.min() < 0 or self.marginals.max() > WHOLE:
            raise ValueError("a marginal of its Boltzmann machine is no weight")
        self.bias = tensors.take("bias", np.int32, (small,))
        self.odds = tensors.take("odds", np.int32, (large,))
        self.weight = tensors.take("weight", np.int32, (small, large))

    def next_unit(self, known: Units) -> Weights:
        """Return the weights of the smaller side's next unit given those before it, for each of B images."""
        count, images = known.shape
        places = np.int64(2) ** np.arange(count) @ known.astype(np.int64) if count else np.zeros(images, np.int64)
        ones = self.marginals[2**count - 1 + places].astype(np.float32)
        return np.stack([WHOLE - ones, ones], axis=1)

    def larger(self, known: Units) -> Weights:
        """Return the weights of the larger side's units given all of the smaller one's: by unit, then by image."""
        odds = self.odds[:, None] + self.weight.T.astype(np.int64) @ known.astype(np.int64)
        scores = np.zeros((odds.size, 2))
        scores[:, 1] = odds.reshape(-1) * 2.0**-FORM_BITS
        return prior_weights(scores)


class MachineStep:
    """Some of a layer's rows, whose prior is known.

    Args:
        layer: The layer's place in coding order.
        prior: Their weights.
        targets: The posterior of the layer's rows.
        first: Number of the first of the rows.
    """

    def __init__(self, layer: int, prior: Weights, targets: Any, first: int) -> None:
        self.layer, self.count, self._prior, self._targets = layer, len(prior), prior, targets
        self._rows = slice(first, first + len(prior))

    def weights(self) -> Weights:
        """Return integer weights of the prior."""
        return self._prior

    def posterior_mode(self) -> Int32[NDArray[np.int32], " n"]:
        """Return the posterior's likeliest symbols."""
        found: NDArray[np.int32] = self._targets.posterior_mode()[self._rows]
        return found

    def posterior_weights(self) -> Weights:
        """Return integer weights of the posterior."""
        found: NDArray[np.float32] = self._targets.posterior_weights()[self._rows]
        return found


class Modes:
    """Takes the posterior's modes and keeps the steps."""

    def __init__(self) -> None:
        self.steps: list[BitsBackStep] = []

    def next(self, step: BitsBackStep) -> Int32[NDArray[np.int32], " n"]:
        """Return the modes of a layer."""
        self.steps.append(step)
        return step.posterior_mode()


class _Ahead:
    """What the posterior will say of the second layer, looked up when it is asked for: decoders do not."""

    def __init__(self, look: Callable[[], Sequence[BitsBackStep]]) -> None:
        self._look = look

    @cached_property
    def _step(self) -> BitsBackStep:
        return self._look()[1]

    def posterior_mode(self) -> NDArray[np.int32]:
        return self._step.posterior_mode()

    def posterior_weights(self) -> NDArray[np.float32]:
        return self._step.posterior_weights()


class MachineSource:
    """Asks another source for the units of a machine in the order in which they are coded.

    That is the smaller side unit by unit, then the larger side, whichever is inferred first. Where the smaller side is
    the second layer, its units are coded before the first layer's, as part of that layer: an encoder then looks ahead.

    Args:
        machine: The machine.
        source: The other source, also of all other layers.
        images: Number of images.
        ahead: Returns the steps of the first two layers, in a pass that takes the posterior's modes.
    """

    def __init__(
        self,
        machine: IntegerMachine,
        source: StepSource[BitsBackStep, NDArray[np.int32]],
        images: int,
        ahead: Callable[[], Sequence[BitsBackStep]],
    ) -> None:
        self._machine, self._source, self._images, self._ahead = machine, source, images, _Ahead(ahead)
        self._small = np.zeros((0, images), np.int32)

    def next(self, step: BitsBackStep) -> Int32[NDArray[np.int32], " n"]:
        """Return the symbols of a layer."""
        if step.layer >= self._machine.layers:
            return self._source.next(step)
        if self._machine.layers == 1:
            return np.concatenate([self._smaller(step), self._larger(step, self._machine.small * self._images)])
        if self._machine.first_is_smaller:
            return self._larger(step, 0) if step.layer else self._smaller(step)
        if step.layer:
            return self._small.reshape(-1)
        self._smaller(self._ahead)
        return self._larger(step, 0)

    def _smaller(self, targets: Any) -> NDArray[np.int32]:
        for unit in range(self._machine.small):
            weights = self._machine.next_unit(self._small)
            found = self._source.next(MachineStep(0, weights, targets, unit * self._images))
            self._small = np.concatenate([self._small, found[None]])
        return self._small.reshape(-1)

    def _larger(self, step: BitsBackStep, first: int) -> NDArray[np.int32]:
        return self._source.next(MachineStep(step.layer, self._machine.larger(self._small), step, first))
