"""The form of weights files: safetensors without pickle, whatever the model.

The file holds one uint8 tensor, `deflated`: the zlib stream of all packed tensors one after the other, little-endian,
in the order of `index`, a list of [name, dtype, shape]. Deflating takes about 15 % off. The metadata's one key,
`dvcodec`, is a JSON object: format, name, config, index and what else the format has.

Older weights ship as the difference to later ones, in half the bytes: `base` names the file beside them that the
tensors of the same name, type and shape are to be added to, as integers that wrap; `tensors` is the SHA-256 of all sums
as they would be deflated. Their tensor is called `xz` and is a stream of that format (LZMA2), 5 % less than zlib's and
slower to read.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import math
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from .exact import own_modes

KEY = "dvcodec"
XZ: list[dict[str, Any]] = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "pb": 0, "dict_size": 2**23}]

DTYPES = {"int8": torch.int8, "int16": torch.int16, "int32": torch.int32, "float16": torch.float16}

LARGEST = 2**28
"""Bytes that a file may inflate to."""

STREAMS: dict[str, Callable[[], Any]] = {
    "deflated": zlib.decompressobj,
    "xz": partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, LARGEST),
}
"""What reads a file's one tensor, by its name."""


MOST_BASES = 16
"""Files that one may refer to, each by the one before."""

_SURPRISES = KeyError, TypeError, AttributeError, RecursionError, OverflowError
"""What facts of the wrong kind lead to."""

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\.safetensors")
"""Of a base."""


def deflate(facts: dict[str, Any], packed: dict[str, Tensor]) -> bytes:
    """The bytes of a weights file: facts about the model and its packed tensors."""
    index = [[key, str(value.dtype).removeprefix("torch."), list(value.shape)] for key, value in packed.items()]
    raw = b"".join(_bytes(value) for value in packed.values())
    payload = lzma.compress(raw, check=lzma.CHECK_NONE, filters=XZ) if "base" in facts else zlib.compress(raw, 9)
    # One key: safetensors writes several in random order.
    metadata = {KEY: json.dumps({**facts, "index": index}, separators=(",", ":"))}
    name = "xz" if "base" in facts else "deflated"
    return save({name: torch.frombuffer(bytearray(payload), dtype=torch.uint8)}, metadata)


def difference(path: Path, base: Path) -> bytes:
    """The bytes of a weights file that gives the tensors of `path` where `base` lies beside it. ValueError, OSError."""
    with reading():
        facts = facts_of(path)
        packed = tensors_of(path, facts)
        facts |= {"base": base.name, "tensors": _digest(packed)}
        theirs = tensors_of(base, facts_of(base))
        for key, value in _alike(packed, theirs):
            _as_integers(value).sub_(_as_integers(theirs[key]))
        return deflate(facts, packed)


@contextmanager
def reading() -> Iterator[None]:
    """Within, whatever a file that is none of ours causes becomes a ValueError, and a network is built as it is."""
    try:
        with own_modes():
            yield
    except (SafetensorError, zlib.error, lzma.LZMAError, *_SURPRISES) as error:
        raise ValueError(f"it is not a weights file or it is damaged: {error}") from error


def facts_of(path: Path) -> dict[str, Any]:
    """The facts of a weights file. ValueError, KeyError or SafetensorError if it is none."""
    if path.stat().st_size > LARGEST:
        raise ValueError("it is larger than any model's")
    with safe_open(path, framework="pt") as file:
        facts: dict[str, Any] = json.loads((file.metadata() or {})[KEY])
    return facts


def tensors_of(path: Path, facts: dict[str, Any]) -> dict[str, Tensor]:
    """The packed tensors of a weights file by name. Of files that are differences two are held at a time."""
    found: dict[str, Tensor] = {}
    for file, about in reversed(_chain(path, facts)):
        base, found = found, inflate(*_payload(file), about["index"])
        if "base" in about:
            for key, value in _alike(found, base):
                _as_integers(value).add_(_as_integers(base[key]))
            if _digest(found) != about["tensors"]:
                raise ValueError(f"it and its base, {about['base']}, do not give its tensors")
    return found


def _payload(path: Path) -> tuple[bytes, str]:
    """A file's one tensor and its name: readers that know of no bases do not find what differences hold."""
    with safe_open(path, framework="pt") as file:
        names = file.keys()
        name = "xz" if "xz" in names else "deflated"
        payload: bytes = file.get_tensor(name).numpy().tobytes()
    return payload, name


def _chain(path: Path, facts: dict[str, Any]) -> list[tuple[Path, dict[str, Any]]]:
    """A file, its base, the base of that, and so on. ValueError if they have no end or do not lie beside it."""
    chain = [(path, facts)]
    while "base" in facts:
        path = _beside(path, facts["base"])
        if len(chain) > MOST_BASES or path in [file for file, _ in chain]:
            raise ValueError("its bases have no end")
        try:
            facts = facts_of(path)
        except OSError as error:
            raise ValueError(f"its base, {path.name}, cannot be read beside it") from error
        chain.append((path, facts))
    return chain


def _beside(path: Path, base: object) -> Path:
    """Where the base of a file lies. ValueError unless it is a plain name of a weights file."""
    if not isinstance(base, str) or not NAME.fullmatch(base):
        raise ValueError("its base is no name of a weights file")
    return path.with_name(base)


def _alike(tensors: dict[str, Tensor], others: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Those that have a counterpart of their type and shape."""
    for key, value in tensors.items():
        other = others.get(key)
        if other is not None and other.dtype == value.dtype and other.shape == value.shape:
            yield key, value


def _as_integers(tensor: Tensor) -> Tensor:
    """The same memory as integers, whose sums wrap."""
    return tensor.view(torch.int16) if tensor.dtype == torch.float16 else tensor


def _bytes(tensor: Tensor) -> bytes:
    return tensor.contiguous().numpy().tobytes()


def _digest(packed: dict[str, Tensor]) -> str:
    """SHA-256 of all tensors, one after the other."""
    digest = hashlib.sha256()
    for value in packed.values():
        digest.update(_bytes(value))
    return digest.hexdigest()


def inflate(payload: bytes, stream: str, index: list[tuple[str, str, list[int]]]) -> dict[str, Tensor]:
    """The packed tensors of a stream (of STREAMS) by name; their sizes are bounded before anything is inflated."""
    if not all(type(n) is int and 0 <= n <= LARGEST for _, _, shape in index for n in shape):
        raise ValueError("the shapes of its tensors are not valid")
    sizes = [math.prod(shape) * DTYPES[dtype].itemsize for _, dtype, shape in index]
    if sum(sizes) > LARGEST:
        raise ValueError("its tensors are larger than any model's")
    raw = bytearray(STREAMS[stream]().decompress(payload, sum(sizes) + 1))
    if len(raw) != sum(sizes):
        raise ValueError("its tensors are incomplete")
    tensors, start = {}, 0
    for (name, dtype, shape), size in zip(index, sizes, strict=True):
        if not size:
            raise ValueError("one of its tensors is empty")
        tensors[name] = torch.frombuffer(raw, dtype=DTYPES[dtype], count=math.prod(shape), offset=start).view(shape)
        start += size
    return tensors
