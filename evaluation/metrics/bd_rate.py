"""Bjontegaard's deltas between two rate-distortion curves.

BD-rate is the mean difference in rate at the same score, in per cent (negative: fewer bits); BD-PSNR is the mean
difference in score at the same rate, in dB.

Every headline figure of this project is defined as follows:
- a curve consists of means over the images: mean bits per pixel and mean PSNR, one point for each quality;
- log(rate) is interpolated over PSNR by PCHIP (piecewise cubic, monotone between its points);
- both curves are averaged over the same interval: 26 to 36 dB, clipped to what both curves cover;
- the figure is 100 * (exp(mean difference of log rate) - 1).

    log rate ^        anchor  .-'
             |            .-'   _.-   test         the area between the curves over [low, high],
             |        .-'  _.-'                    divided by high - low
             +------|------------|----> PSNR
                   low          high

Each figure carries the interval it was computed over, because it is only meaningful there. Headline figures use PSNR;
other scores use the same arithmetic over the whole range that two curves share.

Source: G. Bjontegaard, "Calculation of average PSNR differences between RD-curves", VCEG-M33, 2001; PCHIP in the place
of its cubic polynomial.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LOW, MIDDLE, HIGH = 26.0, 31.0, 36.0


@dataclass(frozen=True)
class Curve:
    """A rate-distortion curve: rates in bits per pixel and strictly rising scores.

    The score is PSNR in dB or any other whose higher values are better.
    """

    name: str
    bpp: tuple[float, ...]
    score: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.bpp) != len(self.score) or len(self.bpp) < 2:
            raise ValueError(f"{self.name}: a curve needs two points or more, and one score for each rate")
        if not all(math.isfinite(value) for value in self.bpp + self.score) or min(self.bpp) <= 0:
            raise ValueError(f"{self.name}: rates must be positive and all figures finite")
        if any(right <= left for left, right in zip(self.score, self.score[1:], strict=False)):
            raise ValueError(f"{self.name}: the score must rise from point to point (Curve.through sorts)")

    @classmethod
    def through(cls, name: str, points: "Iterable[tuple[float, float]]") -> "Curve":
        """Build the curve through (bpp, score) points given in any order.

        Points of infinite score are dropped, since exact copies cannot be placed on the axis; of two points with the
        same score the one of lower rate is kept.

        Args:
            name: name of the curve.
            points: (bits per pixel, score) of each point.

        Returns:
            The curve, in rising order of the score.
        """
        cheapest: dict[float, float] = {}
        for bpp, score in points:
            if math.isfinite(score):
                cheapest[score] = min(bpp, cheapest.get(score, math.inf))
        ordered = sorted(cheapest.items())
        return cls(name, tuple(bpp for _, bpp in ordered), tuple(score for score, _ in ordered))

    def efficient(self) -> tuple[tuple[float, float], ...]:
        """Return the Pareto-optimal (bpp, score) points, in rising order of both."""
        kept: list[tuple[float, float]] = []
        for bpp, score in sorted(zip(self.bpp, self.score, strict=True), key=lambda point: (point[0], -point[1])):
            if not kept or score > kept[-1][1]:
                kept.append((bpp, score))
        return tuple(kept)


@dataclass(frozen=True)
class BdRate:
    """A BD-rate in per cent (negative: fewer bits than the anchor) and its interval in dB."""

    percent: float
    low: float
    high: float

    def to_json(self) -> dict[str, float]:
        """Return plain numbers under the names of the fields."""
        return {"percent": self.percent, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class BdPsnr:
    """A BD-PSNR in dB (positive: better than the anchor) and its interval in bits per pixel."""

    decibels: float
    low: float
    high: float

    def to_json(self) -> dict[str, float]:
        """Return plain numbers under the names of the fields."""
        return {"decibels": self.decibels, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class BdSummary:
    """BD-rates over 26-36 dB (the headline), 26-31 dB and 31-36 dB; None where the curves share no part of a range."""

    headline: BdRate | None
    lower: BdRate | None
    upper: BdRate | None

    def to_json(self) -> dict[str, dict[str, float] | None]:
        """Return each of the three as plain numbers, or null."""
        parts = {"headline": self.headline, "lower": self.lower, "upper": self.upper}
        return {name: None if part is None else part.to_json() for name, part in parts.items()}


def bd_rate(anchor: Curve, test: Curve, low: float = LOW, high: float = HIGH) -> BdRate | None:
    """Return by how many per cent more bits `test` needs than `anchor` at the same score.

    Args:
        anchor: the curve of reference.
        test: the curve to compare.
        low: lower end of the range of scores; clipped to what both curves cover.
        high: upper end.

    Returns:
        The BD-rate; None where the curves share no part of the range.
    """
    low = max(low, anchor.score[0], test.score[0])
    high = min(high, anchor.score[-1], test.score[-1])
    if low >= high:
        return None
    area = float(_log_rate(test).integrate(low, high)) - float(_log_rate(anchor).integrate(low, high))
    return BdRate(100 * math.expm1(area / (high - low)), low, high)


def bd_summary(anchor: Curve, test: Curve) -> BdSummary:
    """Return the BD-rates of `test` against `anchor` that this project reports: the headline and its two halves.

    Args:
        anchor: the curve of reference, by PSNR in dB.
        test: the curve to compare.

    Returns:
        The BD-rates in per cent; negative where `test` needs fewer bits.
    """
    return BdSummary(
        headline=bd_rate(anchor, test),
        lower=bd_rate(anchor, test, LOW, MIDDLE),
        upper=bd_rate(anchor, test, MIDDLE, HIGH),
    )


def bd_overlap(anchor: Curve, test: Curve) -> BdRate | None:
    """Return the BD-rate over all scores that both curves share, for scores without an agreed interval.

    Args:
        anchor: the curve of reference.
        test: the curve to compare.

    Returns:
        The BD-rate in per cent; None where the curves share no score.
    """
    return bd_rate(anchor, test, -math.inf, math.inf)


def bd_psnr(anchor: Curve, test: Curve) -> BdPsnr | None:
    """Return how much higher `test` scores than `anchor` at the same rate, over all rates that both curves share.

    The score is interpolated over log(rate) by PCHIP through the Pareto-optimal points of each curve, and averaged
    over log(rate).

    Returns:
        The BD-PSNR; None where the curves share no rates.
    """
    curves = [curve.efficient() for curve in (anchor, test)]
    if min(map(len, curves)) < 2:
        return None
    low, high = max(points[0][0] for points in curves), min(points[-1][0] for points in curves)
    if low >= high:
        return None
    ends = math.log(low), math.log(high)
    areas = [float(_score_over_log_rate(points).integrate(*ends)) for points in curves]
    return BdPsnr((areas[1] - areas[0]) / (ends[1] - ends[0]), low, high)


def bits_at(curve: Curve, score: float) -> float | None:
    """Return the bits per pixel that the curve needs for `score`; None outside the curve, without extrapolation.

    Args:
        curve: the curve.
        score: the score to find, such as PSNR in dB.

    Returns:
        Bits per pixel, interpolated as for the BD-rate.
    """
    if not curve.score[0] <= score <= curve.score[-1]:
        return None
    return math.exp(float(_log_rate(curve)(score)))


def _log_rate(curve: Curve) -> Any:
    return _pchip(curve.score, [math.log(bpp) for bpp in curve.bpp])


def _score_over_log_rate(points: "Sequence[tuple[float, float]]") -> Any:
    return _pchip([math.log(bpp) for bpp, _ in points], [score for _, score in points])


def _pchip(x: "Sequence[float]", y: "Sequence[float]") -> Any:
    # Imported here because scipy belongs to the `eval` extra: only reports need it.
    from scipy.interpolate import PchipInterpolator  # type: ignore[import-untyped]

    return PchipInterpolator(x, y)
