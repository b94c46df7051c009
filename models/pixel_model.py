"""The lattice's model of lossless pixels behind the seam that the codec sees: numpy in, numpy out."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from . import colours, interface
from .exact import exact_arithmetic
from .lattice import LEVELS, SPACING
from .pixel_net import PixelNet
from .pixel_walk import FrozenGroup, PixelDescent
from .residuals import Tokens
from .walk import walk


class LatticePixels(Tokens):
    """A frozen `PixelNet` and its tables as an `interface.PixelModel`."""

    def __init__(self, name: str, net: PixelNet, tables: NDArray[np.float32]) -> None:
        super().__init__(tables)
        self.name, self.network = name, net
        with torch.inference_mode():
            self._nets = [FrozenGroup(net.group(i)) for i in range(1 + 3 * LEVELS)]

    @property
    def method(self) -> str:
        """The method of lossless files that it is made for."""
        return "lattice"

    @property
    def sorted_by_table(self) -> bool:
        """Whether a step's symbols are coded in the order of their contexts."""
        return True

    @property
    def transforms(self) -> int:
        """How many colour transforms there are."""
        return colours.TRANSFORMS

    def transform(self, pixels: NDArray[np.uint8], predicted: NDArray[np.uint8]) -> int:
        """0: such files are no longer written."""
        return 0

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
        size = predicted.shape[:2]
        with exact_arithmetic():
            shown = _filled(colours.split(planar(predicted), transform))
            wanted = None
            if pixels is not None:
                colour = pixels[:, :, None].repeat(3, axis=2) if pixels.ndim == 2 else pixels
                wanted = colours.split(planar(colour), transform)[None]
                wanted = F.pad(wanted.float(), _margins(size))
            descent = PixelDescent(self._nets, shown, size, wanted, grey=grey)
            planes = walk(descent, Seam(chooser))[:, : size[0], : size[1]]
            if grey:
                return np.ascontiguousarray(planes[0].to(torch.uint8).numpy())
            rgb = colours.join(planes, transform).clamp_(0, 255).to(torch.uint8)
            return np.ascontiguousarray(rgb.permute(1, 2, 0).numpy())


class Seam:
    """Hands the codec's choice to a walk as a tensor."""

    def __init__(self, chooser: interface.PixelChooser) -> None:
        self._chooser = chooser

    def choose(self, step: interface.PixelStep) -> Tensor:
        """Residuals (n,) int32."""
        return torch.from_numpy(self._chooser.choose(step))


def planar(pixels: NDArray[np.uint8]) -> Tensor:
    """(H, W, 3) to (3, H, W) int16."""
    return torch.from_numpy(pixels.astype(np.int16)).permute(2, 0, 1)


def _margins(size: tuple[int, ...]) -> tuple[int, int, int, int]:
    return (0, -size[1] % SPACING, 0, -size[0] % SPACING)


def _filled(planes: Tensor) -> Tensor:
    """(3, H, W) integers to floats (1, 3, H', W') whose sides are multiples of 8: the border is repeated."""
    return F.pad(planes[None].float(), _margins(tuple(planes.shape[1:])), mode="replicate")
