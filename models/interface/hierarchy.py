"""The seam between models and codec: what a coder may know of a network, in numpy types only.

`quality` is everywhere the 16-bit fixed-point code round(q * 256) of a quality q in [1, 100].
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LayerSpec:
    """One layer of categorical symbols, ceil(H / stride) x ceil(W / stride) positions, in the order of the walk."""

    name: str
    """What people call it, "8/y3" say."""
    stride: int
    """Pixels between positions in both directions; models of small images may have several variables at each."""
    symbols: int
    """K >= 2: symbols are 0 .. K - 1."""
    chroma: bool
    """Carries colour alone: a grey image never codes it, the walk takes `null_symbol` without asking."""
    null_symbol: int
    """The symbol that means "nothing to add"."""


@dataclass(frozen=True)
class PassSettings:
    """What a top-down pass over one image is told, whoever chooses its symbols."""

    height: int
    """Pixels."""
    width: int
    """Pixels."""
    quality: int
    """Fixed point, 256 to 25600."""
    grey: bool = False
    """Whether the layers that carry colour alone are left out."""
    stop: int | None = None
    """How many layers to visit (a preview), the others then add nothing; None for all."""
    exact: bool = False
    """Whether the state must allow an exact reconstruction; an encoder may then choose other symbols, but how symbols
    are read does not change."""


class UnsuitableImage(ValueError):
    """The model does not describe images of this size or kind."""


class Step(Protocol):
    """One block of positions of one layer, whose symbols are to be chosen."""

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


class SymbolSource(Protocol):
    """Who chooses the symbols on the way down: the posterior's mode, the entropy decoder, the prior."""

    def next(self, step: Step) -> NDArray[np.int32]:
        """Return (n,) symbols in [0, K) for the block."""
        ...


class Mode:
    """The posterior's mode, for walks whose symbols nobody codes."""

    def next(self, step: Step) -> NDArray[np.int32]:
        """Return the mode."""
        return step.posterior_mode()


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

    def top_down_pass(self, settings: PassSettings, source: SymbolSource, targets: object | None = None) -> object:
        """Ask `source` for every block of every layer in order and return the opaque state they build.

        Args:
            settings: What the pass is told of the image. `exact` is for photograph models alone.
            chooser: Who chooses the symbols.
            evidence: What `infer` returned; needed by a chooser that asks for the posterior.

        Raises:
            UnsuitableImage: If the model does not describe images of this size.
        """
        ...

    def render(self, state: object) -> NDArray[np.uint8]:
        """Return the (H, W, 3) pixels that a state shows."""
        ...


class PixelStep(Protocol):
    """One channel of one group of a strip's pixels, all to be chosen at once."""

    @property
    def layer(self) -> int:
        """Index of the group and channel in coding order."""
        ...

    @property
    def contexts(self) -> NDArray[np.int32]:
        """Return which of `PixelModel.tables` holds each position's distribution, (n,)."""
        ...

    def residuals(self) -> NDArray[np.int32]:
        """Return how far the pixels are from their rounded means, (n,); only where the walk was given pixels."""
        ...


class PixelSource(Protocol):
    """Who chooses the pixels: those of the image, or the entropy decoder."""

    def next(self, step: PixelStep) -> NDArray[np.int32]:
        """Return (n,) residuals."""
        ...


class Residuals(Protocol):
    """How far pixels are from their means, as tokens under shared distributions and bits for what these leave."""

    @property
    def tables(self) -> NDArray[np.float32]:
        """Distributions of the residuals' tokens: (contexts, K) integer weights, rows summing to 2**24 - (K + 2)."""
        ...

    def split(self, residuals: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the tokens of residuals (n,) and what is left of them, in [0, 2**extra_bits); `join` undoes it."""
        ...

    def extra_bits(self, tokens: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return in how many bits each token's rest is coded, (n,)."""
        ...

    def join(self, tokens: NDArray[np.int32], remainders: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the residuals of tokens and what is left of them, (n,)."""
        ...


class PixelModel(Residuals, Protocol):
    """p(x | z): lossless pixels given what a hierarchy predicts, as the last layers of its walk."""

    @property
    def name(self) -> str:
        """Name of the weights."""
        ...

    def transform(self, pixels: NDArray[np.uint8], predicted: NDArray[np.uint8]) -> int:
        """Return the colour transform, in [0, transforms), that suits a strip of pixels; an encoder's choice."""
        ...

    @property
    def transforms(self) -> int:
        """How many colour transforms there are."""
        ...

    def autoregressive_pass(
        self,
        predicted: NDArray[np.uint8],
        source: PixelSource,
        *,
        transform: int,
        grey: bool,
        pixels: NDArray[np.uint8] | None,
    ) -> NDArray[np.uint8]:
        """Ask `source` for every group of a strip and return its pixels, (H, W) of grey or (H, W, 3).

        `predicted` is the strip of `PhotoModel.exact_reconstruction`, (H, W, 3); `pixels` what the encoder has.
        """
        ...


class BilevelModel(Protocol):
    """Black and white pixels of images of any size, each given those before it: tiles are walked side by side."""

    @property
    def name(self) -> str:
        """Name of the weights."""
        ...

    @property
    def tables(self) -> NDArray[np.float32]:
        """Distributions of ink (0) and paper (1): (contexts, 2) integer weights, rows summing to 2**24 - 4."""
        ...

    def autoregressive_pass(
        self, tiles: list[tuple[slice, slice]], image: NDArray[np.uint8], source: PixelSource, *, known: bool
    ) -> None:
        """Ask `source` for every wavefront of some tiles (rows, columns) of an image (H, W), 1 paper and 0 ink.

        The image is what the encoder has if `known`, and is filled otherwise.
        """
        ...
