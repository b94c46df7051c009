"""Older weights kept as their difference to later ones, in about half the bytes.

    python -m dvcodec.training.shelving OLD NEW        # names in the manifest, the later ones second

The file is replaced by its difference (models.deflated); the manifest keeps the SHA-256 that .dvq files name, and adds
that of the file as it now lies there. Run again after an interrupt, it finishes.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from ..image_io.atomic import write
from ..models.deflated import difference, facts_of

FOLDER = Path(__file__).parent.parent / "weights"


def shelve(name: str, later: str, folder: Path = FOLDER) -> tuple[int, int]:
    """Keeps the weights of a name as the difference to later ones: bytes before and after.

    KeyError if the manifest does not list them. ValueError if a file cannot be read, if the difference is not smaller,
    or if the later ones are a difference themselves, perhaps to these.
    """
    manifest = folder / "manifest.json"
    entries = {entry["name"]: entry for entry in json.loads(manifest.read_text("utf-8"))}
    path, base = folder / entries[name]["file"], folder / entries[later]["file"]
    if path == base or "base" in facts_of(base):
        raise ValueError(f"{later} is {name} or is kept as a difference itself")
    before = path.stat().st_size
    done = facts_of(path).get("base") == base.name
    data = path.read_bytes() if done else difference(path, base)
    if len(data) >= before and not done:
        raise ValueError(f"{name} takes {before} bytes as it is and {len(data)} as a difference to {later}")
    entries[name]["stored"] = hashlib.sha256(data).hexdigest()
    write(path, data, force=True)
    write(manifest, (json.dumps(list(entries.values()), indent=2) + "\n").encode(), force=True)
    return before, len(data)


if __name__ == "__main__":
    _, OLD, NEW = sys.argv
    print("{} -> {} bytes".format(*shelve(OLD, NEW)))
