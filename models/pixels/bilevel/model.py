"""The model of black and white images as the codec uses it: numpy in, numpy out."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from numpy.typing import NDArray

from ...integer.guard import exact_arithmetic
from ...interface import hierarchy as interface
from ...top_down_pass import walk
from ..adapter import TensorChooser
from .net import BilevelNet
from .tiled_walk import Tile, TiledBilevelDescent
from .tokens import distributions
from .walk import IntegerBilevelNet


class BilevelModel:
    """An `interface.PageModel`.

    Args:
        name: Name of the weights.
        net: The network.
        quiet: Integer weights of ink and paper of quiet pixels, by pattern.
    """

    def __init__(self, name: str, net: BilevelNet, quiet: Float32[NDArray[np.float32], "patterns 2"]) -> None:
        self.name, self.network = name, net
        self.tables = np.concatenate([distributions(), quiet])
        with torch.inference_mode():
            self._integer = IntegerBilevelNet(net)

    def walk(
        self, tiles: list[Tile], image: UInt8[NDArray[np.uint8], "H W"], chooser: interface.PixelChooser, *, known: bool
    ) -> None:
        """Choose every pixel of some tiles; see `interface.PageModel.walk`."""
        with exact_arithmetic():
            walk(TiledBilevelDescent(self._integer, tiles, image, known=known), TensorChooser(chooser))
