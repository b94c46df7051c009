"""The seam between models and codec for sets of small images (see interface), in numpy types only."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .hierarchy import PixelSource, Residuals, Step


class LatentStep(Step, Protocol):
    """One layer of a `LatentModel`, whose symbols are to be chosen."""

    def posterior_weights(self) -> NDArray[np.float32]:
        """Return q given the pixels: (n, K) integer weights >= 0, each row summing to 2**24 - K."""
        ...


class LatentSource(Protocol):
    """Who chooses a layer's symbols: the posterior by what is on the stack, the entropy decoder, symbols known."""

    def next(self, step: LatentStep) -> NDArray[np.int32]:
        """Return (n,) symbols in [0, K)."""
        ...


class LatentModel(Residuals, Protocol):
    """p(z), p(x | z) and q(z | x) of sets of small images of one size, in exact arithmetic: for bits-back coding."""

    @property
    def name(self) -> str:
        """Name of the weights."""
        ...

    def suits(self, mode: str, height: int, width: int) -> bool:
        """Whether it models images of this mode (Pillow's) and size."""
        ...

    def infer(self, samples: NDArray[np.uint8]) -> object:
        """Return the evidence of samples (n, H, W) or (n, H, W, channels), opaque to the caller."""
        ...

    def top_down_pass(self, count: int, source: LatentSource, targets: object | None = None) -> object:
        """Ask `source` for every layer of `count` images in order and return the opaque state that they build."""
        ...

    def pixels(self, state: object, source: PixelSource, samples: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """Ask `source` for the pixels of all images given the state, and return the samples."""
        ...


class SetModel(Protocol):
    """What archives know of a `LatentModel`: sets of small images of one size to bytes and back."""

    @property
    def name(self) -> str:
        """Name of the weights."""
        ...

    def suits(self, mode: str, height: int, width: int) -> bool:
        """Whether it describes images of this Pillow mode and size."""
        ...

    def encode(self, samples: NDArray[np.uint8]) -> bytes:
        """Return the payload, a byte or more, of 1 to 256 images that suit: (n, H, W) or (n, H, W, C).

        Samples are 0 to 255, those of mode 1 are 0 and 255.
        """
        ...

    def decode(self, payload: bytes, count: int) -> NDArray[np.uint8]:
        """Undo `encode` of `count` images. FormatError if the payload is not valid."""
        ...
