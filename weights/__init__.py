"""What ships: weights files, their manifest and their cards. Imports no torch.

A .dvq file names its weights by the first 8 bytes of their SHA-256.
Further weights files are found in the folder that the environment variable DVCODEC_WEIGHTS names.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from ..errors import WeightsNotFound
from .kinds import HIERARCHY as HIERARCHY
from .kinds import PIXELS as PIXELS
from .kinds import SCANS as SCANS
from .kinds import SETS as SETS
from .kinds import kind_of

_FOLDER = Path(__file__).parent
_ENVIRONMENT = "DVCODEC_WEIGHTS"


@dataclass(frozen=True)
class Weights:
    """One weights file."""

    name: str
    path: Path
    sha256: str
    """Of the bytes of the file, hexadecimal."""
    card: dict[str, Any]
    """What is known of it: training data, recipe, figures, licence; may be empty."""
    kind: str = HIERARCHY
    """What it is a model of: HIERARCHY, PIXELS, SETS or SCANS."""

    @property
    def id(self) -> bytes:
        """What a .dvq file stores: the first 8 bytes of the SHA-256."""
        return bytes.fromhex(self.sha256)[:8]


def entries() -> tuple[Weights, ...]:
    """Return the weights that ship, as the manifest lists them, then those of the DVCODEC_WEIGHTS folder.

    WeightsNotFound if one of the latter cannot be read.
    """
    return tuple(_entries())


def _entries() -> Iterator[Weights]:
    """The same one by one: who seeks what ships need not know of the folder."""
    yield from map(_from_manifest, _manifest())
    if folder := os.environ.get(_ENVIRONMENT):
        yield from map(_from_file, sorted(Path(folder).glob("*.safetensors")))


def of_kind(kind: str) -> tuple[Weights, ...]:
    """Return all installed weights of a kind."""
    return tuple(weights for weights in entries() if weights.kind == kind)


def default(kind: str = HIERARCHY) -> Weights:
    """Return the weights of a kind that are used where none are named. WeightsNotFound if there are none."""
    for weights in defaults(kind):
        return weights
    missing = {PIXELS: "no model of lossless pixels is installed", SCANS: "no model of pages is installed"}
    hint = "name some as `weights`" if kind == HIERARCHY else "use another `method`"
    raise WeightsNotFound(missing.get(kind, "no default weights are installed"), hint)


def defaults(kind: str) -> tuple[Weights, ...]:
    """Return the default weights of a kind: none or one."""
    found = (entry for entry in _manifest() if entry.get("default") and entry.get("kind", HIERARCHY) == kind)
    return tuple(_from_manifest(entry) for entry in found)[:1]


_named: dict[bytes, Weights] = {}
"""Weights files that this process was given by their path: it can decode what it coded with them."""


def find(name_or_path: str) -> Weights:
    """Return the weights of a name, or of a path to a .safetensors file. WeightsNotFound if there are none."""
    for weights in _entries():
        if weights.name == name_or_path:
            return weights
    path = Path(name_or_path)
    if path.suffix == ".safetensors" and path.is_file():
        weights = _from_file(path)
        _named[weights.id] = weights  # the newest path: an older one may be gone
        return weights
    if path.is_file():
        raise WeightsNotFound(f"{path} is no weights file, which end in .safetensors", "`dvcodec export` makes one")
    raise WeightsNotFound(f"no weights named {name_or_path!r}", "`dvcodec models` lists them")


def by_id(prefix: bytes) -> Weights:
    """Return the weights whose SHA-256 begins with these 8 bytes. WeightsNotFound if they are not installed."""
    for weights in chain(_entries(), _named.values()):
        if weights.id == prefix:
            return weights
    hint = f"upgrade dvcodec, or put the weights file into a folder and name it in {_ENVIRONMENT}"
    raise WeightsNotFound(f"the file needs weights {prefix.hex()}, which are not installed", hint)


def _manifest() -> list[dict[str, Any]]:
    path = _FOLDER / "manifest.json"
    entries: list[dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.is_file() else []
    return entries


def _from_manifest(entry: dict[str, Any]) -> Weights:
    card = _card(_FOLDER / entry.get("card", ""))
    return Weights(entry["name"], _FOLDER / entry["file"], entry["sha256"], card, entry.get("kind", HIERARCHY))


def _from_file(path: Path) -> Weights:
    """Describe a user's own weights file: its name is the file's, its card lies beside it if there is one."""
    try:
        facts = path.stat()
        digest = _hash(path.resolve(), facts.st_mtime_ns, facts.st_size)
    except OSError as error:
        raise WeightsNotFound(f"cannot read the weights file {path}: {error.strerror}") from error
    return Weights(path.stem, path, digest, _card(card_of(path)), kind_of(path))


@lru_cache(maxsize=64)
def _hash(path: Path, modified: int, size: int) -> str:
    """Return the SHA-256 of a file; `modified` and `size` tell an old answer from a new file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def card_of(path: Path) -> Path:
    """Where the card of a weights file lies."""
    return path.with_suffix(".card.json")


def _card(path: Path) -> dict[str, Any]:
    """Return the model card, or nothing where there is none or it cannot be read: only reports need it."""
    try:
        card = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}
