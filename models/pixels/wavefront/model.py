"""The model of lossless photographs as the codec uses it: with numpy arrays as arguments and results."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Int16, Int32, UInt8
from ...interface import hierarchy as interface
from ...top_down_pass import run_pass
from .. import colours
from ..memory.estimate import Occurrences
from ..tokens import ResidualTokens
from . import features
from .integer import IntegerWavefrontNet
from .skew import Tiling
from .wavefront_pass import WavefrontPass

SAMPLES, SAMPLE = 4, 12
"""Squares in either direction, and their side, on which colour transforms are compared."""

OTHERS = 3
"""One in so many rows outside the squares says which colours occur."""


class WavefrontModel(ResidualTokens):
    """An `interface.PixelModel`.

    Args:
        name: Name of the weights.
        net: The network.
        tables: The distributions of tokens.
    """

    transforms: int = colours.TRANSFORMS

    def __init__(
        self, name: str, net: IntegerWavefrontNet, tables: Float32[NDArray[np.float32], "contexts tokens"]
    ) -> None:
        super().__init__(tables)
        self.name, self._net = name, net

    def transform(
        self, pixels: UInt8[NDArray[np.uint8], "H W *c"], predicted: UInt8[NDArray[np.uint8], "H W 3"]
    ) -> int:
        """Return the colour transform under which squares of a strip take the fewest bits; 0 for a grey strip."""
        if pixels.ndim == 2:
            return 0
        places = _squares(*pixels.shape[:2])
        wanted, shown = (_transformed(planar(whole), places) for whole in (pixels, predicted))
        _, count, height, width = wanted.shape
        bits = _Bits(self, Occurrences(planar(pixels[_others(places, len(pixels))]), self.tables))
        tiling = Tiling(count * height, width, height, width)
        run_pass(WavefrontPass(self._net, tiling, features.shown_around(shown), wanted, grey=False), bits)
        return int(bits.sums.min(axis=0).sum(axis=0).argmin())

    def autoregressive_pass(
        self,
        predicted: UInt8[NDArray[np.uint8], "H W 3"],
        source: interface.PlaneSource,
        *,
        transform: int,
        grey: bool,
        pixels: UInt8[NDArray[np.uint8], "H W *c"] | None,
    ) -> UInt8[NDArray[np.uint8], "H W *c"]:
        """Run the autoregressive pass over a strip's pixels; see `interface.PixelModel.autoregressive_pass`."""
        tiling, wanted = Tiling(*predicted.shape[:2]), None
        if pixels is not None:
            colour = pixels[:, :, None].repeat(3, axis=2) if grey else pixels
            wanted = tiling.tiles(colours.split(planar(colour), transform).astype(np.float32))
        shown = colours.split(planar(predicted), transform).astype(np.float32)
        around = tiling.tiles(features.shown_around(shown[:, None])[:, 0])
        planes = run_pass(WavefrontPass(self._net, tiling, around, wanted, grey=grey), source)
        if grey:
            return np.ascontiguousarray(planes[0].astype(np.uint8))
        rgb = np.clip(colours.join(planes, transform), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(rgb.transpose(1, 2, 0))


class _Bits:
    """Takes the pixels of squares under every colour transform, and sums up the bits that they cost.

    Args:
        tokens: The distributions of tokens.
        occurrences: Those of the colours of other pixels.
    """

    def __init__(self, tokens: ResidualTokens, occurrences: Occurrences) -> None:
        self._tokens, self._occurrences = tokens, occurrences
        self.sums = np.zeros((2, 3, colours.TRANSFORMS))
        """Bits without and with a memory, by plane and transform."""
        self._before = list[NDArray[np.int32]]()
        raw = tokens.extra_bits(np.arange(tokens.tables.shape[1], dtype=np.int32))
        self._costs = raw - np.log2((tokens.tables + 1) / 2**24)

    def next(self, step: interface.PlaneStep) -> Int32[NDArray[np.int32], " n"]:
        """Return the residuals as they are."""
        residuals, plane = step.residuals(), step.layer % 3
        contexts, middles, steps = (
            one.reshape(colours.TRANSFORMS, -1) for one in (step.contexts, step.middles, residuals)
        )
        costs = self._costs[contexts, self._tokens.split(residuals)[0].reshape(steps.shape)].sum(axis=1)
        self._before = [*self._before[:plane], middles + steps]
        more = self._occurrences.more_bits(contexts, middles, self._before) if plane else 0
        self.sums[:, plane] += costs, costs + more
        return residuals


def planar(pixels: UInt8[NDArray[np.uint8], "H W C"]) -> Int16[NDArray[np.int16], "C H W"]:
    """Return an image as planes, of a type that holds differences."""
    return pixels.transpose(2, 0, 1).astype(np.int16)


def _transformed(planes: NDArray[np.int16], places: list[tuple[slice, slice]]) -> NDArray[np.float32]:
    """Return squares of an image under every colour transform, one transform after the other, (3, squares, h, w)."""
    squares = np.stack([planes[:, rows, columns] for rows, columns in places])
    every = np.concatenate([colours.split(squares, transform) for transform in range(colours.TRANSFORMS)])
    return every.swapaxes(0, 1).astype(np.float32)


def _squares(height: int, width: int) -> list[tuple[slice, slice]]:
    """Return rows and columns of evenly spaced squares, all of one size."""
    down, across = (_spaced(side) for side in (height, width))
    return [(rows, columns) for rows in down for columns in across]


def _others(places: list[tuple[slice, slice]], height: int) -> NDArray[np.int64]:
    """Return some rows that no square is in: as many as a memory knows on the average while a strip is coded."""
    outside = np.ones(height, np.bool_)
    for rows, _ in places:
        outside[rows] = False
    return np.flatnonzero(outside)[::OTHERS]


def _spaced(side: int) -> list[slice]:
    """Return evenly spaced slices of a side, or all of it if it is short."""
    if side <= SAMPLES * SAMPLE:
        return [slice(0, side)]
    return [slice(int(first), int(first) + SAMPLE) for first in np.linspace(0, side - SAMPLE, SAMPLES)]
