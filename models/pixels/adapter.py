"""The codec's choices, which are numpy arrays, as the tensors that walks take."""

from __future__ import annotations

import torch
from jaxtyping import Int32
from torch import Tensor

from ..interface import hierarchy as interface


class TensorChooser:
    """Hands the choices of an `interface.PixelChooser` to a walk as tensors."""

    def __init__(self, chooser: interface.PixelChooser) -> None:
        self._chooser = chooser

    def choose(self, step: interface.PixelStep) -> Int32[Tensor, " n"]:
        """Return the residuals of the step's n pixels."""
        return torch.from_numpy(self._chooser.choose(step))
