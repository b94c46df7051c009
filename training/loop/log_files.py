"""The files of a metrics log: log.csv, layers.csv, TensorBoard's event files."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import DvcodecError
from ...image_io.atomic import write
from .metrics_log import MetricsRow


class CsvTable:
    """A CSV file that grows by rows with a `step`; of a file that is there already, rows up to the run's step stay.

    Args:
        path: the file.
        step: the run's step; rows after it are dropped with the first row that is appended.
    """

    def __init__(self, path: Path, step: int) -> None:
        self._path = path
        self._kept = _rows_up_to(path, step) if path.exists() else []
        self._columns: list[str] = []

    def append(self, row: Mapping[str, str]) -> None:
        """Add a row; the first one decides the columns."""
        if not self._columns:
            self._columns = list(dict.fromkeys([*row, *(name for kept in self._kept for name in kept)]))
            self._replace([*self._kept, row])
            self._kept = []
            return
        with self._path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, self._columns).writerow(row)

    def _replace(self, rows: list[Mapping[str, str]]) -> None:
        """Replace the file in one step, so that an interrupt loses no row."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self._columns)
        writer.writeheader()
        writer.writerows(rows)
        write(self._path, text.getvalue().encode(), force=True)


def _rows_up_to(path: Path, step: int) -> list[Mapping[str, str]]:
    """Return the whole rows; a power failure may have cut the last one, or left bytes that are no text."""
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        rows = [row for row in csv.DictReader(file) if None not in row.values()]
    rows = [{name: value for name, value in row.items() if name} for row in rows]
    return [row for row in rows if row.get("step", "").isdecimal() and int(row["step"]) <= step]


class CsvLogs:
    """log.csv with the figures, and layers.csv with a row for every layer."""

    def __init__(self, folder: Path, step: int) -> None:
        self._log, self._layers = CsvTable(folder / "log.csv", step), CsvTable(folder / "layers.csv", step)

    def row(self, row: MetricsRow) -> None:
        """Append to both files."""
        figures = {name: f"{value:.5g}" for name, value in row.figures.items()}
        validation = "" if row.validation is None else f"{row.validation:.6g}"
        start = {"step": str(row.step), "seconds": f"{row.seconds:.1f}"}
        self._log.append(start | figures | {"validation": validation})
        for name, (bits, codes) in row.layers.items():
            known = {"bits": f"{bits:.5g}", "codes": "" if codes is None else str(codes)}
            self._layers.append({"step": str(row.step), "layer": name, **known})

    def close(self) -> None:
        """Do nothing: no file is open between rows."""


class TensorBoardLog:
    """TensorBoard's event files in the run's folder. DvcodecError if TensorBoard is not installed."""

    def __init__(self, folder: Path) -> None:
        self._writer = tensorboard_writer()(str(folder))

    def row(self, row: MetricsRow) -> None:
        """Write every figure as a scalar."""
        scalars = dict(row.figures)
        scalars |= {f"bits/{name}": bits for name, (bits, _) in row.layers.items()}
        scalars |= {f"codes/{name}": float(codes) for name, (_, codes) in row.layers.items() if codes is not None}
        if row.validation is not None:
            scalars["validation"] = row.validation
        for name, value in scalars.items():
            self._writer.add_scalar(name, value, row.step)

    def close(self) -> None:
        """Write what is buffered."""
        self._writer.close()


def tensorboard_writer() -> Any:
    """Return the class that writes event files. DvcodecError if TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise DvcodecError(
            "TensorBoard is not installed", "pip install tensorboard, or leave out `tensorboard`"
        ) from None
    return SummaryWriter
