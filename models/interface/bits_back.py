"""Protocols between models and codec for bits-back coding of sets of small images, in numpy types only."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...shapes import Float32, Int32, UInt8
from .hierarchy import PixelSource, Residuals, Step


class BitsBackStep(Step, Protocol):
    """One layer of all images of a `BitsBackModel`, whose symbols are to be chosen."""

    def posterior_weights(self) -> Float32[NDArray[np.float32], "n K"]:
        """Return q(z_l | ..., x): integer weights >= 0, each row summing to 2**24 - K."""
        ...


class BitsBackSource(Protocol):
    """Gives a layer's symbols: the posterior sampled from the coder's stack, the entropy decoder, or known symbols."""

    def next(self, step: BitsBackStep) -> Int32[NDArray[np.int32], " n"]:
        """Return the symbols of a layer, in [0, K)."""
        ...


class BitsBackModel(Residuals, Protocol):
    """Models small images of one size by p(z), p(x | z) and q(z | x), in exact arithmetic, for bits-back coding."""

    @property
    def name(self) -> str:
        """Name of the weights."""
        ...

    def suits(self, mode: str, height: int, width: int) -> bool:
        """Tell whether the model describes images of a Pillow mode and size."""
        ...

    def infer(self, samples: UInt8[NDArray[np.uint8], "n H W *channels"]) -> object:
        """Return the encoder's targets for a set of images; their type is the model's own.

        Args:
            samples: 8-bit samples; those of binary images are 0 and 255.
        """
        ...

    def top_down_pass(self, count: int, source: BitsBackSource, targets: object | None = None) -> object:
        """Request every layer of some images from `source`, in coding order.

        Args:
            count: Number of images n.
            source: The source of the symbols.
            targets: What `infer` returned; needed by a source that asks for the posterior.

        Returns:
            The state that the symbols build, for `pixels`; its type is the model's own.
        """
        ...

    def pixels(
        self,
        state: object,
        source: PixelSource,
        samples: UInt8[NDArray[np.uint8], "n H W *channels"] | None = None,
    ) -> UInt8[NDArray[np.uint8], "n H W *channels"]:
        """Request the pixels of all images from `source`.

        Args:
            state: What `top_down_pass` returned.
            source: The source of the pixels.
            samples: The images to encode; None for a decoder.

        Returns:
            The images, laid out as `infer` takes them.
        """
        ...


class BitsBackCoder(Protocol):
    """Codes sets of small images of one size by a `BitsBackModel`: what archives know of it."""

    @property
    def name(self) -> str:
        """Name of the weights."""
        ...

    def suits(self, mode: str, height: int, width: int) -> bool:
        """Tell whether the model describes images of a Pillow mode and size."""
        ...

    def encode(self, samples: UInt8[NDArray[np.uint8], "n H W *channels"]) -> bytes:
        """Return the payload of a set, at least one byte.

        Args:
            samples: 1 to 256 images that suit, in 0 to 255; those of mode 1 are 0 and 255.
        """
        ...

    def decode(self, payload: bytes, count: int) -> UInt8[NDArray[np.uint8], "n H W *channels"]:
        """Return the images of a set.

        Args:
            payload: The bytes that `encode` returned.
            count: Number of images n.

        Raises:
            FormatError: The payload is not valid.
        """
        ...
