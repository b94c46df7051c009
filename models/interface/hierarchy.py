"""Protocols between models and codec: what a coder may know of a network, in numpy types only.

`quality` is everywhere the 16-bit fixed-point code round(q * 256) of a quality q in [1, 100].
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...shapes import Float32, Int32, UInt8


@dataclass(frozen=True)
class LayerSpec:
    """One layer of categorical symbols with ceil(H / stride) x ceil(W / stride) positions, in coding order."""

    name: str
    """A label for people, for example "8/y3"."""
    stride: int
    """Pixels between positions in both directions; models of small images may have several variables at each."""
    symbols: int
    """Number of classes K >= 2; symbols are 0 .. K - 1."""
    chroma: bool
    """Whether the layer carries colour only: grey images do not code it, the pass takes `null_symbol` everywhere."""
    null_symbol: int
    """The symbol that adds nothing to the reconstruction."""


@dataclass(frozen=True)
class PassSettings:
    """Settings of a top-down pass over one image, the same for every source of symbols."""

    height: int
    """Pixels."""
    width: int
    """Pixels."""
    quality: int
    """The quality in fixed point, 256 to 25600."""
    grey: bool = False
    """Whether the layers that carry only colour are left out."""
    stop: int | None = None
    """Number of layers to visit, for a preview, after which layers add nothing; all if it is None."""
    partial: bool = False
    """Whether the pass may end with the last layer that it visits, so that only a reduced image can be rendered."""
    perceptual: bool = False
    """Whether the image is coded for the eye, where that changes what symbols stand for."""


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

    def weights(self) -> Float32[NDArray[np.float32], "n K"]:
        """Return the prior: (n, K) integer-valued weights w >= 0, each row summing to 2**24 - (K + 2)."""
        ...

    def posterior_mode(self) -> Int32[NDArray[np.int32], " n"]:
        """Return the posterior's most probable symbols, (n,); only if the pass was given an encoder's targets."""
        ...


class SymbolSource(Protocol):
    """Gives the symbols of a pass: the posterior's mode, the entropy decoder, or the prior."""

    def next(self, step: Step) -> Int32[NDArray[np.int32], " n"]:
        """Return the symbols (n,), in [0, K), of a block."""
        ...


class Mode:
    """Takes the posterior's mode, for passes whose symbols are not coded."""

    def next(self, step: Step) -> Int32[NDArray[np.int32], " n"]:
        """Return the posterior's mode."""
        return step.posterior_mode()


class Hierarchy(Protocol):
    """A hierarchical discrete model of images, visited from the coarsest layer to the finest."""

    @property
    def name(self) -> str:
        """Name of the weights."""
        ...

    @property
    def layers(self) -> tuple[LayerSpec, ...]:
        """The layers in coding order, the coarsest (largest stride) first."""
        ...

    @property
    def residuals(self) -> "Residuals | None":
        """How symbols are coded that are whole numbers: the steps of a pass are then `PixelStep`s; None if `Step`s."""
        ...

    def infer(self, pixels: UInt8[NDArray[np.uint8], "H W 3"], quality: int) -> object:
        """Return an encoder's targets, which posteriors depend on; their type is the model's own (float path).

        Args:
            pixels: (H, W, 3).
            quality: Fixed point.
        """
        ...

    def top_down_pass(self, settings: PassSettings, source: SymbolSource, targets: object | None = None) -> object:
        """Request every block of every layer from `source` in order and return the state that the symbols build.

        Args:
            settings: Settings of the pass. `exact` is for photograph models only.
            source: The source of the symbols.
            targets: What `infer` returned; needed by a source that asks for the posterior.

        Returns:
            A state of the model's own type, for `render`.

        Raises:
            UnsuitableImage: The model does not describe images of this size.
        """
        ...

    def render(self, state: object) -> UInt8[NDArray[np.uint8], "H W 3"]:
        """Return the pixels (H, W, 3) of a state."""
        ...


class PixelStep(Protocol):
    """One channel of one group of pixels of a strip, all coded at once."""

    @property
    def layer(self) -> int:
        """Index of the group and channel in coding order."""
        ...

    @property
    def contexts(self) -> Int32[NDArray[np.int32], " n"]:
        """Index into `PixelModel.tables` of each position's distribution, (n,)."""
        ...

    def residuals(self) -> Int32[NDArray[np.int32], " n"]:
        """Return the differences of the pixels from their rounded means, (n,); only if the pass was given pixels."""
        ...


class PlaneStep(PixelStep, Protocol):
    """A step of a pass over planes of colours: its layer is the plane plus a multiple of their number."""

    @property
    def middles(self) -> Int32[NDArray[np.int32], " n"]:
        """Return the rounded means, (n,)."""
        ...


class PlaneSource(Protocol):
    """Gives the pixels of a pass over planes."""

    def next(self, step: PlaneStep) -> Int32[NDArray[np.int32], " n"]:
        """Return the residuals (n,) of a step."""
        ...


class PixelSource(Protocol):
    """Gives the pixels of a pass: those of the image, or the entropy decoder's."""

    def next(self, step: PixelStep) -> Int32[NDArray[np.int32], " n"]:
        """Return the residuals (n,) of a step."""
        ...


class Residuals(Protocol):
    """Splits residuals of pixels into tokens with shared distributions and extra bits without one."""

    @property
    def tables(self) -> Float32[NDArray[np.float32], "contexts K"]:
        """Distributions of the tokens: (contexts, K) integer weights, rows summing to 2**24 - (K + 2)."""
        ...

    def split(
        self, residuals: Int32[NDArray[np.int32], " n"]
    ) -> tuple[Int32[NDArray[np.int32], " n"], Int32[NDArray[np.int32], " n"]]:
        """Split residuals (n,) into tokens and remainders, which lie in [0, 2**extra_bits); `join` undoes it."""
        ...

    def extra_bits(self, tokens: Int32[NDArray[np.int32], " n"]) -> Int32[NDArray[np.int32], " n"]:
        """Return the number of bits of each token's remainder, (n,)."""
        ...

    def join(
        self, tokens: Int32[NDArray[np.int32], " n"], remainders: Int32[NDArray[np.int32], " n"]
    ) -> Int32[NDArray[np.int32], " n"]:
        """Return the residuals (n,) of tokens and remainders."""
        ...


class PixelModel(Residuals, Protocol):
    """p(x | z): lossless pixels given a hierarchy's reconstruction, coded after its layers."""

    @property
    def name(self) -> str:
        """Name of the weights."""
        ...

    def transform(self, pixels: UInt8[NDArray[np.uint8], "H W 3"], predicted: UInt8[NDArray[np.uint8], "H W 3"]) -> int:
        """Return the colour transform, in [0, transforms), that suits a strip of pixels best; only encoders call it."""
        ...

    @property
    def transforms(self) -> int:
        """Number of colour transforms."""
        ...

    def autoregressive_pass(
        self,
        predicted: UInt8[NDArray[np.uint8], "H W 3"],
        source: PlaneSource,
        *,
        transform: int,
        grey: bool,
        pixels: UInt8[NDArray[np.uint8], "H W *channels"] | None,
    ) -> UInt8[NDArray[np.uint8], "H W *channels"]:
        """Request every group of a strip from `source` and return its pixels.

        Args:
            predicted: The strip of what a hierarchy predicts, (H, W, 3).
            source: The source of the pixels.
            transform: Index of the colour transform.
            grey: Whether the strip has one channel.
            pixels: The strip to encode; None for a decoder.

        Returns:
            (H, W) if it is grey, (H, W, 3) otherwise.
        """
        ...


class BilevelModel(Protocol):
    """Black and white pixels of images of any size, each given those before it; tiles are coded side by side."""

    @property
    def name(self) -> str:
        """Name of the weights."""
        ...

    @property
    def tables(self) -> Float32[NDArray[np.float32], "contexts 2"]:
        """Distributions of black (0) and white (1): (contexts, 2) integer weights, rows summing to 2**24 - 4."""
        ...

    def autoregressive_pass(
        self,
        tiles: list[tuple[slice, slice]],
        image: UInt8[NDArray[np.uint8], "H W"],
        source: PixelSource,
        *,
        known: bool,
    ) -> None:
        """Request every wavefront of some tiles of an image from `source`.

        Args:
            tiles: Rows and columns of each tile.
            image: (H, W) of white (1) and black (0), the image to encode if `known`; it is filled otherwise.
            source: The source of the pixels.
            known: Whether the image is given.
        """
        ...
