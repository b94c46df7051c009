"""What ships: one set of weights for each job, each with its card. Imports no torch.

A .dvq file names its weights by the first 8 bytes of their identity, a SHA-256 over tensors and configuration
(models.weights_file.identity), which the header of a weights file states. Further weights files are found in the folder
that the environment variable DVCODEC_WEIGHTS names.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from ..errors import WeightsNotFound
from .kinds import BILEVEL as BILEVEL
from .kinds import BITS_BACK as BITS_BACK
from .kinds import HIERARCHY as HIERARCHY
from .kinds import KINDS, kind_of, metadata_of
from .kinds import PIXELS as PIXELS

_FOLDER = Path(__file__).parent
_ENVIRONMENT = "DVCODEC_WEIGHTS"


@dataclass(frozen=True)
class Weights:
    """One set of weights: a weights file and its card."""

    name: str
    """That of the file, without its suffix."""
    path: Path
    sha256: str
    """The identity of the weights, hexadecimal: of tensors and configuration, not of the file's bytes."""
    card: dict[str, Any] = field(hash=False)
    """What is known of it: training data, recipe, figures, licences; may be empty."""
    kind: str = HIERARCHY
    """What it is a model of: HIERARCHY, PIXELS, BILEVEL or BITS_BACK."""
    config: dict[str, Any] = field(default_factory=dict, hash=False)
    """The model's sizes, as the file's header holds them."""

    @property
    def id(self) -> bytes:
        """What a .dvq file stores: the first 8 bytes of the identity."""
        return bytes.fromhex(self.sha256)[:8]


def entries() -> tuple[Weights, ...]:
    """Return the weights that ship, by kind and name, then those of the DVCODEC_WEIGHTS folder.

    WeightsNotFound if one of the latter cannot be read or is not a weights file.
    """
    return tuple(_entries())


def _entries() -> Iterator[Weights]:
    """Yield the same one by one, so that what ships is found whatever the folder holds."""
    yield from _shipped()
    if folder := os.environ.get(_ENVIRONMENT):
        yield from map(_described, sorted(Path(folder).glob("*.safetensors")))


def _shipped() -> list[Weights]:
    found = map(_described, _FOLDER.glob("*.safetensors"))
    return sorted(found, key=lambda weights: (KINDS.index(weights.kind), weights.name))


def of_kind(kind: str) -> tuple[Weights, ...]:
    """Return all installed weights of a kind."""
    return tuple(weights for weights in entries() if weights.kind == kind)


def default(kind: str = HIERARCHY) -> Weights:
    """Return the weights of a kind that are used where none are named. WeightsNotFound if there are none."""
    for weights in defaults(kind):
        return weights
    missing = {PIXELS: "no model of lossless pixels is installed", BILEVEL: "no model of pages is installed"}
    hint = "name some as `weights`" if kind == HIERARCHY else "use another `method`"
    raise WeightsNotFound(missing.get(kind, "no default weights are installed"), hint)


def defaults(kind: str) -> tuple[Weights, ...]:
    """Return the default weights of a kind: none or one. Of models of sets none: an archive takes any that suits."""
    found = [] if kind == BITS_BACK else [weights for weights in _shipped() if weights.kind == kind]
    return tuple(found[:1])


_named: dict[bytes, Weights] = {}
"""Weights files that this process was given by their path: it can decode what it coded with them."""


def find(name_or_path: str) -> Weights:
    """Return the weights of a name, or of a path to a .safetensors file. WeightsNotFound if there are none."""
    for weights in _entries():
        if weights.name == name_or_path:
            return weights
    path = Path(name_or_path)
    if path.suffix == ".safetensors" and path.is_file():
        weights = _described(path)
        _named[weights.id] = weights  # the newest path: an older one may be gone
        return weights
    if path.is_file():
        raise WeightsNotFound(f"{path} is no weights file, which end in .safetensors", "`dvcodec export` makes one")
    raise WeightsNotFound(f"no weights named {name_or_path!r}", "`dvcodec models` lists them")


def by_id(prefix: bytes) -> Weights:
    """Return the weights whose identity begins with these 8 bytes. WeightsNotFound if they are not installed."""
    for weights in chain(_entries(), _named.values()):
        if weights.id == prefix:
            return weights
    hint = f"upgrade dvcodec, or put the weights file into a folder and name it in {_ENVIRONMENT}"
    raise WeightsNotFound(f"the file needs weights {prefix.hex()}, which are not installed", hint)


def _described(path: Path) -> Weights:
    """Describe a weights file by its name, its header, and its card if one lies beside it."""
    try:
        facts = path.stat()
        metadata = _metadata(path.resolve(), facts.st_mtime_ns, facts.st_size)
    except OSError as error:
        raise WeightsNotFound(f"cannot read the weights file {path}: {error.strerror}") from error
    except ValueError as error:
        raise WeightsNotFound(f"{path} is not a weights file: {error}", "`dvcodec export` makes one") from error
    card = _card(card_of(path))
    return Weights(path.stem, path, metadata["id"], card, kind_of(metadata), metadata["config"])


@lru_cache(maxsize=64)
def _metadata(path: Path, modified: int, size: int) -> dict[str, Any]:
    """Return a file's metadata; `modified` and `size` tell an old answer from a new file."""
    return metadata_of(path)


def card_of(path: Path) -> Path:
    """Return where the card of a weights file lies."""
    return path.with_suffix(".card.json")


def _card(path: Path) -> dict[str, Any]:
    """Return the model card, or nothing where there is none or it cannot be read: only reports need it."""
    try:
        card = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}
