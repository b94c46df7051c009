"""The seam between models and codec: what a coder may know of a network, in numpy types only.

`quality` is everywhere the 16-bit fixed-point code round(q * 256) of a quality q in [1, 100].
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LayerSpec:
    """One layer of categorical symbols, ceil(H / stride) x ceil(W / stride) positions in raster order."""

    name: str
    """What people call it, "8/y3" say."""
    stride: int
    """Pixels between positions in both directions; models of small images may have several variables at each."""
    symbols: int
    """K >= 2: symbols are 0 .. K - 1."""
    chroma: bool
    """Carries colour alone: a grey image never codes it, the walk takes `rest` without asking."""
    rest: int
    """The symbol that means "nothing to add"."""


class UnsuitableImage(ValueError):
    """The model does not describe images of this size or kind."""


class Step(Protocol):
    """One block of consecutive raster positions of one layer, whose symbols are to be chosen."""

    @property
    def layer(self) -> int:
        """Index into `Hierarchy.layers`."""
        ...

    @property
    def count(self) -> int:
        """Number n of positions in this block."""
        ...

    def weights(self) -> NDArray[np.float32]:
        """Return the prior: (n, K) integer-valued weights w >= 0, each row summing to 2**24 - (K + 2)."""
        ...

    def posterior_mode(self) -> NDArray[np.int32]:
        """Return the encoder's choice, (n,) symbols; only where the walk was given evidence."""
        ...


class Chooser(Protocol):
    """Who chooses the symbols on the way down: the posterior's mode, the entropy decoder, the prior."""

    def choose(self, step: Step) -> NDArray[np.int32]:
        """Return (n,) symbols in [0, K) for the block."""
        ...


class Hierarchy(Protocol):
    """A hierarchical discrete model of images, walked from the coarsest layer to the finest."""

    @property
    def name(self) -> str:
        """Name of the weights."""
        ...

    @property
    def layers(self) -> tuple[LayerSpec, ...]:
        """The layers in coding order, coarse (large stride) first."""
        ...

    def infer(self, pixels: NDArray[np.uint8], quality: int) -> object:
        """Return the evidence of (H, W, 3) pixels, opaque to the caller, on which posteriors rest (float path)."""
        ...

    def walk(
        self,
        height: int,
        width: int,
        quality: int,
        chooser: Chooser,
        *,
        grey: bool = False,
        evidence: object | None = None,
        stop: int | None = None,
    ) -> object:
        """Ask `chooser` for every block of every layer in order and return the opaque state they build.

        `stop` is the number of layers to visit (a preview); the rest then adds nothing.
        """
        ...

    def render(self, state: object) -> NDArray[np.uint8]:
        """Return the (H, W, 3) pixels that a state shows."""
        ...


@runtime_checkable
class Strained(Protocol):
    """A hierarchy that can tell when an image is beyond its codebooks: its range shrinks as the quality rises."""

    def strain(self, state: object, evidence: object) -> float:
        """Return the mean squared distance of what a state shows from the evidence, in units of the quality's own.

        About 1 or less where the codebooks follow the image.
        """
        ...
