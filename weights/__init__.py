"""The weights that ship, one set for each job, each with its card. This does not import torch.

A .dvq file names its weights by the first 8 bytes of their identity, a SHA-256 over tensors and configuration
(models.integer.weights_file.identity), which the header of a weights file states. Further weights files are found in
the folder that the environment variable DVCODEC_WEIGHTS names.
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
from .kinds import KINDS, kind_of
from .kinds import PIXELS as PIXELS
from .kinds import metadata_of as metadata_of

FOR_ERRORS, FOR_THE_EYE = "rrvq-photo", "rrvq-light"
"""Names of the weights for photographs: those of the least squared error, and those that are coded for the eye."""

_FOLDER = Path(__file__).parent
_ENVIRONMENT = "DVCODEC_WEIGHTS"


@dataclass(frozen=True)
class Weights:
    """One set of weights: a weights file and its card."""

    name: str
    """The name of the file without its suffix."""
    path: Path
    sha256: str
    """The identity of the weights in hexadecimal, a hash of tensors and configuration, not of the file's bytes."""
    card: dict[str, Any] = field(hash=False)
    """Training data, recipe, figures and licences; empty if there is no card."""
    kind: str = HIERARCHY
    """HIERARCHY, PIXELS, BILEVEL or BITS_BACK."""
    config: dict[str, Any] = field(default_factory=dict, hash=False)
    """The configuration of the model, from the file's header."""

    @property
    def id(self) -> bytes:
        """The first 8 bytes of the identity, by which a .dvq file names the weights."""
        return bytes.fromhex(self.sha256)[:8]


def entries() -> tuple[Weights, ...]:
    """Return the weights that ship, in the order of kind and name, followed by those of the DVCODEC_WEIGHTS folder.

    Raises:
        WeightsNotFound: If a file of that folder cannot be read or is not a weights file.
    """
    return tuple(_entries())


def _entries() -> Iterator[Weights]:
    """Yield them one by one, so that those that ship are found whatever the folder holds."""
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
    """Return the weights of a kind that are used if none are named; raise WeightsNotFound if there are none."""
    for weights in defaults(kind):
        return weights
    missing = {PIXELS: "no model of lossless pixels is installed", BILEVEL: "no model of bilevel images is installed"}
    hint = "name some as `weights`" if kind == HIERARCHY else "use another `method`"
    raise WeightsNotFound(missing.get(kind, "no default weights are installed"), hint)


def defaults(kind: str) -> tuple[Weights, ...]:
    """Return the default weights of a kind, none or one. Archives take any bits-back model that suits."""
    found = [] if kind == BITS_BACK else [weights for weights in _shipped() if weights.kind == kind]
    return tuple(sorted(found, key=lambda weights: weights.name != FOR_ERRORS)[:1])


def photographs(*, perceptual: bool) -> Weights:
    """Return the weights for photographs that are used if none are named.

    Args:
        perceptual: Whether images are coded for the eye.

    Raises:
        WeightsNotFound: If there are none.
    """
    eye = [weights for weights in _shipped() if perceptual and weights.name == FOR_THE_EYE]
    return eye[0] if eye else default()


_named: dict[bytes, Weights] = {}
"""Weights files that were given by their path in this process, so that it can decode what it encoded with them."""


def find(name_or_path: str) -> Weights:
    """Return the weights of a name, or of a path to a .safetensors file; raise WeightsNotFound if there are none."""
    for weights in _entries():
        if weights.name == name_or_path:
            return weights
    path = Path(name_or_path)
    if path.suffix == ".safetensors" and path.is_file():
        weights = _described(path)
        _named[weights.id] = weights  # the newest path: an older one may be gone
        return weights
    if path.is_file():
        raise WeightsNotFound(f"{path} is not a .safetensors file of weights", "`dvcodec export` makes one")
    raise WeightsNotFound(f"no weights named {name_or_path!r}", "`dvcodec models` lists them")


def by_id(prefix: bytes) -> Weights:
    """Return the weights whose identity begins with these 8 bytes; raise WeightsNotFound if they are not installed."""
    for weights in chain(_entries(), _named.values()):
        if weights.id == prefix:
            return weights
    hint = f"upgrade dvcodec, or put the weights file into a folder and name it in {_ENVIRONMENT}"
    raise WeightsNotFound(f"the file needs weights {prefix.hex()}, which are not installed", hint)


def _described(path: Path) -> Weights:
    """Describe a weights file by its name, its header, and its card if one lies beside it."""
    try:
        status = path.stat()
        metadata = _metadata(path.resolve(), status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise WeightsNotFound(f"cannot read the weights file {path}: {error.strerror}") from error
    except ValueError as error:
        raise WeightsNotFound(f"{path} is not a weights file: {error}", "`dvcodec export` makes one") from error
    card = _card(card_of(path))
    return Weights(path.stem, path, metadata["id"], card, kind_of(metadata), metadata["config"])


@lru_cache(maxsize=64)
def _metadata(path: Path, modified: int, size: int) -> dict[str, Any]:
    """Return a file's metadata; `modified` and `size` renew the cached answer when the file changes."""
    return metadata_of(path)


def card_of(path: Path) -> Path:
    """Return the path of the card of a weights file."""
    return path.with_suffix(".card.json")


def _card(path: Path) -> dict[str, Any]:
    """Return the model card; empty if there is none or it cannot be read, since only reports need it."""
    try:
        card = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}
