"""Tensors as what they add to others of the same name, type and shape: the form in which older weights are kept.

Integers are subtracted and wrap, halves by their 16 bits. Weights of 8 bits, most of the bytes, are treated with more
care. They are matrices, rows by their first index. Fine-tuning changes rows' scales, so a row of the others is first
multiplied by a gain of its own. What is left is larger in some rows and columns than in others, so the entries of all
matrices are sorted by how large they are expected to be, by the levels of row and column together, and the entries of
each sum of levels are a run with a table of its own (models.runs). All of it takes an eighth off the files.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .runs import decode, encode

SHIFT = 7
"""Gains are bytes; two to the power of this is a gain of 1."""
PER_OCTAVE = 3
"""Levels of magnitude: a third of an octave apart, ..."""
MIDDLE = 24
"""... this one for a row whose entries have a mean magnitude of 1, and for a column as large as the mean of all."""
LARGEST_LEVEL = 60
TINY = 0.02
"""Mean magnitudes below this count as this."""

MOST_TABLES = 512 * (2 * LARGEST_LEVEL + 1)
"""Bytes; gains and levels of a matrix take no more than three times as many as it has entries."""

Index = list[tuple[str, str, list[int]]]
"""Name, type and shape of each tensor."""
Levels = NDArray[np.uint8]
Matrix = NDArray[np.int8]


def index_of(tensors: dict[str, Tensor]) -> Index:
    """Name, type and shape of each tensor."""
    return [(name, str(value.dtype).removeprefix("torch."), list(value.shape)) for name, value in tensors.items()]


def subtract(tensors: dict[str, Tensor], others: dict[str, Tensor]) -> tuple[bytes, bytes]:
    """Gains and levels of matrices, the differences of all other tensors and the tables of runs; the runs."""
    sides, plain, left, keys = [], [], [np.empty(0, np.int8)], [np.empty(0, np.uint8)]
    for name, dtype, shape in index_of(tensors):
        value, other = tensors[name], _counterpart(name, tensors[name], others)
        if not _is_matrix(dtype, shape):
            plain.append((integers(value) - integers(other)).contiguous().numpy().tobytes())
            continue
        wanted, theirs = _as_matrix(value), _as_matrix(other)
        gains = _gains(wanted, theirs)
        entries = wanted - _scaled(theirs, gains)  # wraps
        rows, columns = _levels(entries)
        sides += [gains.tobytes(), rows.tobytes(), columns.tobytes()]
        left.append(entries.ravel())
        keys.append(_keys(rows, columns))
    order, lengths = _order(np.concatenate(keys))
    entries = np.concatenate(left)[order].view(np.uint8)
    tables, runs = encode(np.split(entries, np.cumsum(lengths)[:-1]) if lengths else [])
    return b"".join([*sides, *plain, tables.astype("<u2").tobytes()]), runs


def add(raw: bytes | bytearray, runs: bytes, index: Index, others: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors that `subtract` was given. ValueError if its bytes are too few or too many, or mean none."""
    reader = _Reader(raw)
    matrices = {name: _sides(shape) for name, dtype, shape in index if _is_matrix(dtype, shape)}
    sides = {name: (reader.take(rows), reader.take(rows), reader.take(cols)) for name, (rows, cols) in matrices.items()}
    found = {name: torch.empty(shape, dtype=getattr(torch, dtype)) for name, dtype, shape in index}
    for name, value in found.items():
        if name not in matrices:
            taken = torch.frombuffer(reader.bytes(value.nbytes), dtype=integers(value).dtype).view(value.shape)
            integers(value).copy_(taken + integers(_counterpart(name, value, others)))
    left = _entries(reader, runs, [_keys(rows, columns) for _, rows, columns in sides.values()])
    for (name, (gains, _, _)), entries in zip(sides.items(), left, strict=True):
        theirs = _as_matrix(_counterpart(name, found[name], others))
        sums = entries.reshape(theirs.shape) + _scaled(theirs, gains)
        found[name].copy_(torch.from_numpy(sums).view(found[name].shape))
    return found


def _entries(reader: _Reader, runs: bytes, keys: list[Levels]) -> list[Matrix]:
    """The entries of each matrix, in rows."""
    order, lengths = _order(np.concatenate([np.empty(0, np.uint8), *keys]))
    tables = reader.take(512 * len(lengths)).view("<u2").astype(np.uint16).reshape(-1, 256)
    reader.finish()
    found = np.empty(len(order), np.int8)
    found[order] = decode(tables, lengths, runs).view(np.int8)
    return np.split(found, np.cumsum([len(part) for part in keys])[:-1]) if keys else []


def _order(keys: Levels) -> tuple[NDArray[np.intp], list[int]]:
    """What sorts entries by their keys, equal ones as they come, and how many there are of each key that occurs."""
    counts = np.bincount(keys)
    return np.argsort(keys, kind="stable"), counts[counts > 0].tolist()


class _Reader:
    """Takes bytes one part after the other."""

    def __init__(self, raw: bytes | bytearray) -> None:
        self._raw, self._at = raw, 0

    def bytes(self, count: int) -> bytearray:
        self._at += count
        if self._at > len(self._raw):
            raise ValueError("its tensors are incomplete")
        return bytearray(self._raw[self._at - count : self._at])

    def take(self, count: int) -> Levels:
        return np.frombuffer(self.bytes(count), np.uint8)

    def finish(self) -> None:
        if self._at < len(self._raw):
            raise ValueError("it holds more than its tensors")


def integers(tensor: Tensor) -> Tensor:
    """The same memory as integers, whose sums wrap."""
    return tensor.view(torch.int16) if tensor.dtype == torch.float16 else tensor


def _counterpart(name: str, tensor: Tensor, others: dict[str, Tensor]) -> Tensor:
    """The other of a tensor's name if it has its type and shape, otherwise zeros."""
    other = others.get(name)
    alike = other is not None and other.dtype == tensor.dtype and other.shape == tensor.shape
    return other if other is not None and alike else torch.zeros_like(tensor)


def _is_matrix(dtype: str, shape: list[int]) -> bool:
    return dtype == "int8" and len(shape) > 1


def _sides(shape: list[int]) -> tuple[int, int]:
    """Rows and columns."""
    return shape[0], math.prod(shape[1:])


def _as_matrix(tensor: Tensor) -> Matrix:
    found: Matrix = tensor.reshape(tensor.shape[0], -1).numpy()
    return found


def _gains(wanted: Matrix, theirs: Matrix) -> Levels:
    """The gain of each row of `theirs` that leaves the least squares of `wanted`. (rows,)"""
    a, b = wanted.astype(np.float64), theirs.astype(np.float64)
    best = (a * b).sum(1) / np.maximum((b * b).sum(1), 1)
    found: Levels = np.clip(np.rint(best * 2**SHIFT), 0, 255).astype(np.uint8)
    return found


def _scaled(theirs: Matrix, gains: Levels) -> Matrix:
    """Rows times their gains, rounded, as bytes that wrap: 255 times 128 and a half fit into 16 bits."""
    products = theirs.astype(np.int16) * gains.astype(np.int16)[:, None] + np.int16(1 << (SHIFT - 1))
    return (products >> SHIFT).astype(np.int8)


def _levels(entries: Matrix) -> tuple[Levels, Levels]:
    """The levels of a matrix' rows and columns, by their mean magnitudes."""
    size = np.abs(entries.astype(np.float64))
    rows, columns, mean = size.mean(1), size.mean(0), max(size.mean(), TINY)
    return _level(rows), _level(columns / mean)


def _level(magnitudes: NDArray[Any]) -> Levels:
    levels = np.rint(PER_OCTAVE * np.log2(np.maximum(magnitudes, TINY))) + MIDDLE
    found: Levels = np.clip(levels, 0, LARGEST_LEVEL).astype(np.uint8)
    return found


def _keys(rows: Levels, columns: Levels) -> Levels:
    """What a matrix' entries are sorted by, one row after the other. Levels that nothing wrote may wrap. (entries,)"""
    return np.add.outer(rows, columns).ravel()
