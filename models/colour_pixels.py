"""Models of lossless pixels behind the seam that the codec sees: numpy in, numpy out, planes in between."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from . import colours
from .integer.guard import exact_arithmetic
from .interface import hierarchy as interface
from .residuals import Tokens


class Seam:
    """Hands the codec's choice to a walk as a tensor."""

    def __init__(self, chooser: interface.PixelChooser) -> None:
        self._chooser = chooser

    def choose(self, step: interface.PixelStep) -> Tensor:
        """Residuals (n,) int32."""
        return torch.from_numpy(self._chooser.choose(step))


class ColourPixels(Tokens, ABC):
    """What every `interface.PixelModel` does around its walk over the planes of a reversible colour transform."""

    method: str
    sorted_by_table: bool
    transforms: int = colours.TRANSFORMS

    def __init__(self, name: str, tables: NDArray[np.float32]) -> None:
        super().__init__(tables)
        self.name = name

    @abstractmethod
    def _planes(self, shown: Tensor, wanted: Tensor | None, seam: Seam, *, grey: bool) -> Tensor:
        """The planes of a strip, given those of the lossy image and, if it is the encoder's, its own. (3, H, W) each"""

    def walk(
        self,
        predicted: NDArray[np.uint8],
        chooser: interface.PixelChooser,
        *,
        transform: int,
        grey: bool,
        pixels: NDArray[np.uint8] | None,
    ) -> NDArray[np.uint8]:
        """The pixels of a strip; see `interface.PixelModel.walk`."""
        with exact_arithmetic():
            wanted = None
            if pixels is not None:
                colour = pixels[:, :, None].repeat(3, axis=2) if pixels.ndim == 2 else pixels
                wanted = colours.split(planar(colour), transform).float()
            shown = colours.split(planar(predicted), transform).float()
            planes = self._planes(shown, wanted, Seam(chooser), grey=grey)
            if grey:
                return np.ascontiguousarray(planes[0].to(torch.uint8).numpy())
            rgb = colours.join(planes, transform).clamp_(0, 255).to(torch.uint8)
            return np.ascontiguousarray(rgb.permute(1, 2, 0).numpy())


def planar(pixels: NDArray[np.uint8]) -> Tensor:
    """(H, W, C) to (C, H, W) int16."""
    return torch.from_numpy(pixels.astype(np.int16)).permute(2, 0, 1)
