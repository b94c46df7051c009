"""The files of a report. Each is written atomically, and nothing is overwritten unless requested.

index.html  results.json  results-CODEC.json  results.csv  plots/NAME.svg  plots/NAME.png  cache/
"""

import csv
import io
import json
import re
from pathlib import Path

from ...errors import OutputExists, OutputFailed
from ...image_io import atomic
from ..comparison.result import Comparison
from ..metrics.rate_distortion import finite

CACHE = "cache"
"""The part of a report's folder that keeps measurements; it may exist before the report does."""


def check_folder(folder: Path, *, force: bool) -> None:
    """Check, before any work, that a folder can take a report.

    Raises:
        OutputFailed: it is not a folder or cannot be read.
        OutputExists: it holds more than a cache, and `force` is not set.
    """
    try:
        entries = {entry.name for entry in folder.iterdir()} if folder.exists() else set()
    except NotADirectoryError:
        raise OutputFailed("not a folder", "name a folder") from None
    except OSError as error:
        raise OutputFailed(f"cannot read the folder: {error.strerror or error}") from error
    if entries - {CACHE} and not force:
        raise OutputExists("the folder is not empty", "name another folder, or use `force` to write into it")


def write_report(comparison: Comparison, folder: Path, *, force: bool = False) -> Path:
    """Write the report.

    Args:
        comparison: what to report.
        folder: where to; it is made if missing.
        force: replace files of the same names. Other files are never removed.

    Returns:
        The path of the page.

    Raises:
        OutputExists: the folder holds more than a cache, and `force` is not set.
        OutputFailed: the folder cannot be made or written.
    """
    from .page import page  # here because matplotlib belongs to the `eval` extra
    from .plots import all_plots
    from .rendering import png_file, svg_file

    check_folder(folder, force=force)
    atomic.make_folder(folder / "plots")
    plots = all_plots(comparison)
    for plot in plots:
        _write(folder / "plots" / f"{plot.name}.svg", svg_file(plot))
        _write(folder / "plots" / f"{plot.name}.png", png_file(plot))
    for result in comparison.results:
        _write(folder / f"results-{_file_name(result.name)}.json", _json(result.to_json()))
    _write(folder / "results.json", _json(comparison.to_json()))
    _write(folder / "results.csv", measurements_csv(comparison).encode())
    _write(folder / "index.html", page(comparison, plots).encode())
    return folder / "index.html"


def measurements_csv(comparison: Comparison) -> str:
    """Return every measurement as a line of CSV."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    keys = [metric.key for metric in comparison.metrics]
    head = ["codec", "image", "width", "height", "quality", "bytes", "bpp", *keys, "encoding_time", "decoding_time"]
    writer.writerow(head)
    for result in comparison.results:
        for m in result.measurements:
            scores = [finite(m.scores[metric.name]) for metric in comparison.metrics]
            facts = [result.name, _cell(m.image), m.width, m.height, f"{m.quality:g}", m.size, m.bpp]
            writer.writerow([*facts, *scores, m.encode_seconds, m.decode_seconds])
    return stream.getvalue()


def _cell(text: str) -> str:
    """Return text that a spreadsheet will not take for a formula, whatever a file is called."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", text)


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()


def _write(path: Path, data: bytes) -> None:
    atomic.write(path, data, force=True)
