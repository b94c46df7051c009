"""A reversible family behind the seam for sets of images (`interface.LatentModel`): many images in one walk."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .. import bilevel, interface
from ..bilevel import Step as PixelStep
from ..exact import exact_arithmetic
from ..walk import walk
from .descent import Evidence
from .hierarchy import SeamChooser
from .likelihoods import Neighbours
from .model import FamilyVAE

CPU = torch.device("cpu")


class FamilySet:
    """A frozen reversible family over black and white images."""

    def __init__(self, name: str, model: FamilyVAE) -> None:
        """ValueError if inference and likelihood are not exact."""
        likelihood = model.p_x()
        if not model.config.reversible or not isinstance(likelihood, Neighbours):
            raise ValueError("these weights are no reversible model of sets of images")
        self.name, self._model, self._likelihood = name, model.eval(), likelihood
        self.tables = bilevel.distributions()

    def split(self, residuals: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Pixels are their own tokens."""
        return residuals, np.zeros_like(residuals)

    def extra_bits(self, tokens: NDArray[np.int32]) -> NDArray[np.int32]:
        """None."""
        return np.zeros_like(tokens)

    def join(self, tokens: NDArray[np.int32], rest: NDArray[np.int32]) -> NDArray[np.int32]:
        """The tokens."""
        return tokens

    def suits(self, mode: str, height: int, width: int) -> bool:
        """Whether images are black and white and of the model's size."""
        return mode == "1" and height == width == self._model.config.image

    def infer(self, samples: NDArray[np.uint8]) -> Evidence:
        """The bottom-up pass over samples (n, H, W) of 0 and 255."""
        with exact_arithmetic():
            return self._model.infer(_white(samples), _refuse)

    def walk(self, count: int, chooser: interface.LatentChooser, evidence: object | None = None) -> Tensor:
        """The parameters of the likelihood (n, F, H, W); see `interface.LatentModel.walk`."""
        assert evidence is None or isinstance(evidence, Evidence)
        with exact_arithmetic():
            return self._model.decode(count, SeamChooser(chooser, CPU), evidence)

    def pixels(
        self, state: object, chooser: interface.PixelChooser, samples: NDArray[np.uint8] | None = None
    ) -> NDArray[np.uint8]:
        """The samples (n, H, W), 0 and 255."""
        assert isinstance(state, Tensor)
        with exact_arithmetic():
            wanted = None if samples is None else _white(samples)
            found = walk(self._likelihood.descent(state, wanted), _PixelSeam(chooser))
            return np.asarray((found * 255).to(torch.uint8))


class _PixelSeam:
    """Hands the codec's choice to the walk as a tensor."""

    def __init__(self, chooser: interface.PixelChooser) -> None:
        self._chooser = chooser

    def choose(self, step: PixelStep) -> Tensor:
        """Pixels (n,), 0 and 1."""
        return torch.from_numpy(self._chooser.choose(step))


def _white(samples: NDArray[np.uint8]) -> Tensor:
    """(n, H, W) of 0 and 255 to (n, 1, H, W) of 0 and 1."""
    return torch.from_numpy((samples != 0).astype(np.float32))[:, None]


def _refuse(distribution: object) -> Tensor:
    raise ValueError("layers that are chosen on the way up have no bits-back coding")
