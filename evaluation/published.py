"""Rate-distortion curves on the 24 Kodak images, with sources: what others published and what we measured once."""

import json
from dataclasses import dataclass
from importlib import resources

from .bdrate import Curve


@dataclass(frozen=True)
class PublishedCurve:
    """A curve and where it comes from; where we measured it ourselves, `qualities` are the settings of its points."""

    curve: Curve
    source: str
    qualities: tuple[float, ...] = ()


def published_curves() -> tuple[PublishedCurve, ...]:
    """Every curve that ships, in the order of data/kodak-published.json."""
    file = resources.files(__package__) / "data" / "kodak-published.json"
    return tuple(_read(entry) for entry in json.loads(file.read_text(encoding="utf-8"))["curves"])


def _read(entry: dict[str, object]) -> PublishedCurve:
    results = entry["results"]
    assert isinstance(results, dict)
    points = zip(results["bpp"], results["psnr-rgb"], strict=True)
    qualities = entry.get("qualities", [])
    assert isinstance(qualities, list)
    return PublishedCurve(Curve.through(str(entry["name"]), points), str(entry["source"]), tuple(qualities))
