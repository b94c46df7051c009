"""Converts the residuals of the codec, numpy arrays, to the tensors that passes take."""

from __future__ import annotations

import torch
from jaxtyping import Int32
from torch import Tensor

from ..interface import hierarchy as interface


class TensorSource:
    """Gives a pass the residuals of an `interface.PixelSource` as tensors."""

    def __init__(self, source: interface.PixelSource) -> None:
        self._source = source

    def next(self, step: interface.PixelStep) -> Int32[Tensor, " n"]:
        """Return the residuals of the step's n pixels."""
        return torch.from_numpy(self._source.next(step))
