"""What a weights file is a model of, by the facts in its header alone. Imports no torch."""

import json
from pathlib import Path
from typing import Any

HIERARCHY, PIXELS, SETS, SCANS = "hierarchy", "pixels", "sets", "scans"
"""Kinds of weights: of a hierarchy's symbols, of lossless pixels given what a hierarchy predicts, of sets of images, of
black and white pages."""

LARGEST_HEADER = 2**20
"""Bytes."""


def kind_of(path: Path) -> str:
    """Return the kind of a weights file; HIERARCHY, whatever it holds, where its header does not say otherwise."""
    try:
        facts = _facts(path)
        form, config = facts["format"], facts["config"]
        if form == "dvcodec-family-1":
            return SETS if config["reversible"] and config["likelihood"] == "neighbours" else HIERARCHY
        return {"dvcodec-wavefront-1": PIXELS, "dvcodec-scans-1": SCANS}.get(str(form), HIERARCHY)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return HIERARCHY


def _facts(path: Path) -> dict[str, Any]:
    """The facts in a safetensors file's metadata. ValueError, KeyError or TypeError if there are none."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if size > LARGEST_HEADER:
            raise ValueError("its header is too large")
        facts: dict[str, Any] = json.loads(json.loads(file.read(size))["__metadata__"]["dvcodec"])
    return facts
