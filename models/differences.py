"""Tensors as what they add to others of the same name, type and shape: the form in which older weights are kept.

Integers are subtracted and wrap, halves by their 16 bits. Weights of 8 bits, most of the bytes, are treated with more
care. They are matrices, rows by their first index. Fine-tuning changes rows' scales, so a row of the others is first
multiplied by a gain of its own. What is left is larger in some rows and columns than in others, so the entries of all
matrices are sorted by how large they are expected to be, by the levels of row and column together, and the entries of
each sum of levels are a run with a table of its own (models.runs). All of it takes an eighth off the files.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .runs import Bytes, decode, encode

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
"""Bytes."""

Index = list[tuple[str, str, list[int]]]
"""Name, type and shape of each tensor."""
Matrix = NDArray[np.int8]
Tensors = dict[str, Tensor]


def index_of(tensors: Tensors) -> Index:
    """Name, type and shape of each tensor."""
    return [(name, str(value.dtype).removeprefix("torch."), list(value.shape)) for name, value in tensors.items()]


def most_of(index: Index, size: int) -> int:
    """How many bytes `add` can take beside runs, for tensors of `size` bytes: entries come in runs, others do not."""
    sides = [_rows_and_columns(shape) for _, dtype, shape in index if _is_matrix(dtype, shape)]
    return size + sum(2 * rows + columns for rows, columns in sides) + MOST_TABLES


def subtract(tensors: Tensors, others: Tensors) -> tuple[bytes, bytes]:
    """Gains and levels of matrices, the differences of all other tensors and the tables of runs; the runs."""
    sides, plain, left = [], [], [np.empty(0, np.int8)]
    for name, dtype, shape in index_of(tensors):
        value, other = tensors[name], _counterpart(name, tensors[name], others)
        if _is_matrix(dtype, shape):
            side, entries = _reduced(_as_matrix(value), _as_matrix(other))
            sides.append(side)
            left.append(entries.ravel())
        else:
            plain.append((_integers(value) - _integers(other)).contiguous().numpy().tobytes())
    order, lengths = _order([side.keys() for side in sides])
    tables, runs = encode(np.concatenate(left)[order].view(np.uint8), lengths)
    said = [part.tobytes() for side in sides for part in astuple(side)]
    return b"".join([*said, *plain, tables.astype("<u2").tobytes()]), runs


def add(raw: bytes, runs: bytes, index: Index, others: Tensors) -> Tensors:
    """The tensors that `subtract` was given. ValueError if its bytes are too few or too many, or mean none."""
    reader = _Reader(raw)
    found = {name: torch.empty(shape, dtype=getattr(torch, dtype)) for name, dtype, shape in index}
    matrices = [(name, *_rows_and_columns(shape)) for name, dtype, shape in index if _is_matrix(dtype, shape)]
    sides = {name: _Side.read(reader, rows, columns) for name, rows, columns in matrices}
    for name, value in found.items():
        if name not in sides:
            taken = torch.from_numpy(reader.take(value.nbytes)).view(_integers(value).dtype).view(value.shape)
            _integers(value).copy_(taken + _integers(_counterpart(name, value, others)))
    left = _entries(reader, runs, [side.keys() for side in sides.values()])
    for (name, side), entries in zip(sides.items(), left, strict=True):
        theirs = _as_matrix(_counterpart(name, found[name], others))
        sums = entries.reshape(theirs.shape) + _scaled(theirs, side.gains)  # wraps
        found[name].copy_(torch.from_numpy(sums).view(found[name].shape))
    return found


def _entries(reader: _Reader, runs: bytes, keys: list[Bytes]) -> list[Matrix]:
    """The entries of each matrix, in rows."""
    order, lengths = _order(keys)
    tables = reader.take(512 * len(lengths)).view("<u2").astype(np.uint16).reshape(-1, 256)
    reader.finish()
    found = np.empty(len(order), np.int8)
    found[order] = decode(tables, lengths, runs).view(np.int8)
    return np.split(found, np.cumsum([len(part) for part in keys])[:-1]) if keys else []


def _order(keys: list[Bytes]) -> tuple[NDArray[np.intp], list[int]]:
    """What sorts entries by their keys, equal ones as they come, and how many there are of each key that occurs."""
    every = np.concatenate([np.empty(0, np.uint8), *keys])
    counts = np.bincount(every)
    return np.argsort(every, kind="stable"), counts[counts > 0].tolist()


@dataclass
class _Side:
    """What a file says of a matrix beside its entries."""

    gains: Bytes
    """By row."""
    rows: Bytes
    """Levels."""
    columns: Bytes
    """Levels."""

    @classmethod
    def read(cls, reader: _Reader, rows: int, columns: int) -> _Side:
        """The next one. ValueError if its levels are none."""
        side = cls(reader.take(rows), reader.take(rows), reader.take(columns))
        if max(side.rows.max(), side.columns.max()) > LARGEST_LEVEL:
            raise ValueError("the levels of its entries are not valid")
        return side

    def keys(self) -> Bytes:
        """What the matrix' entries are sorted by, one row after the other. (entries,)"""
        found: Bytes = np.add.outer(self.rows, self.columns).ravel()
        return found


class _Reader:
    """Takes bytes one part after the other."""

    def __init__(self, raw: bytes) -> None:
        self._raw, self._at = np.frombuffer(raw, np.uint8), 0

    def take(self, count: int) -> Bytes:
        self._at += count
        if self._at > len(self._raw):
            raise ValueError("its tensors are incomplete")
        return self._raw[self._at - count : self._at].copy()

    def finish(self) -> None:
        if self._at < len(self._raw):
            raise ValueError("it holds more than its tensors")


def _integers(tensor: Tensor) -> Tensor:
    """The same memory as integers, whose sums wrap."""
    return tensor.view(torch.int16) if tensor.dtype == torch.float16 else tensor


def _counterpart(name: str, tensor: Tensor, others: Tensors) -> Tensor:
    """The other of a tensor's name if it has its type and shape, otherwise zeros."""
    other = others.get(name)
    alike = other is not None and other.dtype == tensor.dtype and other.shape == tensor.shape
    return other if other is not None and alike else torch.zeros_like(tensor)


def _is_matrix(dtype: str, shape: list[int]) -> bool:
    return dtype == "int8" and len(shape) > 1


def _rows_and_columns(shape: list[int]) -> tuple[int, int]:
    return shape[0], math.prod(shape[1:])


def _as_matrix(tensor: Tensor) -> Matrix:
    found: Matrix = tensor.reshape(tensor.shape[0], -1).numpy()
    return found


def _reduced(wanted: Matrix, theirs: Matrix) -> tuple[_Side, Matrix]:
    """What `theirs` leaves of a matrix, and how."""
    gains = _gains(wanted, theirs)
    entries = wanted - _scaled(theirs, gains)  # wraps
    return _Side(gains, *_levels(entries)), entries


def _gains(wanted: Matrix, theirs: Matrix) -> Bytes:
    """The gain of each row of `theirs` that leaves the least squares of `wanted`. (rows,)"""
    a, b = wanted.astype(np.float64), theirs.astype(np.float64)
    best = (a * b).sum(1) / np.maximum((b * b).sum(1), 1)
    found: Bytes = np.clip(np.rint(best * 2**SHIFT), 0, 255).astype(np.uint8)
    return found


def _scaled(theirs: Matrix, gains: Bytes) -> Matrix:
    """Rows times their gains, rounded, as bytes that wrap: 255 times 128 and a half fit into 16 bits."""
    products = theirs.astype(np.int16) * gains.astype(np.int16)[:, None] + np.int16(1 << (SHIFT - 1))
    return (products >> SHIFT).astype(np.int8)


def _levels(entries: Matrix) -> tuple[Bytes, Bytes]:
    """The levels of a matrix' rows and columns, by their mean magnitudes."""
    size = np.abs(entries.astype(np.float64))
    rows, columns, mean = size.mean(1), size.mean(0), max(size.mean(), TINY)
    return _level(rows), _level(columns / mean)


def _level(magnitudes: NDArray[Any]) -> Bytes:
    levels = np.rint(PER_OCTAVE * np.log2(np.maximum(magnitudes, TINY))) + MIDDLE
    found: Bytes = np.clip(levels, 0, LARGEST_LEVEL).astype(np.uint8)
    return found
