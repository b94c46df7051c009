"""The top-down pass through a hierarchy: one procedure for training, sampling, coding and previews.

A `TopDownPass` holds the networks of the layers and what the symbols so far have built, for one batch. A
`TensorSymbolSource` gives the symbols: the posterior with a relaxation (training), the mode of the posterior
(compress), the entropy decoder (decompress, preview), the prior (sample), or known symbols (replay).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, TypeVar

from ..shapes import Float, Integer

if TYPE_CHECKING:
    from torch import Tensor

StepT = TypeVar("StepT")
StepIn = TypeVar("StepIn", contravariant=True)
Symbols = TypeVar("Symbols")
SymbolsIn = TypeVar("SymbolsIn", contravariant=True)
SymbolsOut = TypeVar("SymbolsOut", covariant=True)
Result = TypeVar("Result", covariant=True)


class StepSource(Protocol[StepIn, SymbolsOut]):
    """Gives the symbols of one block of positions after the other, as arrays or tensors."""

    def next(self, step: StepIn) -> SymbolsOut:
        """Return the symbols at the step's positions, (n,)."""
        ...


class TensorSymbolSource(Protocol[StepIn]):
    """Gives the symbols of one block of positions after the other."""

    def next(self, step: StepIn) -> Integer[Tensor, " n"] | Float[Tensor, "n _"]:
        """Return the symbols at the step's positions.

        Returns:
            Symbols (n,), relaxed one-hot weights (n, K) in training, or Gaussian values (n, D).
        """
        ...


class TopDownPass(Protocol[StepT, SymbolsIn, Result]):
    """A hierarchy during one pass. Layers are visited in order, each once, in one or more blocks of positions."""

    @property
    def depth(self) -> int:
        """Number of layers."""
        ...

    def blocks(self, index: int) -> Iterable[StepT]:
        """Enter layer `index` and yield its blocks of positions one by one.

        Each step carries the conditional prior p(z_l | z_>l) at its positions and, if there is an image to encode,
        what the posterior needs. `absorb` must be called with the symbols of a step before the next step is requested.
        """
        ...

    def absorb(self, step: StepT, choice: SymbolsIn) -> None:
        """Add the symbols of a step to what has been built."""
        ...

    def finish(self) -> Result:
        """Return what the symbols have built; layers that were not visited add nothing."""
        ...


def run_pass(
    top_down: TopDownPass[StepT, Symbols, Result], source: StepSource[StepT, Symbols], stop: int | None = None
) -> Result:
    """Run a pass and return what the symbols have built.

    Args:
        top_down: A pass that has not begun.
        source: The source of the symbols.
        stop: Number of layers to visit, for a preview; all if it is None.
    """
    for index in range(top_down.depth if stop is None else min(stop, top_down.depth)):
        for step in top_down.blocks(index):
            top_down.absorb(step, source.next(step))
    return top_down.finish()
