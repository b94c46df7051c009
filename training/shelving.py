"""Older weights kept as their difference to later ones, in half the bytes: files written with them decode for good.

    python -m dvcodec.training.shelving OLD NEW        # names in the manifest, the later ones second

The file is replaced by its difference (models.deflated); the manifest keeps the SHA-256 that .dvq files name, and adds
that of the file as it now lies there.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from ..models.deflated import difference
from .exporting import replace_file

FOLDER = Path(__file__).parent.parent / "weights"


def shelve(name: str, later: str, folder: Path = FOLDER) -> tuple[int, int]:
    """Keeps the weights of a name as the difference to later ones: bytes before and after.

    KeyError if the manifest does not list them, ValueError if a file cannot be read or is no smaller so.
    """
    manifest = folder / "manifest.json"
    entries = {entry["name"]: entry for entry in json.loads(manifest.read_text("utf-8"))}
    path = folder / entries[name]["file"]
    data, before = difference(path, folder / entries[later]["file"]), path.stat().st_size
    if len(data) >= before:
        raise ValueError(f"{name} takes {before} bytes as it is and {len(data)} as a difference to {later}")
    entries[name]["stored"] = hashlib.sha256(data).hexdigest()
    replace_file(path, data)
    replace_file(manifest, (json.dumps(list(entries.values()), indent=2) + "\n").encode())
    return before, len(data)


if __name__ == "__main__":
    _, OLD, NEW = sys.argv
    print("{} -> {} bytes".format(*shelve(OLD, NEW)))
