"""The form of weights files: safetensors without pickle, whatever the model.

The file holds one uint8 tensor, `deflated`: the zlib stream of all packed tensors one after the other, little-endian,
in the order of `index`, a list of [name, dtype, shape]. Deflating takes about 15 % off. The metadata's one key,
`dvcodec`, is a JSON object: format, name, config, index and what else the format has.

Older weights ship as the difference to later ones, in about half the bytes: `base` names the file beside them
that the tensors of the same name, type and shape are to be added to (models.differences), and `tensors` is the
SHA-256 of all sums as they would be deflated. Their tensors are `difference`, an xz stream (LZMA2) of the index's
length (four bytes), its text and what else models.differences says, and `runs`, symbols of the entropy coder: slower
to read.
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
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from .differences import Index, add, index_of, most_of, subtract
from .integer.guard import own_modes

KEY = "dvcodec"
XZ: list[dict[str, Any]] = [
    {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 0, "pb": 0, "dict_size": 2**23}
]

DTYPES = {"int8": torch.int8, "int16": torch.int16, "int32": torch.int32, "float16": torch.float16}

LARGEST = 2**28
"""Bytes that a file may inflate to."""

LARGEST_DIFFERENCE = 2**25
"""Bytes of a difference's tensors: to sort them takes sixteen times as many, however small the file."""

LONGEST_INDEX = 2**22
"""Bytes of its text."""

MOST_TENSORS, MOST_DIMENSIONS = 2**14, 8
"""Of an index: products of more could take hours."""

MOST_BASES = 16
"""Files that one may refer to, each by the one before."""

_SURPRISES = KeyError, TypeError, AttributeError, RecursionError, OverflowError, EOFError
"""What facts of the wrong kind lead to."""

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\.safetensors")
"""Of a base."""


def _zlib(raw: bytes) -> bytes:
    return zlib.compress(raw, 9)


def deflate(facts: dict[str, Any], packed: dict[str, Tensor], compress: Callable[[bytes], bytes] = _zlib) -> bytes:
    """The bytes of a weights file: facts about the model and its packed tensors. `compress` makes its zlib stream."""
    payload = compress(b"".join(map(_bytes, packed.values())))
    return _file({**facts, "index": index_of(packed)}, deflated=payload)


def difference(path: Path, base: Path) -> bytes:
    """The bytes of a weights file that gives the tensors of `path` where `base` lies beside it. ValueError, OSError."""
    with reading():
        facts = facts_of(path)
        packed = tensors_of(path, facts)
        index = _text(index_of(packed)).encode()
        said, runs = subtract(packed, tensors_of(base, facts_of(base)))
        said = lzma.compress(len(index).to_bytes(4, "little") + index + said, check=lzma.CHECK_NONE, filters=XZ)
        facts = {key: value for key, value in facts.items() if key != "index"}
        facts |= {"base": base.name, "tensors": _digest(packed)}
        return _file(facts, difference=said, runs=runs)


def _file(facts: dict[str, Any], **payloads: bytes) -> bytes:
    tensors = {name: torch.tensor(bytearray(payload), dtype=torch.uint8) for name, payload in payloads.items()}
    return save(tensors, {KEY: _text(facts)})  # one key: safetensors writes several in random order


def _text(facts: Any) -> str:
    return json.dumps(facts, separators=(",", ":"))


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
        if "base" in about:
            found = _added(_payload(file, "difference"), _payload(file, "runs"), found)
            if _digest(found) != about["tensors"]:
                raise ValueError(f"it and its base, {about['base']}, do not give its tensors")
        else:
            found = inflate(_payload(file, "deflated"), about["index"])
    return found


def _payload(path: Path, name: str) -> bytes:
    """A file's tensor of a name: readers that know of no bases do not find what differences hold."""
    with safe_open(path, framework="pt") as file:
        payload: bytes = file.get_tensor(name).numpy().tobytes()
    return payload


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


def _bytes(tensor: Tensor) -> bytes:
    return tensor.contiguous().numpy().tobytes()


def _digest(packed: dict[str, Tensor]) -> str:
    """SHA-256 of all tensors, one after the other."""
    digest = hashlib.sha256()
    for value in packed.values():
        digest.update(_bytes(value))
    return digest.hexdigest()


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


def _added(payload: bytes, runs: bytes, others: dict[str, Tensor]) -> dict[str, Tensor]:
    """The packed tensors of a difference to others."""
    stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, LARGEST)
    length = int.from_bytes(_taken(stream, payload, 4), "little")
    if length > LONGEST_INDEX:
        raise ValueError("its index is longer than any model's")
    index = _checked(json.loads(_taken(stream, b"", length)), LARGEST_DIFFERENCE)
    raw = stream.decompress(b"", most_of(index, _sizes(index)) + 1)
    if not stream.eof or stream.unused_data:
        raise ValueError("its stream does not end where its tensors do")
    return add(raw, runs, index, others)


def _checked(index: Index, largest: int = LARGEST) -> Index:
    """An index whose tensors have sizes that are possible. ValueError otherwise, KeyError for an unknown type."""
    if len(index) > MOST_TENSORS or any(len(shape) > MOST_DIMENSIONS for _, _, shape in index):
        raise ValueError("it has more tensors, or dimensions, than any model")
    if not all(type(n) is int and 0 <= n <= LARGEST for _, _, shape in index for n in shape):
        raise ValueError("the shapes of its tensors are not valid")
    if any(0 in shape for _, _, shape in index):
        raise ValueError("one of its tensors is empty")
    if _sizes(index) > largest:
        raise ValueError("its tensors are larger than any model's")
    return index


def _sizes(index: Index) -> int:
    """Bytes that the tensors of an index take."""
    return sum(math.prod(shape) * DTYPES[dtype].itemsize for _, dtype, shape in index)


def _taken(stream: Any, data: bytes, size: int) -> bytes:
    """The next bytes of a stream. ValueError if it has no more."""
    raw: bytes = stream.decompress(data, size) if size else b""
    if len(raw) != size:
        raise ValueError("its tensors are incomplete")
    return raw
