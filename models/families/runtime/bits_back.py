"""A reversible family as a `BitsBackModel`: a set of images in one top-down pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Float64, Int32, UInt8
from ...interface.bits_back import BitsBackSource
from ...interface.hierarchy import PixelSource
from .model import RuntimeFamily
from .neighbours import BilevelPixels, ColourPixels
from .top_down import RuntimeInference


class RuntimeBitsBackModel:
    """A family whose inference and likelihood are in integers, for binary images (mode 1) or colours (RGB).

    Args:
        name: Name of the weights.
        model: The networks.

    Raises:
        ValueError: If its inference and likelihood are not in integers.
    """

    def __init__(self, name: str, model: RuntimeFamily) -> None:
        likelihood: Any = model.likelihood
        if not model.config.reversible or not isinstance(likelihood, (BilevelPixels, ColourPixels)):
            raise ValueError("these weights are not a reversible model, which bits-back coding needs")
        self.name, self._model, self._likelihood = name, model, likelihood
        self.tables, tokens = likelihood.tokens.tables, likelihood.tokens
        self.split, self.extra_bits, self.join = tokens.split, tokens.extra_bits, tokens.join

    def suits(self, mode: str, height: int, width: int) -> bool:
        """Tell whether images are of the model's kind and size."""
        return self._model.config.suits(mode, height, width)

    def infer(self, samples: UInt8[NDArray[np.uint8], "n H W *channels"]) -> RuntimeInference:
        """Run the bottom-up pass over a set of images.

        Args:
            samples: (n, H, W) of 0 and 255, or (n, H, W, 3).
        """
        x = samples.astype(np.float32)
        return self._model.infer(x[..., None] / np.float32(255) if self._model.config.binary else x, _refuse)

    def top_down_pass(
        self, count: int, source: BitsBackSource, inference: object | None = None
    ) -> Float32[NDArray[np.float32], "n F H W"]:
        """Run the top-down pass, as `BitsBackModel.top_down_pass` says.

        Args:
            count: Number of images n.
            source: The source of the symbols.
            inference: What `infer` returned, if the source asks for the posterior.

        Returns:
            The parameters of the likelihood.
        """
        assert inference is None or isinstance(inference, RuntimeInference)
        return self._model.synthesise(self._model.chain.run(count, source, inference)).transpose(0, 3, 1, 2)

    def pixels(
        self,
        state: object,
        source: PixelSource,
        samples: UInt8[NDArray[np.uint8], "n H W *channels"] | None = None,
    ) -> UInt8[NDArray[np.uint8], "n H W *channels"]:
        """Run the pass over the pixels of all images.

        Args:
            state: What `top_down_pass` returned.
            source: The source of the pixels.
            samples: The images to encode; None for a decoder.

        Returns:
            The images, laid out as `infer` takes them.
        """
        assert isinstance(state, np.ndarray)
        return self._likelihood.code(state.transpose(0, 2, 3, 1), source, samples)


def _refuse(scores: Float64[NDArray[np.float64], "n K"]) -> Int32[NDArray[np.int32], " n"]:
    raise ValueError("layers that are chosen in the bottom-up pass have no bits-back coding")
