"""The one pass down a hierarchy. Training, sampling, compressing, decompressing and previewing differ in who chooses.

A `Descent` is one hierarchy on its way down for one batch: it knows the layers' networks and what the symbols chosen so
far have built. A `Chooser` decides the symbols: the posterior with a relaxation (training), the posterior's hard choice
(compress), the entropy decoder (decompress, preview), the prior (sample), symbols inferred before (replay).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from torch import Tensor

StepT = TypeVar("StepT")
StepIn = TypeVar("StepIn", contravariant=True)
Result = TypeVar("Result", covariant=True)


class Chooser(Protocol[StepIn]):
    """Decides a block of symbols."""

    def choose(self, step: StepIn) -> Tensor:
        """The choice at the step's positions: symbols (n,) int64, or relaxed one-hot weights (n, K) in training."""
        ...


class Descent(Protocol[StepT, Result]):
    """A hierarchy on its way down. Layers are asked for in order, each once, in one block of positions or more."""

    @property
    def depth(self) -> int:
        """How many layers there are."""
        ...

    def blocks(self, index: int) -> Iterable[StepT]:
        """Enters layer `index` and gives its blocks of positions one by one.

        A step carries the conditional prior p(z_l | z_>l) there and, where there is evidence, what the posterior needs.
        Each is absorbed before the next is asked for.
        """
        ...

    def absorb(self, step: StepT, choice: Tensor) -> None:
        """Lets the choice join what the symbols have built."""
        ...

    def finish(self) -> Result:
        """What the symbols have built; layers that were not visited add nothing."""
        ...


def walk(descent: Descent[StepT, Result], chooser: Chooser[StepT], stop: int | None = None) -> Result:
    """Down through all layers, or the first `stop` (a preview), and what that has built."""
    for index in range(descent.depth if stop is None else min(stop, descent.depth)):
        for step in descent.blocks(index):
            descent.absorb(step, chooser.choose(step))
    return descent.finish()
