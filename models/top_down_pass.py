"""The one pass down a hierarchy. Training, sampling, coding and previews differ only in where the symbols come from.

A `TopDownPass` is one hierarchy on its way down for one batch: it holds the networks of the layers and what the symbols
so far built. A `SymbolSource` gives the symbols: the posterior with a relaxation (training), the hard choice of the
posterior (compress), the entropy decoder (decompress, preview), the prior (sample), or known symbols (replay).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from torch import Tensor

StepT = TypeVar("StepT")
StepIn = TypeVar("StepIn", contravariant=True)
Result = TypeVar("Result", covariant=True)


class SymbolSource(Protocol[StepIn]):
    """Decides a block of symbols."""

    def next(self, step: StepIn) -> Tensor:
        """The choice at the step's positions: symbols (n,) int64, or relaxed one-hot weights (n, K) in training."""
        ...


class TopDownPass(Protocol[StepT, Result]):
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


def run_pass(pass_: TopDownPass[StepT, Result], source: SymbolSource[StepT], stop: int | None = None) -> Result:
    """Down through all layers, or the first `stop` (a preview), and what that has built."""
    for index in range(pass_.depth if stop is None else min(stop, pass_.depth)):
        for step in pass_.blocks(index):
            pass_.absorb(step, source.next(step))
    return pass_.finish()
