"""What a run tells: rows for log.csv, layers.csv, TensorBoard and the display. Every row holds means over 20 steps."""

from __future__ import annotations

import csv
import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from ...errors import DvcodecError
from .task import Terms

EVERY = 20
"""Steps between two rows."""


@dataclass(frozen=True)
class Row:
    """One row. `layers`: bits an image and codes in use by layer, of the last batch; `validation`: if there was one."""

    step: int
    seconds: float
    figures: Mapping[str, float]
    layers: Mapping[str, tuple[float, int | None]]
    validation: float | None


class Sink(Protocol):
    """Something that takes rows."""

    def row(self, row: Row) -> None:
        """Takes a row."""
        ...

    def close(self) -> None:
        """No rows will follow."""
        ...


class Journal:
    """Gathers a run's steps into rows for its sinks. A context manager, which closes them."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = sinks
        self._recent: deque[dict[str, float]] = deque(maxlen=EVERY)
        self._validation: float | None = None

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sink in self._sinks:
            sink.close()

    def take(self, step: int, seconds: float, terms: Terms, figures: Mapping[str, float]) -> None:
        """A step's terms and the loop's own figures."""
        self._recent.append({"loss": float(terms.loss.detach()), **terms.figures, **figures})
        if step % EVERY or not self._sinks:
            return
        means = {name: sum(one[name] for one in self._recent) / len(self._recent) for name in self._recent[-1]}
        row = Row(step, seconds, means, layers_of(terms), self._validation)
        self._validation = None
        for sink in self._sinks:
            sink.row(row)

    def validation(self, value: float) -> None:
        """A validation's loss, which the next row carries."""
        self._validation = value


def layers_of(terms: Terms) -> dict[str, tuple[float, int | None]]:
    """Mean bits an image and codes in use, by layer."""
    bits = {name: float(nats.float().mean()) / math.log(2) for name, nats in terms.layer_nats.items()}
    return {name: (value, terms.codes.get(name)) for name, value in bits.items()}


class Table:
    """A CSV file that grows by rows with a `step`; of one that is there, rows up to the run's step are kept."""

    def __init__(self, path: Path, step: int) -> None:
        self._path = path
        self._kept = _rows_up_to(path, step) if path.exists() else []
        self._columns: list[str] = []

    def append(self, row: Mapping[str, str]) -> None:
        """Adds a row; the first decides the columns."""
        if not self._columns:
            self._columns = list(dict.fromkeys([*row, *(name for kept in self._kept for name in kept)]))
            with self._path.open("w", newline="") as file:
                writer = csv.DictWriter(file, self._columns)
                writer.writeheader()
                writer.writerows(self._kept)
            self._kept = []
        with self._path.open("a", newline="") as file:
            csv.DictWriter(file, self._columns).writerow(row)


def _rows_up_to(path: Path, step: int) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        rows = [{name: value for name, value in row.items() if name} for row in csv.DictReader(file)]
    return [row for row in rows if row.get("step", "").isdigit() and int(row["step"]) <= step]


class Tables:
    """log.csv with the figures and layers.csv with a row for every layer."""

    def __init__(self, folder: Path, step: int) -> None:
        self._log, self._layers = Table(folder / "log.csv", step), Table(folder / "layers.csv", step)

    def row(self, row: Row) -> None:
        """Appends to both."""
        figures = {name: f"{value:.5g}" for name, value in row.figures.items()}
        validation = "" if row.validation is None else f"{row.validation:.6g}"
        start = {"step": str(row.step), "seconds": f"{row.seconds:.1f}"}
        self._log.append(start | figures | {"validation": validation})
        for name, (bits, codes) in row.layers.items():
            known = {"bits": f"{bits:.5g}", "codes": "" if codes is None else str(codes)}
            self._layers.append({"step": str(row.step), "layer": name, **known})

    def close(self) -> None:
        """Nothing is left open between rows."""


class TensorBoard:
    """TensorBoard's event files in the run's folder. DvcodecError if it is not installed."""

    def __init__(self, folder: Path) -> None:
        self._writer = tensorboard_writer()(str(folder))

    def row(self, row: Row) -> None:
        """Writes every figure as a scalar."""
        scalars = dict(row.figures)
        scalars |= {f"bits/{name}": bits for name, (bits, _) in row.layers.items()}
        scalars |= {f"codes/{name}": float(codes) for name, (_, codes) in row.layers.items() if codes is not None}
        if row.validation is not None:
            scalars["validation"] = row.validation
        for name, value in scalars.items():
            self._writer.add_scalar(name, value, row.step)

    def close(self) -> None:
        """Writes what is buffered."""
        self._writer.close()


def tensorboard_writer() -> Any:
    """The class that writes event files. DvcodecError if TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise DvcodecError("TensorBoard is not installed", "pip install tensorboard, or drop --tensorboard") from None
    return SummaryWriter
