"""The one pass down a hierarchy. Training, sampling, coding and previews differ only in where the symbols come from.

A `TopDownPass` is one pass for one batch: it holds the layers' networks and the features that the symbols so far have
produced. A `SymbolSource` gives the symbols: the posterior with a relaxation (training), the hard choice of the
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
        """Return the choice at the step's positions: symbols (n,) int64; in training, relaxed weights (n, K)."""
        ...


class TopDownPass(Protocol[StepT, Result]):
    """A pass down a hierarchy. Layers are asked for in order, each once, in one block of positions or more."""

    @property
    def depth(self) -> int:
        """Return the number of layers."""
        ...

    def blocks(self, index: int) -> Iterable[StepT]:
        """Yield the blocks of positions of layer `index` one by one.

        A step carries the conditional prior p(z_l | z_>l) there and, in a pass with inference, what the posterior
        needs. Each is absorbed before the next is asked for.
        """
        ...

    def absorb(self, step: StepT, choice: Tensor) -> None:
        """Add a choice to the features that later steps depend on."""
        ...

    def finish(self) -> Result:
        """Return the final result; layers that were not visited add nothing."""
        ...


def run_pass(top_down: TopDownPass[StepT, Result], source: SymbolSource[StepT], stop: int | None = None) -> Result:
    """Run a pass through all its layers, or the first `stop` (a preview).

    Args:
        top_down: The pass, which has not begun yet.
        source: Decides the symbols.
        stop: Number of layers to visit; None visits all.

    Returns:
        The result of the pass.
    """
    for index in range(top_down.depth if stop is None else min(stop, top_down.depth)):
        for step in top_down.blocks(index):
            top_down.absorb(step, source.next(step))
    return top_down.finish()
