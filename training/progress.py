"""What a run tells: a line of figures on a terminal, and log.csv with one row for every 20 steps."""

from __future__ import annotations

import csv
import math
from collections import deque
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from .objective import Terms

EVERY = 20
COLUMNS = ("step", "seconds", "loss", "bits_per_pixel", "distortion_nats_per_pixel", "gradient_norm")


class Progress:
    """Shows and logs a run. A context manager."""

    def __init__(self, log: Path, steps: int, *, quiet: bool) -> None:
        self._log, self._steps = log, steps
        console = Console(stderr=True, quiet=quiet)
        shown = (
            TextColumn("{task.completed}/{task.total} steps"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[figures]}"),
        )
        self._bar = Bar(*shown, console=console, disable=quiet or not console.is_terminal)
        self._recent: deque[tuple[float, float, float, float]] = deque(maxlen=EVERY)

    def __enter__(self) -> Progress:
        new = not self._log.exists()
        self._file = self._log.open("a", newline="")
        self._writer = csv.writer(self._file)
        if new:
            self._writer.writerow(COLUMNS)
        self._bar.start()
        self._task = self._bar.add_task("train", total=self._steps, figures="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        self._file.close()

    def show(self, step: int, seconds: float, terms: Terms, norm: float) -> None:
        """Takes a step's figures; every 20 steps their means are shown and logged."""
        loss = float(terms.loss.detach())
        self._recent.append((loss, terms.rate / math.log(2), terms.distortion, norm))
        self._bar.update(self._task, completed=step)
        if step % EVERY:
            return
        means = [sum(column) / len(column) for column in zip(*self._recent, strict=True)]
        self._writer.writerow([step, round(seconds, 1), *(f"{value:.5g}" for value in means)])
        self._file.flush()
        self._bar.update(self._task, figures=f"loss {means[0]:.3f}  {means[1]:.3f} bpp  distortion {means[2]:.3f}")
