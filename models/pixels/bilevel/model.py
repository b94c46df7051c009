"""The model of black and white images as the codec uses it, with numpy arrays as arguments and results."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, UInt8
from ...interface import hierarchy as interface
from ...top_down_pass import run_pass
from .integer import IntegerBilevelNet
from .tiled_pass import Tile, TiledBilevelPass
from .tokens import distributions


class TiledBilevelModel:
    """An `interface.BilevelModel`.

    Args:
        name: Name of the weights.
        net: The network.
        quiet: Integer weights of ink and paper of quiet pixels, by pattern.
    """

    def __init__(self, name: str, net: IntegerBilevelNet, quiet: Float32[NDArray[np.float32], "patterns 2"]) -> None:
        self.name, self._net = name, net
        self.tables = np.concatenate([distributions(), quiet])

    def autoregressive_pass(
        self, tiles: list[Tile], image: UInt8[NDArray[np.uint8], "H W"], source: interface.PixelSource, *, known: bool
    ) -> None:
        """Run the autoregressive pass over some tiles; see `interface.BilevelModel.autoregressive_pass`."""
        run_pass(TiledBilevelPass(self._net, tiles, image, known=known), source)
