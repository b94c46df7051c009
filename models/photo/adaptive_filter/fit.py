"""Fits the adaptive filter to an image: least squares on its terms, weighed against the cost of the coefficients.

For each region and output, coefficients are removed one by one, each time the one whose removal loses least compared
with the bits that it saves, until all remaining ones pay: a squared grey level is worth 1 / (2 sigma^2 ln 2) bits, as
in the encoder's objective. The remaining ones are rounded one by one, while the others are fitted again. Regions of
any size are sums of the smallest ones, so that all sizes can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Int32
from ...interface.adaptive_filter import SMALLEST_SIDE, ImageFilter
from .squares import PLANES, TERMS

Floats = NDArray[np.float64]

LARGEST = 255
"""Largest magnitude of a coefficient, in steps."""
PRECISIONS = (4, 5, 6, 7, 8)
"""Binary digits after the point that coefficients may have."""
FRAMING = 80.0
"""Bits of a filter besides its symbols: its row in the header, its first byte, the coder's."""
RIDGE = 1e-6
"""Regularisation, relative to the terms' own energies: some terms are nearly sums of others."""


@lru_cache(maxsize=1)
def tables() -> Float32[NDArray[np.float32], "densities steps"]:
    """Return the weights of the steps -255 .. 255 by density, computed in integers. (4, 511)

    Between 1 and 11 in 16 coefficients are not 0.
    """
    symbols = 2 * LARGEST + 1
    total = 2**24 - (symbols + 2)
    sizes = np.abs(np.arange(-LARGEST, LARGEST + 1, dtype=np.int64))
    shape = 2**24 // (sizes + 6) ** 2
    shape[LARGEST] = 0
    rows = np.stack([shape * (total * sixteenths // 16) // shape.sum() for sixteenths in (1, 3, 6, 11)])
    rows[:, LARGEST] = total - rows.sum(axis=1)
    return rows.astype(np.float32)


@lru_cache(maxsize=1)
def costs() -> Floats:
    """Return the bits of the steps -255 .. 255 by density. (4, 511)"""
    bits: Floats = 24 - np.log2(tables().astype(np.float64) + 1)
    return bits


class FilterTables:
    """What every photograph model says of its adaptive filter, for the codec (`interface.photo.PhotoModel`)."""

    @property
    def filter_shape(self) -> tuple[int, int]:
        """Number of the adaptive filter's outputs, and of terms of each."""
        return PLANES, TERMS

    @property
    def filter_tables(self) -> Float32[NDArray[np.float32], "densities steps"]:
        """Distributions of the adaptive filter's coefficients."""
        return tables()


@dataclass
class Moments:
    """Sums over pixels, from which least squares can be solved."""

    terms: Floats
    """Products of terms, (T, T)."""
    targets: Floats
    """Products of terms and remaining errors, (T, outputs)."""

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.terms + other.terms, self.targets + other.targets)


Grid = dict[tuple[int, int], Moments]
"""Moments by row and column of regions."""


def fitted(smallest: Grid, sigma: float, precisions: tuple[int, ...] = PRECISIONS) -> ImageFilter | None:
    """Return the filter that saves most bits; None if none saves any.

    Args:
        smallest: Moments of the smallest regions.
        sigma: In grey levels.
        precisions: Precisions to try.
    """
    value = 1 / (2 * sigma**2 * np.log(2))
    best, most = None, FRAMING
    for side, grid in _sizes(smallest):
        solved = {place: Solved.of(moments) for place, moments in grid.items()}
        for precision in precisions:
            found, saved = _of_grid(solved, precision, value)
            if saved > most:
                best, most = ImageFilter(side, precision, found), saved
    return best


def _sizes(grid: Grid) -> Iterator[tuple[int, Grid]]:
    """Yield regions of the smallest side, of twice that, and so on up to the whole image."""
    side = SMALLEST_SIDE
    while True:
        yield side, grid
        if len(grid) == 1:
            return
        side, wider = 2 * side, Grid()
        for (row, column), moments in grid.items():
            place = row // 2, column // 2
            wider[place] = wider[place] + moments if place in wider else moments
        grid = wider


@dataclass
class Solved:
    """Least squares of a region with all terms."""

    moments: Moments
    inverse: Floats
    """Inverse of the products of terms, (T, T)."""

    @classmethod
    def of(cls, moments: Moments) -> Solved:
        """Solve for some moments."""
        energies = moments.terms.diagonal()
        ridge = RIDGE * energies + 1e-9 * energies.max() + 1e-12
        return cls(moments, np.linalg.inv(moments.terms + np.diag(ridge)).astype(np.float64))


def _of_grid(grid: dict[tuple[int, int], Solved], precision: int, value: float) -> tuple[NDArray[np.int32], float]:
    """Return the steps (rows, columns, outputs, terms), and the bits that they save less those of the densities."""
    rows, columns = (1 + max(place[i] for place in grid) for i in (0, 1))
    count, outputs = next(iter(grid.values())).moments.targets.shape
    steps = np.zeros((rows, columns, outputs, count), np.int32)
    saved = -rows * columns * outputs * float(np.log2(1 + len(tables())))
    for place, solved in grid.items():
        for output in range(outputs):
            steps[place][output], bits = regression(solved, output, precision, value)
            saved += bits
    return steps, saved


def regression(
    solved: Solved, output: int, precision: int, value: float
) -> tuple[Int32[NDArray[np.int32], " terms"], float]:
    """Fit one output of a region.

    Args:
        solved: The region's least squares.
        output: Index of the output.
        precision: Binary digits after the point.
        value: Bits that a squared grey level is worth.

    Returns:
        The steps (T,), and the bits that they save: what the smaller errors are worth less the cost of the
        coefficients.
    """
    terms, target = solved.moments.terms, solved.moments.targets[:, output]
    open_regression = _Regression(solved.inverse.copy(), target, 2.0**precision)
    while open_regression.open.any() and (weakest := open_regression.weakest(value)) is not None:
        open_regression.fix(weakest, 0)
    for index in np.argsort(open_regression.inverse.diagonal() + np.where(open_regression.open, 0, np.inf))[
        : open_regression.open.sum()
    ]:
        open_regression.fix(int(index), open_regression.rounded()[index])
    steps = open_regression.rounded()
    if not steps.any():
        return steps, 0.0
    chosen = steps / 2.0**precision
    gained = value * float(2 * chosen @ target - chosen @ terms @ chosen)
    saved = gained - float(costs()[:, steps + LARGEST].sum(axis=1).min())
    return (steps, saved) if saved > 0 else (np.zeros_like(steps), 0.0)


class _Regression:
    """Least squares while coefficients are fixed one after the other."""

    def __init__(self, inverse: Floats, target: Floats, scale: float) -> None:
        self.inverse = inverse
        self.best: Floats = inverse @ target
        self.open = np.ones(len(target), bool)
        self.scale = scale

    def rounded(self) -> NDArray[np.int32]:
        """Return the best coefficients in steps."""
        return np.clip(np.rint(self.best * self.scale), -LARGEST, LARGEST).astype(np.int32)

    def weakest(self, value: float) -> int | None:
        """Return the open coefficient whose cost exceeds its worth most; None if all are worth their cost."""
        price = costs()[NOMINAL][self.rounded() + LARGEST] - costs()[NOMINAL][LARGEST]
        with np.errstate(divide="ignore", invalid="ignore"):
            worth = value * self.best**2 / self.inverse.diagonal() - price
        worth = np.where(self.open, worth, np.inf)
        index = int(worth.argmin())
        return index if worth[index] <= 0 else None

    def fix(self, index: int, step: int) -> None:
        """Fix a coefficient at a value, and fit the open ones again."""
        column: Floats = self.inverse[:, index] / self.inverse[index, index]
        self.best -= column * (self.best[index] - step / self.scale)
        self.inverse -= np.outer(column, self.inverse[index])
        self.inverse[index], self.inverse[:, index] = 0.0, 0.0
        self.open[index] = False


NOMINAL = 2
"""The density by which coefficients are priced before their number is known."""
