"""The figures of a run, in rows for CSV files, TensorBoard and the display. Every row holds means over 20 steps."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from .task import LossTerms

EVERY = 20
"""Steps between two rows."""


@dataclass(frozen=True)
class MetricsRow:
    """The figures of the last steps.

    Args:
        step: optimiser steps done.
        seconds: wall-clock time of the run so far.
        figures: means by name.
        layers: bits an image and codes in use by layer, of the last batch.
        validation: loss of a validation since the row before, if there was one.
    """

    step: int
    seconds: float
    figures: Mapping[str, float]
    layers: Mapping[str, tuple[float, int | None]]
    validation: float | None


class MetricsSink(Protocol):
    """Something that takes rows: a file, a display."""

    def row(self, row: MetricsRow) -> None:
        """Take a row."""
        ...

    def close(self) -> None:
        """End: no rows will follow."""
        ...


class MetricsLog:
    """Gather the figures of a run's steps into rows for its sinks, which it closes as a context manager."""

    def __init__(self, sinks: Sequence[MetricsSink]) -> None:
        self._sinks = sinks
        self._recent: deque[dict[str, float]] = deque(maxlen=EVERY)
        self._validation: float | None = None

    def __enter__(self) -> MetricsLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sink in self._sinks:
            sink.close()

    def record(self, step: int, seconds: float, terms: LossTerms, figures: Mapping[str, float]) -> None:
        """Record a step: its loss terms and the loop's own figures.

        Args:
            step: optimiser steps done.
            seconds: seconds of training so far.
            terms: the loss of the step.
            figures: figures of the loop by name, such as the learning rate.
        """
        self._recent.append({"loss": float(terms.loss.detach()), **terms.figures, **figures})
        if step % EVERY or not self._sinks:
            return
        means = {name: sum(one[name] for one in self._recent) / len(self._recent) for name in self._recent[-1]}
        row = MetricsRow(step, seconds, means, layers_of(terms), self._validation)
        self._validation = None
        for sink in self._sinks:
            sink.row(row)

    def record_validation(self, value: float) -> None:
        """Record a validation loss, which the next row carries."""
        self._validation = value


def layers_of(terms: LossTerms) -> dict[str, tuple[float, int | None]]:
    """Return the mean bits an image and the codes in use, by layer."""
    bits = {name: float(nats.float().mean()) / math.log(2) for name, nats in terms.layer_nats.items()}
    return {name: (value, terms.codes.get(name)) for name, value in bits.items()}
