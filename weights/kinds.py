"""Tell the kind of a weights file by the metadata in its header. This does not import torch."""

import json
from pathlib import Path
from typing import Any

HIERARCHY, PIXELS, BILEVEL, BITS_BACK = "hierarchy", "pixels", "bilevel", "bits-back"
"""Kinds of weights: hierarchies of symbols, models of lossless pixels given a hierarchy's prediction, models of
bilevel images, and bits-back models of small images."""

KINDS = (HIERARCHY, PIXELS, BILEVEL, BITS_BACK)

LARGEST_HEADER = 2**22
"""The largest header of a weights file that is read, in bytes."""


def metadata_of(path: Path) -> dict[str, Any]:
    """Return the JSON object in the header of a weights file: format, name, config and id.

    Raises:
        ValueError: If the file is not a weights file.
        OSError: If it cannot be read.
    """
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if size > LARGEST_HEADER:
            raise ValueError("its header is too large")
        header = file.read(size)
    try:
        metadata = json.loads(json.loads(header)["__metadata__"]["dvcodec"])
        valid = isinstance(metadata["config"], dict) and len(bytes.fromhex(metadata["id"])) == 32
        kind_of(metadata)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError("its header is not that of a weights file") from error
    if not valid:
        raise ValueError("the metadata in its header is not valid")
    return dict(metadata)


def kind_of(metadata: dict[str, Any]) -> str:
    """Return the kind of weights by their metadata; raise ValueError for a format that this release does not know."""
    form, config = metadata["format"], metadata["config"]
    if form == "dvcodec-family-1":
        return BITS_BACK if config["reversible"] and config["likelihood"] == "neighbours" else HIERARCHY
    known = {
        "dvcodec-photo-1": HIERARCHY,
        "dvcodec-light-1": HIERARCHY,
        "dvcodec-pixels-1": PIXELS,
        "dvcodec-bilevel-1": BILEVEL,
    }
    if form not in known:
        raise ValueError("its format is not known to this release")
    return known[form]
