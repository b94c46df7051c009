"""A drawing as plain data, in units of CSS pixels, so that one description gives SVG for the page and PNG for a letter.

Colours are roles ("ink", "grid", "c0" to "c7"), which a page fills with its theme and a file with PALETTE.
"""

from dataclasses import dataclass

PALETTE = {
    "ink": "#1a1d21",
    "muted": "#5d6670",
    "grid": "#dfe3e8",
    "paper": "#ffffff",
    "published": "#9aa3ad",
    "c0": "#0b63c5",
    "c1": "#d1480f",
    "c2": "#0a8f6a",
    "c3": "#b8860b",
    "c4": "#b0418c",
    "c5": "#3a9ec2",
    "c6": "#7a5c3a",
    "c7": "#6a51a3",
}
"""Colours on white: told apart by people with colour blindness as far as eight can be."""
SERIES = 8


@dataclass(frozen=True)
class Line:
    """A polyline; `series` groups what a legend shows and hides together."""

    points: tuple[tuple[float, float], ...]
    colour: str
    width: float = 1.0
    series: str | None = None


@dataclass(frozen=True)
class Dot:
    """A point that tells `tip` when someone points at it."""

    x: float
    y: float
    radius: float
    colour: str
    tip: str
    series: str | None = None
    hollow: bool = False


@dataclass(frozen=True)
class Bar:
    """A rectangle that tells `tip` when someone points at it."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    tip: str
    series: str | None = None


@dataclass(frozen=True)
class Label:
    """Text whose baseline begins, is centred or ends ("start", "middle", "end") at a point; upright text turns left."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    size: float = 13.5
    colour: str = "ink"
    upright: bool = False
    bold: bool = False


Shape = Line | Dot | Bar | Label


@dataclass(frozen=True)
class Entry:
    """One line of a legend."""

    text: str
    colour: str
    series: str


@dataclass(frozen=True)
class Plot:
    """A drawing with its name (for files), heading, a sentence on how to read it, and its legend."""

    name: str
    title: str
    reading: str
    width: float
    height: float
    shapes: tuple[Shape, ...]
    legend: tuple[Entry, ...] = ()


def with_legend(plot: Plot) -> Plot:
    """The plot with title and legend drawn in, above: for files, which have no page around them."""
    top, left, right = 46.0, 14.0, plot.width - 10
    shapes: list[Shape] = [Label(left, 24, plot.title, size=15, bold=True)]
    x = left
    for entry in plot.legend:
        width = 26 + 7.3 * len(entry.text) + 14
        if x > left and x + width > right:
            x, top = left, top + 19
        shapes.append(Line(((x, top - 4), (x + 20, top - 4)), entry.colour, 3))
        shapes.append(Label(x + 26, top, entry.text, size=12))
        x += width
    shift = top + (8 if plot.legend else -14)
    moved = tuple(_lowered(shape, shift) for shape in plot.shapes)
    return Plot(plot.name, plot.title, plot.reading, plot.width, plot.height + shift, (*shapes, *moved))


def _lowered(shape: Shape, by: float) -> Shape:
    if isinstance(shape, Line):
        points = tuple((x, y + by) for x, y in shape.points)
        return Line(points, shape.colour, shape.width, shape.series)
    return type(shape)(**{**shape.__dict__, "y": shape.y + by})
