"""The adapter between a reversible family and bits-back coding: a set of images in one top-down pass."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

from ..integer.guard import integer_arithmetic
from ..interface import hierarchy as interface
from ..interface.bits_back import BitsBackSource
from .hierarchy import SourceAdapter
from .model import FamilyVAE
from .neighbours import Bilevel, Colour
from .steps import Inference

CPU = torch.device("cpu")


class FamilyBitsBackModel:
    """A reversible integer family as a `BitsBackModel`, for binary images (mode 1) or colours (RGB)."""

    def __init__(self, name: str, model: FamilyVAE) -> None:
        """Adapt a network.

        Args:
            name: Name of the weights.
            model: The integer network.

        Raises:
            ValueError: If its inference and likelihood are not in integers.
        """
        likelihood = model.p_x()
        if not model.config.reversible or not isinstance(likelihood, (Bilevel, Colour)):
            raise ValueError("these weights are not a reversible model, which bits-back coding needs")
        self.name, self._model, self._likelihood = name, model.eval(), likelihood
        self._tokens = likelihood.tokens()
        self.tables = self._tokens.tables
        self.split, self.extra_bits, self.join = self._tokens.split, self._tokens.extra_bits, self._tokens.join

    @property
    def network(self) -> FamilyVAE:
        """Return the integer network."""
        return self._model

    def suits(self, mode: str, height: int, width: int) -> bool:
        """Tell whether images are of the model's kind and size."""
        return self._model.config.suits(mode, height, width)

    def infer(self, samples: UInt8[NDArray[np.uint8], "n H W *channels"]) -> Inference:
        """Run the bottom-up pass over a set of images.

        Args:
            samples: (n, H, W) of 0 and 255, or (n, H, W, 3).
        """
        with integer_arithmetic():
            return self._model.infer(self._pixels(samples), _refuse)

    def top_down_pass(
        self, count: int, source: BitsBackSource, inference: object | None = None
    ) -> Float[Tensor, "n F H W"]:
        """Run the top-down pass, as `BitsBackModel.top_down_pass` says.

        Args:
            count: Number of images n.
            source: The source of the symbols.
            inference: What `infer` returned, if the source asks for the posterior.

        Returns:
            The parameters of the likelihood.
        """
        assert inference is None or isinstance(inference, Inference)
        with integer_arithmetic():
            return self._model.decode(count, SourceAdapter(source, CPU), inference)

    def pixels(
        self,
        state: object,
        source: interface.PixelSource,
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
        assert isinstance(state, Tensor)
        wanted = None if samples is None else self._pixels(samples)
        images = self._likelihood.code(state, wanted, source).astype(np.uint8).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(images[..., 0] if self._likelihood.binary else images)

    def _pixels(self, samples: NDArray[np.uint8]) -> Tensor:
        """Return samples scaled as the model takes them, (n, C, H, W)."""
        x = torch.from_numpy(samples.astype(np.float32))
        return (x / 255)[:, None] if self._likelihood.binary else x.permute(0, 3, 1, 2)


def _refuse(distribution: object) -> Tensor:
    raise ValueError("layers that are chosen in the bottom-up pass have no bits-back coding")
