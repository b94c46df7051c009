"""The form of weights files: safetensors without pickle, whatever the model.

The file holds one uint8 tensor, `deflated`: the zlib stream of all packed tensors one after the other, little-endian,
in the order of `index`, a list of [name, dtype, shape]. Deflating takes about 15 % off. The metadata's one key,
`dvcodec`, is a JSON object: format, name, config, index and what else the format has.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from .integer.guard import own_modes

KEY = "dvcodec"

Index = list[tuple[str, str, list[int]]]
"""Name, type and shape of each tensor."""

DTYPES = {"int8": torch.int8, "int16": torch.int16, "int32": torch.int32, "float16": torch.float16}

LARGEST = 2**28
"""Bytes that a file may inflate to."""

MOST_TENSORS, MOST_DIMENSIONS = 2**14, 8
"""Of an index: products of more could take hours."""

_SURPRISES = KeyError, TypeError, AttributeError, RecursionError, OverflowError, EOFError
"""What facts of the wrong kind lead to."""


def deflate(facts: dict[str, Any], packed: dict[str, Tensor]) -> bytes:
    """The bytes of a weights file: facts about the model and its packed tensors."""
    payload = zlib.compress(b"".join(value.contiguous().numpy().tobytes() for value in packed.values()), 9)
    facts = {**facts, "index": index_of(packed)}
    tensors = {"deflated": torch.tensor(bytearray(payload), dtype=torch.uint8)}
    return save(tensors, {KEY: json.dumps(facts, separators=(",", ":"))})


def index_of(packed: dict[str, Tensor]) -> Index:
    """Name, type and shape of each tensor."""
    return [(name, str(value.dtype).removeprefix("torch."), list(value.shape)) for name, value in packed.items()]


@contextmanager
def reading() -> Iterator[None]:
    """Within, whatever a file that is none of ours causes becomes a ValueError, and a network is built as it is."""
    try:
        with own_modes():
            yield
    except (SafetensorError, zlib.error, *_SURPRISES) as error:
        raise ValueError(f"it is not a weights file or it is damaged: {error}") from error


def facts_of(path: Path) -> dict[str, Any]:
    """The facts of a weights file. ValueError, KeyError or SafetensorError if it is none."""
    if path.stat().st_size > LARGEST:
        raise ValueError("it is larger than any model's")
    with safe_open(path, framework="pt") as file:
        facts: dict[str, Any] = json.loads((file.metadata() or {})[KEY])
    return facts


def tensors_of(path: Path, facts: dict[str, Any]) -> dict[str, Tensor]:
    """The packed tensors of a weights file by name."""
    with safe_open(path, framework="pt") as file:
        payload: bytes = file.get_tensor("deflated").numpy().tobytes()
    return inflate(payload, facts["index"])


def inflate(payload: bytes, index: Index) -> dict[str, Tensor]:
    """The packed tensors of a zlib stream by name; their sizes are bounded before anything is inflated."""
    size = _sizes(_checked(index))
    raw = bytearray(zlib.decompressobj().decompress(payload, size + 1))
    if len(raw) != size:
        raise ValueError("its tensors are incomplete")
    tensors, start = {}, 0
    for name, dtype, shape in index:
        tensor = torch.frombuffer(raw, dtype=DTYPES[dtype], count=math.prod(shape), offset=start).view(shape)
        tensors[name], start = tensor, start + tensor.nbytes
    return tensors


def _checked(index: Index) -> Index:
    """An index whose tensors have sizes that are possible. ValueError otherwise, KeyError for an unknown type."""
    if len(index) > MOST_TENSORS or any(len(shape) > MOST_DIMENSIONS for _, _, shape in index):
        raise ValueError("it has more tensors, or dimensions, than any model")
    if not all(type(n) is int and 0 <= n <= LARGEST for _, _, shape in index for n in shape):
        raise ValueError("the shapes of its tensors are not valid")
    if any(0 in shape for _, _, shape in index):
        raise ValueError("one of its tensors is empty")
    if _sizes(index) > LARGEST:
        raise ValueError("its tensors are larger than any model's")
    return index


def _sizes(index: Index) -> int:
    """Bytes that the tensors of an index take."""
    return sum(math.prod(shape) * DTYPES[dtype].itemsize for _, dtype, shape in index)
