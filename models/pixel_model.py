"""The model of lossless pixels behind the seam that the codec sees: numpy in, numpy out."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from . import colours, interface, residuals
from .exact import exact_arithmetic
from .lattice import LEVELS, SPACING
from .pixel_net import PixelNet
from .pixel_walk import FrozenGroup, PixelDescent
from .residuals import Tokens
from .walk import walk

SAMPLES, SAMPLE = 3, 40
"""Runs of pixels in either direction, and their length, on which colour transforms are compared."""


class LatticePixels(Tokens):
    """A frozen `PixelNet` and its tables as an `interface.PixelModel`."""

    def __init__(self, name: str, net: PixelNet, tables: NDArray[np.float32]) -> None:
        super().__init__(tables)
        self.name, self.network = name, net
        self._bits = (24 - np.log2(tables.astype(np.float64) + 1)).astype(np.float32)
        with torch.inference_mode():
            self._nets = [FrozenGroup(net.group(i)) for i in range(1 + 3 * LEVELS)]

    @property
    def transforms(self) -> int:
        """How many colour transforms there are."""
        return colours.TRANSFORMS

    def transform(self, pixels: NDArray[np.uint8], predicted: NDArray[np.uint8]) -> int:
        """The colour transform under which a sample of a strip takes the fewest bits; 0 where it is grey."""
        if pixels.ndim == 2:
            return 0
        rows, columns = (_sample(side) for side in pixels.shape[:2])
        part, shown = (np.ascontiguousarray(x[np.ix_(rows, columns)]) for x in (pixels, predicted))
        return min(range(colours.TRANSFORMS), key=lambda transform: self._cost(part, shown, transform))

    def _cost(self, pixels: NDArray[np.uint8], predicted: NDArray[np.uint8], transform: int) -> float:
        """Bits of pixels under a transform, nearly. Only an encoder's choice rests on them."""
        cost = _Cost(self._bits)
        self.walk(predicted, cost, transform=transform, grey=False, pixels=pixels)
        return cost.bits

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
            shown = _filled(colours.split(_planar(predicted), transform))
            wanted = None
            if pixels is not None:
                colour = pixels[:, :, None].repeat(3, axis=2) if pixels.ndim == 2 else pixels
                wanted = colours.split(_planar(colour), transform)[None]
                wanted = F.pad(wanted.float(), _margins(size))
            descent = PixelDescent(self._nets, shown, size, wanted, grey=grey)
            planes = walk(descent, Seam(chooser))[:, : size[0], : size[1]]
            if grey:
                return np.ascontiguousarray(planes[0].to(torch.uint8).numpy())
            rgb = colours.join(planes, transform).clamp_(0, 255).to(torch.uint8)
            return np.ascontiguousarray(rgb.permute(1, 2, 0).numpy())


class _Cost:
    """Takes the pixels and adds up what they cost."""

    def __init__(self, bits: NDArray[np.float32]) -> None:
        self._bits, self.bits = bits, 0.0

    def choose(self, step: interface.PixelStep) -> NDArray[np.int32]:
        """The residuals as they are."""
        found = step.residuals()
        tokens = residuals.split(found)[0]
        self.bits += float(self._bits[step.contexts, tokens].sum() + residuals.extra_bits(tokens).sum())
        return found


def _sample(side: int) -> NDArray[np.int64]:
    """Rows or columns of three evenly spaced runs, or all of a short side."""
    if side <= SAMPLES * SAMPLE:
        return np.arange(side)
    starts = np.linspace(0, side - SAMPLE, SAMPLES).astype(np.int64) // SPACING * SPACING
    return np.asarray((starts[:, None] + np.arange(SAMPLE)).reshape(-1))


class Seam:
    """Hands the codec's choice to a walk as a tensor."""

    def __init__(self, chooser: interface.PixelChooser) -> None:
        self._chooser = chooser

    def choose(self, step: interface.PixelStep) -> Tensor:
        """Residuals (n,) int32."""
        return torch.from_numpy(self._chooser.choose(step))


def _planar(pixels: NDArray[np.uint8]) -> Tensor:
    """(H, W, 3) to (3, H, W) int16."""
    return torch.from_numpy(pixels.astype(np.int16)).permute(2, 0, 1)


def _margins(size: tuple[int, ...]) -> tuple[int, int, int, int]:
    return (0, -size[1] % SPACING, 0, -size[0] % SPACING)


def _filled(planes: Tensor) -> Tensor:
    """(3, H, W) integers to floats (1, 3, H', W') whose sides are multiples of 8: the border is repeated."""
    return F.pad(planes[None].float(), _margins(tuple(planes.shape[1:])), mode="replicate")
