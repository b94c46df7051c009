"""Protocols between models and codec for bits-back coding of sets of small images, in numpy types only."""

from typing import Protocol

import numpy as np
from jaxtyping import Float32, Int32
from numpy.typing import NDArray

from .hierarchy import PixelSource, Residuals, Step


class BitsBackStep(Step, Protocol):
    """One layer of a `BitsBackModel`, whose symbols are to be chosen."""

    def posterior_weights(self) -> Float32[NDArray[np.float32], "n K"]:
        """Return q given the pixels: (n, K) integer weights >= 0, each row summing to 2**24 - K."""
        ...


class BitsBackSource(Protocol):
    """Gives a layer's symbols: the posterior sampled from the coder's stack, the entropy decoder, or known symbols."""

    def next(self, step: BitsBackStep) -> Int32[NDArray[np.int32], " n"]:
        """Return the symbols (n,), in [0, K), of a layer."""
        ...


class BitsBackModel(Residuals, Protocol):
    """p(z), p(x | z) and q(z | x) of sets of small images of one size, in exact arithmetic: for bits-back coding."""

    @property
    def name(self) -> str:
        """Name of the weights."""
        ...

    def suits(self, mode: str, height: int, width: int) -> bool:
        """Tell whether the model describes images of a Pillow mode and size."""
        ...

    def infer(self, samples: NDArray[np.uint8]) -> object:
        """Return the encoder's targets for samples (n, H, W) or (n, H, W, channels); their type is the model's own."""
        ...

    def top_down_pass(self, count: int, source: BitsBackSource, targets: object | None = None) -> object:
        """Request every layer of `count` images from `source` in order and return the state that the symbols build."""
        ...

    def pixels(self, state: object, source: PixelSource, samples: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """Request the pixels of all images, given the state, from `source` and return the samples."""
        ...


class BitsBackCoder(Protocol):
    """What archives know of a `BitsBackModel`: it encodes sets of small images of one size."""

    @property
    def name(self) -> str:
        """Name of the weights."""
        ...

    def suits(self, mode: str, height: int, width: int) -> bool:
        """Tell whether the model describes images of a Pillow mode and size."""
        ...

    def encode(self, samples: NDArray[np.uint8]) -> bytes:
        """Return the payload, at least one byte, of 1 to 256 images that suit.

        Args:
            samples: (n, H, W) or (n, H, W, C) in 0 to 255; those of mode 1 are 0 and 255.
        """
        ...

    def decode(self, payload: bytes, count: int) -> NDArray[np.uint8]:
        """Undo `encode` of `count` images.

        Raises:
            FormatError: The payload is not valid.
        """
        ...
