"""How sure a BD-rate is: the interval that it falls into when the images are drawn again.

The images are a sample of all images that a person might have. Drawing as many of them again, with replacement, and
computing the figure anew gives its spread (Efron's percentile bootstrap): the middle 95 % of a thousand draws.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bdrate import Curve, bd_rate
from .rd import RateDistortion

DRAWS = 1000
LEVEL = 0.95
FEWEST = 5
"""Images below which an interval would say nothing."""


@dataclass(frozen=True)
class Interval:
    """The range that holds `level` of the draws, in the figure's unit."""

    low: float
    high: float
    level: float = LEVEL

    def to_json(self) -> dict[str, float]:
        """Plain numbers under the names of the fields."""
        return {"low": self.low, "high": self.high, "level": self.level}


@dataclass(frozen=True)
class _Points:
    """Rate and PSNR of every image (rows, in one order) at every quality (columns)."""

    name: str
    bpp: NDArray[np.float64]
    psnr: NDArray[np.float64]

    def curve(self, drawn: NDArray[np.intp]) -> Curve | None:
        """The curve of means over the drawn images."""
        points = list(zip(self.bpp[drawn].mean(axis=0).tolist(), self.psnr[drawn].mean(axis=0).tolist(), strict=True))
        if len({score for _, score in points if math.isfinite(score)}) < 2:
            return None
        return Curve.through(self.name, points)


def intervals(
    results: Sequence[RateDistortion], pairs: Sequence[tuple[str, str]], draws: int = DRAWS, seed: int = 0
) -> dict[tuple[str, str], Interval]:
    """The interval of the headline BD-rate (per cent) of each (anchor, test) pair of codec names.

    All pairs see the same draws. Pairs without a figure in some draw have no interval, nor has anything with fewer
    than five images.
    """
    images = sorted({m.image for result in results for m in result.measurements})
    if len(images) < FEWEST:
        return {}
    tables = [_points(result, images) for result in results]
    found: dict[tuple[str, str], list[float]] = {pair: [] for pair in pairs}
    generator = np.random.default_rng(seed)
    for _ in range(draws):
        drawn = generator.integers(len(images), size=len(images))
        curves = {table.name: table.curve(drawn) for table in tables}
        for pair, values in found.items():
            anchor, test = curves[pair[0]], curves[pair[1]]
            rate = bd_rate(anchor, test) if anchor and test else None
            values.extend([rate.percent] if rate else [])
    return {pair: _interval(values) for pair, values in found.items() if len(values) == draws}


def _interval(values: Sequence[float]) -> Interval:
    tail = 50 * (1 - LEVEL)
    low, high = np.percentile(values, [tail, 100 - tail])
    return Interval(float(low), float(high))


def _points(result: RateDistortion, images: Sequence[str]) -> _Points:
    rows = [result.of_image(image) for image in images]
    bpp = np.array([[m.bpp for m in row] for row in rows])
    psnr = np.array([[m.psnr for m in row] for row in rows])
    return _Points(result.name, bpp, psnr)
