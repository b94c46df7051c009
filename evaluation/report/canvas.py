"""Drawing with matplotlib: the style of all plots, and marks that can be shown, hidden and asked for their figures.

A unit is a CSS pixel (matplotlib's point at 72 dpi). Colours are roles ("ink", "grid", "c0" to "c7"): files use
PALETTE, and the page replaces each role by its CSS variable, so that the plots follow the page's theme.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from .wording import signless

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
"""Colours on white; people with colour blindness can tell the series apart as far as that is possible for eight."""
SERIES = 8
WIDTH, HEIGHT = 460.0, 350.0
STYLE: dict[str, Any] = {
    "font.size": 12.5,
    "axes.labelsize": 13.5,
    "axes.labelpad": 8.0,
    "legend.fontsize": 12.0,
    "axes.labelcolor": PALETTE["ink"],
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.bottom": False,
    "axes.spines.left": False,
    "grid.color": PALETTE["grid"],
    "grid.linewidth": 1.0,
    "text.color": PALETTE["ink"],
    "text.parse_math": False,  # names of files may contain dollar signs
    "xtick.color": PALETTE["muted"],
    "ytick.color": PALETTE["muted"],
    "xtick.bottom": False,
    "ytick.left": False,
    "svg.fonttype": "none",
}


@dataclass(frozen=True)
class LegendEntry:
    """One line of a legend; `series` names what it shows and hides."""

    text: str
    colour: str
    series: str


@dataclass(frozen=True)
class Plot:
    """A plot with its name (for files), heading, a sentence on how to read it, and its legend."""

    name: str
    title: str
    reading: str
    draw: "Callable[[Canvas], None]"
    legend: tuple[LegendEntry, ...] = ()
    height: float = HEIGHT


@dataclass(frozen=True)
class Mark:
    """What an element of a drawing stands for: a series that a legend can hide, and the text of a tip."""

    series: str | None
    tip: str | None = None


class Canvas:
    """One pair of axes to draw on."""

    def __init__(self, plot: Plot, *, headed: bool = False) -> None:
        """Draw the plot.

        Args:
            plot: what to draw.
            headed: whether to draw title and legend above, for files that have no page around them.
        """
        columns = max(1, int((WIDTH - 10) / (44 + 7.5 * max((len(one.text) for one in plot.legend), default=1))))
        above = 30.0 + 22.0 * math.ceil(len(plot.legend) / columns) if headed else 0.0
        self.marks: dict[str, Mark] = {}
        self.size = WIDTH, plot.height + above
        self.figure = Figure((self.size[0] / 72, self.size[1] / 72), dpi=72, layout="constrained")
        self.axes = self.figure.add_subplot()
        self.axes.tick_params(pad=8)
        plot.draw(self)
        if headed:
            lines = [Line2D([], [], color=PALETTE[one.colour], linewidth=3) for one in plot.legend]
            names = [one.text for one in plot.legend]
            heading = {"size": 15, "weight": "bold"}
            place: dict[str, Any] = {"loc": "outside upper left", "alignment": "left", "frameon": False}
            self.figure.legend(lines, names, ncols=columns, title=plot.title, title_fontproperties=heading, **place)

    def limits(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        """Set the ranges of both axes, with ticks at round numbers."""
        self.axes.set(xlim=x, ylim=y)
        for axis in (self.axes.xaxis, self.axes.yaxis):
            axis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
            axis.set_major_formatter(FuncFormatter(lambda value, _: signless(round(value, 10))))

    def rows(self, names: Sequence[str], x: tuple[float, float], *, logarithmic: bool = False) -> None:
        """Prepare for one row per name, from the top down, over a horizontal axis of values."""
        self.limits(x, (len(names) - 0.5, -0.5))
        self.axes.set_yticks(range(len(names)), names)
        self.axes.grid(visible=False, axis="y")
        if logarithmic:
            self.axes.set_xscale("log")
            steps = (1.0, 2.0, 5.0) if x[1] / x[0] < 50 else (1.0,)
            self.axes.xaxis.set_major_locator(LogLocator(subs=steps))
            self.axes.xaxis.set_minor_locator(NullLocator())
            self.axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: signless(value)))

    def line(self, points: Sequence[tuple[float, float]], colour: str, width: float, series: str | None = None) -> None:
        """Draw a line through (x, y) points; the parts outside the axes are cut off."""
        x, y = zip(*points, strict=True)
        gid = self._mark(Mark(series))
        self.axes.plot(x, y, color=PALETTE[colour], linewidth=width, solid_joinstyle="round", gid=gid)

    def dot(self, x: float, y: float, radius: float, colour: str, mark: Mark, *, hollow: bool = False) -> None:
        """Draw a point, unless it lies outside the axes."""
        (left, right), (low, high) = self.axes.get_xlim(), sorted(self.axes.get_ylim())
        if left <= x <= right and low <= y <= high:
            fill, edge = PALETTE["paper" if hollow else colour], 2.5 if hollow else 0.0
            style: dict[str, Any] = {
                "markerfacecolor": fill,
                "markeredgecolor": PALETTE[colour],
                "markeredgewidth": edge,
            }
            self.axes.plot([x], [y], "o", markersize=2 * radius, gid=self._mark(mark), clip_on=False, **style)

    def bar(self, row: int, value: float, colour: str, mark: Mark) -> None:
        """Draw a bar from zero to `value` in a row."""
        self.axes.barh([row], [value], height=0.76, color=PALETTE[colour], gid=self._mark(mark))

    def _mark(self, mark: Mark) -> str:
        gid = f"mark{len(self.marks)}"
        self.marks[gid] = mark
        return gid
