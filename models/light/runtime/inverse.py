"""From symbols to samples in integers: their values, the inverse transform, and the contrasts that networks see.

Samples are in units of sigma, in steps of 2**-8. Blocks of samples are channels, (192, rows, columns), by colour, row
and column. Sums of float64 stay below 2**53, where they are exact in any order.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Float64, Int16
from ...photo.layout import BLOCK
from ...photo.runtime.transform import blocks_of, samples_of, unfolded
from ...photo.runtime.windows import grid_sizes
from ..config import STRIDES
from ..grids import CONTRAST_BITS, SAMPLE_BITS, SAMPLE_LIMIT, VALUE_BITS
from ..layout import coded_channels
from .borders import HALF, across_borders
from .integer_constants import BASIS_BITS, integer_basis, integer_borders
from .top_down import LightState

LARGEST_STEP = 2**20
"""Bound of a symbol's step in units of 2**-12 sigma."""
COARSE_BITS = 4
"""Binary digits of the smooth image that contrasts are differences from."""
CLOSEST = 4095
"""Largest magnitude of a difference from the smooth image, in steps of 2**-4, beyond which its contrast is constant."""


class SymbolValues:
    """What symbols stand for, at one tuning.

    Args:
        tensors: those below `values.STRIDE.TUNING`, by stride.

    Raises:
        ValueError: they do not fit.
    """

    def __init__(self, tensors: dict[int, Any]) -> None:
        self.channels = {stride: np.array(coded_channels(stride)) for stride in STRIDES}
        self.step: dict[int, NDArray[np.int32]] = {}
        self.shrink: dict[int, NDArray[np.int32]] = {}
        for stride, below in tensors.items():
            count = len(self.channels[stride])
            self.step[stride] = below.take("step", np.int32, (count,))
            self.shrink[stride] = below.take("shrink", np.int32, (count, 3))
            if not (self.step[stride].min() > 0 and self.step[stride].max() < LARGEST_STEP):
                raise ValueError("the steps of its symbols are out of bounds")
            if np.abs(self.shrink[stride]).max() > self.step[stride].max():
                raise ValueError("its symbols shrink by more than a step")

    def coefficients(
        self, symbols: Int16[NDArray[np.int16], "C _ _"], stride: int
    ) -> Float64[NDArray[np.float64], "C _ _"]:
        """Return the coefficients of symbols, in steps of 2**-12 sigma and of the transform's own norms."""
        out = np.zeros(symbols.shape, np.float64)
        parts = zip(self.channels[stride], self.step[stride], self.shrink[stride], strict=True)
        for channel, step, shrink in parts:
            numbers = symbols[channel]
            table = np.array([0, *shrink])
            out[channel] = numbers * np.float64(step) - np.sign(numbers) * table[np.minimum(np.abs(numbers), 3)]
        return out


def block_means(state: LightState, values: SymbolValues) -> Float64[NDArray[np.float64], "3 _ _"]:
    """Return the means of all blocks, in steps of 2**-12 sigma and of the transform's norm."""
    sizes = grid_sizes(state.size)
    rows, columns = sizes[STRIDES[0]]
    coarse = {}
    for stride in STRIDES[:-1]:
        level = values.coefficients(state.symbols[stride].reshape(-1, *sizes[stride]), stride)
        more = (0, rows * (64 // stride) - level.shape[1]), (0, columns * (64 // stride) - level.shape[2])
        coarse[stride] = np.pad(level, ((0, 0), *more))
    means = unfolded(coarse)
    return means[:, : sizes[BLOCK][0], : sizes[BLOCK][1]]


def mean_samples(state: LightState, values: SymbolValues) -> Float64[NDArray[np.float64], "3 _ _"]:
    """Return the means of the samples that the blocks' means alone stand for: the image at an eighth of its size."""
    means = block_means(state, values)
    matrix = integer_basis()[:: BLOCK**2, :: BLOCK**2]
    flat = (matrix.T @ means.reshape(len(means), -1)) * 2.0 ** (SAMPLE_BITS - VALUE_BITS - BASIS_BITS)
    steps = _rounded(flat).reshape(means.shape)
    return _lapped_means(_lapped_means(steps).transpose(0, 2, 1)).transpose(0, 2, 1)


def _lapped_means(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the means along rows of blocks of equal samples (C, H, W) after the map across their borders."""
    own, other = integer_borders()[HALF:, HALF:].sum(), integer_borders()[HALF:, :HALF].sum()
    whole = HALF * 2**BASIS_BITS
    halves = np.full((2, *x.shape), 1.0) * (x * whole)
    halves[0, :, :, 1:] = own * x[:, :, 1:] + other * x[:, :, :-1]
    halves[1, :, :, :-1] = own * x[:, :, :-1] + other * x[:, :, 1:]
    return _rounded(halves.sum(axis=0) / (2 * whole))


def block_samples(
    state: LightState, values: SymbolValues, means: Float64[NDArray[np.float64], "3 _ _"], rows: slice
) -> Int16[NDArray[np.int16], "192 _ _"]:
    """Return the samples of some rows of blocks.

    Args:
        state: what a pass has built.
        values: what its symbols stand for.
        means: those of all blocks.
        rows: rows of blocks.
    """
    count = means.shape[1]
    wide = slice(max(rows.start - 1, 0), min(rows.stop + 1, count))  # lapped blocks need one more
    symbols = state.symbols[BLOCK].reshape(192, *means.shape[1:])[:, wide]
    coefficients = values.coefficients(symbols, BLOCK)
    coefficients[:: BLOCK**2] = means[:, wide]
    flat = integer_basis().T @ coefficients.reshape(192, -1)
    steps = _rounded(flat * 2.0 ** (SAMPLE_BITS - VALUE_BITS - BASIS_BITS)).reshape(coefficients.shape)
    lapped = across_borders(samples_of(steps), integer_borders() * 2.0**-BASIS_BITS, _rounded)
    found = blocks_of(lapped)[:, rows.start - wide.start : rows.stop - wide.start]
    return np.asarray(np.clip(found, -SAMPLE_LIMIT, SAMPLE_LIMIT), np.int16)


def _rounded(x: NDArray[np.float64]) -> NDArray[np.float64]:
    x += 0.5
    return np.floor(x, out=x)


def contrasts(x: Int16[NDArray[np.int16], "192 _ _"]) -> Float32[NDArray[np.float32], "192 _ _"]:
    """Return the companded difference of samples from a smooth image, in steps of 2**-5.

    The smooth image interpolates the means of 3x3 blocks linearly between the blocks' centres; the border repeats.
    """
    _, rows, columns = x.shape
    parts = x.reshape(3, BLOCK**2, rows, columns)
    sums = np.pad(parts.sum(axis=1, dtype=np.int64), ((0, 0), (1, 1), (1, 1)), mode="edge")
    down = sums[:, :-2] + sums[:, 1:-1] + sums[:, 2:]
    nine = down[:, :, :-2] + down[:, :, 1:-1] + down[:, :, 2:]
    whole = 9 * BLOCK**2 * 2 ** (SAMPLE_BITS - COARSE_BITS)
    smooth = np.pad((2 * nine + whole) // (2 * whole), ((0, 0), (1, 1), (1, 1)), mode="edge").astype(np.float32)
    near = [smooth[:, i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
    out = np.empty_like(parts, np.float32)
    for colour in range(3):
        nearby = np.stack([part[colour] for part in near]).reshape(9, -1)
        behind = (_interpolation() @ nearby).reshape(BLOCK**2, rows, columns)
        detail = parts[colour] * np.float32(16) - behind  # in steps of 2**-12
        places = np.floor(detail * np.float32(2.0**-8) + np.float32(0.5))
        out[colour] = _companded().take(np.clip(places, -CLOSEST, CLOSEST).astype(np.int32) + CLOSEST)
    return out.reshape(192, rows, columns)


@cache
def _interpolation() -> NDArray[np.float32]:
    """Return the weights of 3x3 blocks' values for each of a block's samples, in steps of 2**-8: (64, 9)."""
    offsets = 2 * np.arange(BLOCK) - (BLOCK - 1)  # from the centre, in sixteenths of a block
    along = np.stack([np.maximum(-offsets, 0), 16 - np.abs(offsets), np.maximum(offsets, 0)], axis=1)
    return np.kron(along, along).astype(np.float32)


@cache
def _companded() -> NDArray[np.float32]:
    """Return round(32 d / (4 + |d| / 4)) for the differences d = -4095/16 to 4095/16."""
    places = np.arange(-CLOSEST, CLOSEST + 1)
    bottom = 256 + np.abs(places)
    top = places * 2 ** (CONTRAST_BITS + 2)
    return np.asarray((2 * top + bottom) // (2 * bottom), np.float32)
