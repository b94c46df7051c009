"""The terminal display of a run: a bar, the figures, and bits an image and codes in use for every layer."""

from __future__ import annotations

import sys

from rich.columns import Columns
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ...errors import printable
from .metrics_log import MetricsRow

MOST_LAYERS = 120
"""Layers shown; a screen holds no more."""


class Display:
    """A bar with figures below it, redrawn with every row. Without a terminal on stderr it shows nothing."""

    def __init__(self, steps: int, *, quiet: bool) -> None:
        console = Console(stderr=True, quiet=quiet, markup=False, emoji=False)
        shown = (TextColumn("{task.completed}/{task.total} steps"), BarColumn(), TimeElapsedColumn())
        self._bar = Progress(*shown, console=console)
        self._task = self._bar.add_task("", total=steps)
        self._live = Live(self._bar, console=console, transient=True, refresh_per_second=2)
        self._shows = not quiet and console.is_terminal
        if self._shows:
            self._live.start()

    def row(self, row: MetricsRow) -> None:
        """Draw the row."""
        self._bar.update(self._task, completed=row.step)
        if self._shows:
            self._live.update(Group(self._bar, figures(row), Columns(layers(row))))

    def close(self) -> None:
        """Clear the display."""
        if self._shows:
            self._live.stop()


def figures(row: MetricsRow) -> str:
    """Return the figures of a row in one line."""
    words = [f"{name} {value:.4g}" for name, value in row.figures.items()]
    return "  ".join(words if row.validation is None else [*words, f"validation {row.validation:.5g}"])


def layers(row: MetricsRow) -> list[str]:
    """Describe each layer in a few words: name, bits an image, codes in use."""
    words = [
        f"{name} {bits:.1f} b" + ("" if codes is None else f" {codes} codes")
        for name, (bits, codes) in row.layers.items()
    ]
    return words if len(words) <= MOST_LAYERS else [*words[:MOST_LAYERS], f"and {len(words) - MOST_LAYERS} more"]


def say(text: str, *, quiet: bool) -> None:
    """Print a line on stderr, unless `quiet`."""
    if not quiet:
        print(printable(text), file=sys.stderr, flush=True)
