"""Rate-distortion curves that others measured, in CompressAI's JSON layout: those that ship, and any file's.

What ships are means over the 24 Kodak images, each with its source.
"""

import json
import math
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from ..errors import FormatError
from .bdrate import Curve
from .metrics import PSNR


@dataclass(frozen=True)
class PublishedCurve:
    """A curve and where it comes from; where we measured it ourselves, `qualities` are the settings of its points."""

    curve: Curve
    source: str
    qualities: tuple[float, ...] = ()

    def to_json(self) -> dict[str, object]:
        """CompressAI's layout."""
        results = {"bpp": list(self.curve.bpp), PSNR.key: list(self.curve.score)}
        return {"name": self.curve.name, "source": self.source, "results": results}


def published_curves() -> tuple[PublishedCurve, ...]:
    """Every curve that ships, in the order of data/kodak-published.json."""
    file = resources.files(__package__) / "data" / "kodak-published.json"
    return tuple(_curve(entry) for entry in json.loads(file.read_text(encoding="utf-8"))["curves"])


def read_curve(path: Path) -> PublishedCurve:
    """The curve in a JSON file of CompressAI's layout: {"name", "results": {"bpp": [...], "psnr-rgb": [...]}}.

    FormatError if the file holds something else. Files written by `dvcodec compare` have this layout too.
    """
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        return _curve({"source": path.name, **entry, "name": entry.get("name") or path.stem, "qualities": []})
    except OSError as error:
        raise FormatError(f"cannot read the curve: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        mend = 'wanted: {"name": ..., "results": {"bpp": [...], "psnr-rgb": [...]}}'
        raise FormatError("not a rate-distortion curve in CompressAI's layout", mend) from error


def _curve(entry: dict[str, Any]) -> PublishedCurve:
    results = entry["results"]
    scores = results[PSNR.key] if PSNR.key in results else results["psnr"]  # older files of CompressAI
    points = zip(map(float, results["bpp"]), (math.inf if s is None else float(s) for s in scores), strict=True)
    return PublishedCurve(
        Curve.through(str(entry["name"]), points), str(entry["source"]), tuple(entry.get("qualities", ()))
    )
