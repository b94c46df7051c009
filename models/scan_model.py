"""The model of black and white pages behind the seam that the codec sees: numpy in, numpy out."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from .bilevel import BilevelNet, FrozenBilevel, distributions
from .colour_pixels import Seam
from .integer.guard import exact_arithmetic
from .interface import hierarchy as interface
from .scan_walk import ScanDescent, Tile
from .top_down_pass import walk


class ScanModel:
    """A frozen network and the distributions (PATTERNS, 2) of quiet pixels, as an `interface.PageModel`."""

    def __init__(self, name: str, net: BilevelNet, quiet: NDArray[np.float32]) -> None:
        self.name, self.network = name, net
        self.tables = np.concatenate([distributions(), quiet])
        with torch.inference_mode():
            self._frozen = FrozenBilevel(net)

    def walk(
        self, tiles: list[Tile], image: NDArray[np.uint8], chooser: interface.PixelChooser, *, known: bool
    ) -> None:
        """See `interface.PageModel.walk`."""
        with exact_arithmetic():
            walk(ScanDescent(self._frozen, tiles, image, known=known), Seam(chooser))
