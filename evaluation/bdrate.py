"""Bjontegaard's delta rate: how many per cent fewer (negative) bits one codec needs than another for the same PSNR.

The definition behind every headline figure of this project:
- a curve is made of means over the images: mean bits per pixel against mean PSNR, one point a quality;
- log(rate) is interpolated over PSNR by PCHIP (piecewise cubic, monotone between its points);
- both curves are averaged over the same interval: 26 to 36 dB, clipped to where both curves are;
- the figure is 100 * (exp(mean difference of log rate) - 1).

    log rate ^        anchor  .-'
             |            .-'   _.-   test         the area between the curves over [low, high],
             |        .-'  _.-'                    divided by high - low
             +------|------------|----> PSNR
                   low          high

A figure is only as good as the interval behind it, so each carries the interval it used.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

LOW, MIDDLE, HIGH = 26.0, 31.0, 36.0


@dataclass(frozen=True)
class Curve:
    """A rate-distortion curve: points in order of PSNR (dB), each PSNR once, with the rate in bits per pixel."""

    name: str
    bpp: tuple[float, ...]
    psnr: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.bpp) != len(self.psnr) or len(self.bpp) < 2:
            raise ValueError(f"{self.name}: a curve needs two points or more, and one PSNR for each rate")
        if not all(math.isfinite(value) for value in self.bpp + self.psnr) or min(self.bpp) <= 0:
            raise ValueError(f"{self.name}: rates must be positive and all figures finite")
        if any(right <= left for left, right in zip(self.psnr, self.psnr[1:], strict=False)):
            raise ValueError(f"{self.name}: PSNR must rise from point to point (Curve.through sorts)")

    @classmethod
    def through(cls, name: str, points: "Iterable[tuple[float, float]]") -> "Curve":
        """The curve through (bpp, PSNR) points in any order.

        Points of infinite PSNR are left out, since an exact copy has no place on the axis; where two points share a
        PSNR the cheaper one stands.
        """
        cheapest: dict[float, float] = {}
        for bpp, psnr in points:
            if math.isfinite(psnr):
                cheapest[psnr] = min(bpp, cheapest.get(psnr, math.inf))
        ordered = sorted(cheapest.items())
        return cls(name, tuple(bpp for _, bpp in ordered), tuple(psnr for psnr, _ in ordered))


@dataclass(frozen=True)
class BdRate:
    """A BD-rate in per cent (negative: fewer bits than the anchor) and the interval in dB it holds for."""

    percent: float
    low: float
    high: float

    def to_json(self) -> dict[str, float]:
        """Plain numbers under the names of the fields."""
        return {"percent": self.percent, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class BdSummary:
    """The headline (26-36 dB) with its halves (26-31 and 31-36); None where the curves share none of it."""

    headline: BdRate | None
    lower: BdRate | None
    upper: BdRate | None

    def to_json(self) -> dict[str, dict[str, float] | None]:
        """Each of the three as plain numbers, or null."""
        parts = {"headline": self.headline, "lower": self.lower, "upper": self.upper}
        return {name: None if part is None else part.to_json() for name, part in parts.items()}


def bd_rate(anchor: Curve, test: Curve, low: float = LOW, high: float = HIGH) -> BdRate | None:
    """How many per cent more bits `test` needs than `anchor`, over [low, high] dB as far as both curves reach."""
    low = max(low, anchor.psnr[0], test.psnr[0])
    high = min(high, anchor.psnr[-1], test.psnr[-1])
    if low >= high:
        return None
    area = float(_log_rate(test).integrate(low, high)) - float(_log_rate(anchor).integrate(low, high))
    return BdRate(100 * math.expm1(area / (high - low)), low, high)


def bd_summary(anchor: Curve, test: Curve) -> BdSummary:
    """The BD-rate of `test` against `anchor` as this project reports it: the headline and its two halves."""
    return BdSummary(
        headline=bd_rate(anchor, test),
        lower=bd_rate(anchor, test, LOW, MIDDLE),
        upper=bd_rate(anchor, test, MIDDLE, HIGH),
    )


def bits_at(curve: Curve, psnr: float) -> float | None:
    """Bits per pixel that the curve needs for `psnr` dB; None outside the curve, which is never extrapolated."""
    if not curve.psnr[0] <= psnr <= curve.psnr[-1]:
        return None
    return math.exp(float(_log_rate(curve)(psnr)))


def _log_rate(curve: Curve) -> Any:
    # Imported here because scipy belongs to the `eval` extra: only reports need it.
    from scipy.interpolate import PchipInterpolator  # type: ignore[import-untyped]

    return PchipInterpolator(curve.psnr, [math.log(bpp) for bpp in curve.bpp])
