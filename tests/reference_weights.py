"""A second reader of weights files, written from docs/FORMAT.md alone: numpy."""

import hashlib
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tensors = dict[str, NDArray[Any]]
TYPES = {"I8": "<i1", "I16": "<i2", "I32": "<i4", "F16": "<f2"}


def contents(data: bytes) -> tuple[dict[str, Any], Tensors]:
    """What a weights file says of itself, and its tensors."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    about = json.loads(header.pop("__metadata__")["dvcodec"])
    tensors = {}
    for name, part in header.items():
        raw = data[end:][slice(*part["data_offsets"])]
        tensors[name] = np.frombuffer(raw, TYPES[part["dtype"]]).reshape(part["shape"])
    assert identity(about, tensors).hex() == about["id"]
    return about, tensors


def identity(about: dict[str, Any], tensors: Tensors) -> bytes:
    """The SHA-256 that a .dvq file names weights by."""
    names = {np.dtype(kind): name for name, kind in TYPES.items()}
    listed = [[name, names[tensors[name].dtype], list(tensors[name].shape)] for name in sorted(tensors)]
    kept = {key: about[key] for key in about if key not in ("id", "name")}
    text = json.dumps({**kept, "tensors": listed}, sort_keys=True, separators=(",", ":"))
    values = b"".join(tensors[name].tobytes() for name in sorted(tensors))
    return hashlib.sha256(text.encode() + b"\0" + values).digest()
