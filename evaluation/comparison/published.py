"""Rate-distortion curves that others measured, in CompressAI's JSON layout.

The curves that ship with dvcodec are means over the 24 Kodak images, each with its source.
"""

import json
import math
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from ...errors import FormatError
from ..metrics.bd_rate import Curve
from ..metrics.scores import PSNR


@dataclass(frozen=True)
class PublishedCurve:
    """A curve and its source; `qualities` are the settings of its points where this project measured it."""

    curve: Curve
    source: str
    qualities: tuple[float, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return plain values in CompressAI's layout."""
        results = {"bpp": list(self.curve.bpp), PSNR.key: list(self.curve.score)}
        return {"name": self.curve.name, "source": self.source, "results": results}


def published_curves() -> tuple[PublishedCurve, ...]:
    """Return the curves that ship, in the order of kodak-published.json.

    Returns:
        The curves with their sources.
    """
    file = resources.files(__package__) / "kodak-published.json"
    return tuple(_curve(entry) for entry in json.loads(file.read_text(encoding="utf-8"))["curves"])


def read_curve(path: Path) -> PublishedCurve:
    """Read a curve from a JSON file in CompressAI's layout, such as those that `dvcodec compare` writes.

    The layout is {"name": ..., "results": {"bpp": [...], "psnr-rgb": [...]}}.

    Args:
        path: the file.

    Returns:
        The curve, under the name in the file or else the file's own.

    Raises:
        FormatError: the file cannot be read or holds something else.
    """
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        return _curve({"source": path.name, **entry, "name": entry.get("name") or path.stem, "qualities": []})
    except OSError as error:
        raise FormatError(f"cannot read the curve: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        hint = 'wanted: {"name": ..., "results": {"bpp": [...], "psnr-rgb": [...]}}'
        raise FormatError("not a rate-distortion curve in CompressAI's layout", hint) from error


def _curve(entry: dict[str, Any]) -> PublishedCurve:
    results = entry["results"]
    scores = results[PSNR.key] if PSNR.key in results else results["psnr"]  # older files of CompressAI
    points = zip(map(float, results["bpp"]), (math.inf if s is None else float(s) for s in scores), strict=True)
    return PublishedCurve(
        Curve.through(str(entry["name"]), points), str(entry["source"]), tuple(entry.get("qualities", ()))
    )
