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

from .exact import own_modes

KEY = "dvcodec"

DTYPES = {"int8": torch.int8, "int16": torch.int16, "int32": torch.int32, "float16": torch.float16}

LARGEST = 2**28
"""Bytes that a file may inflate to."""


def deflate(facts: dict[str, Any], packed: dict[str, Tensor]) -> bytes:
    """The bytes of a weights file: facts about the model and its packed tensors."""
    index = [[key, str(value.dtype).removeprefix("torch."), list(value.shape)] for key, value in packed.items()]
    payload = zlib.compress(b"".join(value.contiguous().numpy().tobytes() for value in packed.values()), 9)
    # One key: safetensors writes several in random order.
    metadata = {KEY: json.dumps({**facts, "index": index}, separators=(",", ":"))}
    return save({"deflated": torch.frombuffer(bytearray(payload), dtype=torch.uint8)}, metadata)


@contextmanager
def reading() -> Iterator[None]:
    """Within, whatever a file that is none of ours causes becomes a ValueError, and a network is built as it is."""
    try:
        with own_modes():
            yield
    except (SafetensorError, zlib.error, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
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
        payload = file.get_tensor("deflated").numpy().tobytes()
    return inflate(payload, facts["index"])


def inflate(payload: bytes, index: list[tuple[str, str, list[int]]]) -> dict[str, Tensor]:
    """The packed tensors by name; their sizes are bounded before anything is inflated."""
    if not all(type(n) is int and 0 <= n <= LARGEST for _, _, shape in index for n in shape):
        raise ValueError("the shapes of its tensors are not valid")
    sizes = [math.prod(shape) * DTYPES[dtype].itemsize for _, dtype, shape in index]
    if sum(sizes) > LARGEST:
        raise ValueError("its tensors are larger than any model's")
    raw = bytearray(zlib.decompressobj().decompress(payload, sum(sizes) + 1))
    if len(raw) != sum(sizes):
        raise ValueError("its tensors are incomplete")
    tensors, start = {}, 0
    for (name, dtype, shape), size in zip(index, sizes, strict=True):
        if not size:
            raise ValueError("one of its tensors is empty")
        tensors[name] = torch.frombuffer(raw, dtype=DTYPES[dtype], count=math.prod(shape), offset=start).view(shape)
        start += size
    return tensors
