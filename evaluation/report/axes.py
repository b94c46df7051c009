"""Axes: from values to places on a drawing, with ticks at round numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .scene import Label, Line, Shape

WIDTH, HEIGHT = 460.0, 350.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 12.0, 10.0, 52.0
SMALL = 12.5
"""Size of tick labels."""


@dataclass(frozen=True)
class Scale:
    """Values from `low` to `high` along a stretch of the drawing, linear or logarithmic."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Where a value lies."""
        low, high, value = (math.log(v) if self.logarithmic else v for v in (self.low, self.high, value))
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def holds(self, value: float) -> bool:
        """Whether the value is on the scale."""
        return self.low <= value <= self.high

    def ticks(self) -> tuple[float, ...]:
        """Round values on the scale."""
        return log_ticks(self.low, self.high) if self.logarithmic else linear_ticks(self.low, self.high)


def linear_ticks(low: float, high: float, about: int = 6) -> tuple[float, ...]:
    """Multiples of 1, 2 or 5 times a power of ten, about so many of them."""
    power = 10.0 ** math.floor(math.log10((high - low) / about))
    step = min((power * factor for factor in (1, 2, 5, 10)), key=lambda step: abs((high - low) / step - about))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(round(index * step, 12) for index in range(first, last + 1))


def log_ticks(low: float, high: float) -> tuple[float, ...]:
    """Powers of ten, with 2 and 5 between them where there are few."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1, 2, 5) if math.log10(high / low) < 1.7 else (1,)
    ticks = (factor * 10.0**decade for decade in decades for factor in factors)
    return tuple(tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9))


def padded(values: Sequence[float], by: float = 0.05) -> tuple[float, float]:
    """The range of the values and a little more on both sides, for an axis."""
    low, high = min(values), max(values)
    margin = (high - low) * by or abs(low) * by or 1.0
    return low - margin, high + margin


def frame(x: Scale, y: Scale, x_title: str, y_title: str) -> list[Shape]:
    """Grid lines, tick labels and titles."""
    shapes: list[Shape] = []
    for tick in x.ticks():
        place = x.at(tick)
        shapes.append(Line(((place, y.start), (place, y.end)), "grid"))
        shapes.append(Label(place, y.start + 18, f"{tick:g}", "middle", SMALL, "muted"))
    for tick in y.ticks():
        place = y.at(tick)
        shapes.append(Line(((x.start, place), (x.end, place)), "grid"))
        shapes.append(Label(x.start - 8, place + 4, signless(tick), "end", SMALL, "muted"))
    shapes.append(Label((x.start + x.end) / 2, y.start + 42, x_title, "middle"))
    shapes.append(Label(16, (y.start + y.end) / 2, y_title, "middle", upright=True))
    return shapes


def signless(value: float) -> str:
    """A number with a true minus sign."""
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")


def clipped(points: Sequence[tuple[float, float]], x: Scale, y: Scale) -> list[tuple[tuple[float, float], ...]]:
    """The runs of consecutive points that lie on both scales, each with its crossings of the border."""
    runs: list[list[tuple[float, float]]] = [[]]
    for before, after in zip([None, *points], points, strict=False):
        inside = x.holds(after[0]) and y.holds(after[1])
        was_inside = before is not None and x.holds(before[0]) and y.holds(before[1])
        if before is not None and inside != was_inside:
            runs[-1].append(_crossing(before, after, x, y) if was_inside else _crossing(after, before, x, y))
        if inside:
            runs[-1].append(after)
        elif was_inside:
            runs.append([])
    return [tuple(run) for run in runs if len(run) > 1]


def _crossing(inside: tuple[float, float], outside: tuple[float, float], x: Scale, y: Scale) -> tuple[float, float]:
    """Where the segment between the two points leaves the scales."""
    share = 1.0
    for scale, start, end in ((x, inside[0], outside[0]), (y, inside[1], outside[1])):
        if end > scale.high:
            share = min(share, (scale.high - start) / (end - start))
        elif end < scale.low:
            share = min(share, (scale.low - start) / (end - start))
    return inside[0] + share * (outside[0] - inside[0]), inside[1] + share * (outside[1] - inside[1])
