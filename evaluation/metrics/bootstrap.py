"""Confidence intervals of BD-rates by the bootstrap over the images.

The images are a sample of all images that a person might have. As many images are drawn again with replacement, a
thousand times, and the figure is computed for each draw; the interval holds the middle 95 % of the draws.

Source: B. Efron, "Bootstrap methods: another look at the jackknife", 1979 (percentile method).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bd_rate import Curve, bd_rate
from .rate_distortion import RateDistortion

DRAWS = 1000
LEVEL = 0.95
FEWEST = 5
"""Number of images below which no interval is given."""


@dataclass(frozen=True)
class ConfidenceInterval:
    """The range that holds the share `level` of the draws, in the figure's unit."""

    low: float
    high: float
    level: float = LEVEL

    def to_json(self) -> dict[str, float]:
        """Return plain numbers under the names of the fields."""
        return {"low": self.low, "high": self.high, "level": self.level}


@dataclass(frozen=True)
class _Points:
    """Rate and PSNR of every image (rows, in a fixed order) at every quality (columns)."""

    name: str
    bpp: NDArray[np.float64]
    psnr: NDArray[np.float64]

    def curve(self, drawn: NDArray[np.intp]) -> Curve | None:
        """Return the curve of means over the drawn images."""
        points = list(zip(self.bpp[drawn].mean(axis=0).tolist(), self.psnr[drawn].mean(axis=0).tolist(), strict=True))
        if len({score for _, score in points if math.isfinite(score)}) < 2:
            return None
        return Curve.through(self.name, points)


def intervals(
    results: Sequence[RateDistortion], pairs: Sequence[tuple[str, str]], draws: int = DRAWS, seed: int = 0
) -> dict[tuple[str, str], ConfidenceInterval]:
    """Return the confidence interval of the headline BD-rate, in per cent, for pairs of codecs.

    Args:
        results: measurements of all codecs on the same images.
        pairs: (anchor, test) names.
        draws: number of bootstrap draws; all pairs use the same ones.
        seed: seed of the draws.

    Returns:
        Intervals by pair. A pair that has no BD-rate in some draw is missing; below five images all are.
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


def _interval(values: Sequence[float]) -> ConfidenceInterval:
    tail = 50 * (1 - LEVEL)
    low, high = np.percentile(values, [tail, 100 - tail])
    return ConfidenceInterval(float(low), float(high))


def _points(result: RateDistortion, images: Sequence[str]) -> _Points:
    rows = [result.of_image(image) for image in images]
    bpp = np.array([[m.bpp for m in row] for row in rows])
    psnr = np.array([[m.psnr for m in row] for row in rows])
    return _Points(result.name, bpp, psnr)
