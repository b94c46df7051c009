"""A second reader of weights files of photographs, differences included, written from docs/FORMAT.md alone: numpy."""

import hashlib
import json
import lzma
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from reference_decoder import Rans

Tensors = dict[str, NDArray[Any]]


def contents(data: bytes, folder: Path | None) -> tuple[dict[str, Any], Tensors]:
    """What a weights file says of itself, and its tensors; `folder` holds what it may be a difference to."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    about = json.loads(header["__metadata__"]["dvcodec"])
    assert about["format"] == "dvcodec-rrvq-1"
    parts = {name: data[end:][slice(*header[name]["data_offsets"])] for name in header if name != "__metadata__"}
    if "base" not in about:
        return about, plain(zlib.decompress(parts["deflated"]), about["index"])
    assert folder is not None
    _, base = contents((folder / about["base"]).read_bytes(), folder)
    tensors = added(lzma.decompress(parts["difference"]), parts["runs"], base)
    joined = b"".join(values.tobytes() for values in tensors.values())
    assert hashlib.sha256(joined).hexdigest() == about["tensors"]
    return about, tensors


def plain(raw: bytes, index: list[Any]) -> Tensors:
    """Tensors one after the other, as an index names them."""
    tensors, at = {}, 0
    for name, kind, shape in index:
        values = np.frombuffer(raw, np.dtype(kind).newbyteorder("<"), int(np.prod(shape)), at)
        tensors[name] = values.reshape(shape)
        at += values.nbytes
    assert at == len(raw)
    return tensors


def added(raw: bytes, runs: bytes, base: Tensors) -> Tensors:
    """The tensors of a difference to others."""
    at = 4 + int.from_bytes(raw[:4], "little")
    index = json.loads(raw[4:at])
    sides: dict[str, list[NDArray[np.int64]]] = {}
    for name, kind, shape in index:
        if kind == "int8" and len(shape) >= 2:
            rows, columns = shape[0], int(np.prod(shape[1:]))
            said = np.frombuffer(raw, np.uint8, 2 * rows + columns, at).astype(np.int64)
            sides[name] = np.split(said, [rows, 2 * rows])
            at += 2 * rows + columns
    others = [entry for entry in index if entry[0] not in sides]
    size = sum(int(np.prod(shape)) * np.dtype(kind).itemsize for _, kind, shape in others)
    tensors = plain(raw[at : at + size], others)
    keys = [np.add.outer(rows, columns) for _, rows, columns in sides.values()]
    entries = iter(unsorted(raw[at + size :], runs, keys))
    found: Tensors = {}
    for name, kind, shape in index:
        other = base.get(name, np.zeros(1))
        if other.dtype != np.dtype(kind) or list(other.shape) != shape:
            other = np.zeros(shape, kind)
        if name in sides:
            products = other.reshape(shape[0], -1).astype(np.int64) * sides[name][0][:, None]
            found[name] = (next(entries) + (products + 64) // 128).astype(np.int8).reshape(shape)
        else:
            whole = np.dtype(f"<i{other.itemsize}")
            total: NDArray[Any] = tensors[name].view(whole) + other.view(whole)
            found[name] = total.view(other.dtype)
    return found


def unsorted(tables: bytes, runs: bytes, keys: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """The entries of matrices from the runs of equal keys."""
    coder, every = Rans(runs), np.concatenate([key.ravel() for key in keys])
    shares = np.frombuffer(tables, "<u2").reshape(-1, 256)
    kinds = np.unique(every)
    assert len(kinds) == len(shares) and (shares.sum(axis=1, dtype=np.int64) == 65535).all()
    entries = np.zeros(len(every), np.int64)
    for key, table in zip(kinds, shares, strict=True):
        weights = [256 * share for share in table.tolist()]
        for place in np.flatnonzero(every == key):
            entries[place] = (coder.symbol(weights, 0) + 128) % 256 - 128
    assert coder.state == 0 and not coder.words
    ends = np.cumsum([key.size for key in keys])[:-1]
    return [part.reshape(key.shape) for part, key in zip(np.split(entries, ends), keys, strict=True)]
