"""The format of weights files: named integer tensors in safetensors, and one JSON object that describes them.

Every tensor is of int8, int16, int32 or float16. A tensor of integers is stored in the narrowest of the integer types
that holds its values; readers widen it to the type that the model's description gives it. The safetensors metadata has
one key, `dvcodec`, a JSON object:

    format      the kind of model, one of `loading.FORMATS`
    name        a label, the name of the set of weights
    config      the model's sizes
    quality     only for photographs: the network qualities that 1 and 100 stand for
    id          the identity of the weights, see `identity`

A .dvq file names its weights by the first 8 bytes of the identity. Reading computes it again, so that a file in which
anything is damaged is refused.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

if TYPE_CHECKING:
    import torch

KEY = "dvcodec"
LABELS = ("id", "name")
"""The keys of the JSON object that the identity does not cover."""

INTEGERS: dict[str, np.dtype[Any]] = {"I8": np.dtype("<i1"), "I16": np.dtype("<i2"), "I32": np.dtype("<i4")}
TYPES: dict[str, np.dtype[Any]] = {**INTEGERS, "F16": np.dtype("<f2")}
"""Allowed types of tensors by their safetensors names, integers from the narrowest on."""
TYPE_NAMES = {dtype: name for name, dtype in TYPES.items()}

LARGEST = 2**28
"""Largest allowed size of a weights file in bytes."""

MOST_TENSORS, MOST_DIMENSIONS = 2**14, 8

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
"""Pattern of the names of tensors."""

_MALFORMED = KeyError, TypeError, AttributeError, RecursionError, OverflowError, EOFError
"""Errors that metadata of the wrong kind causes."""


class Tensors:
    """The tensors of a weights file. A model takes each of them once, by its full name or below a prefix."""

    def __init__(self, tensors: Mapping[str, ArrayLike]) -> None:
        self._left, self._prefix = {name: np.asarray(value) for name, value in tensors.items()}, ""
        self.numbers = sum(value.size for value in self._left.values())
        """Number of values in all tensors together."""

    def below(self, prefix: str) -> Tensors:
        """Return a view of the same tensors whose names are relative to `prefix` and a point."""
        view = Tensors({})
        view._left, view._prefix, view.numbers = self._left, f"{self._prefix}{prefix}.", self.numbers
        return view

    def take(self, name: str, dtype: DTypeLike, shape: Sequence[int]) -> NDArray[Any]:
        """Return the tensor of a name, widened to the type that it is described to have.

        Args:
            name: Name below this view's prefix.
            dtype: Wanted type.
            shape: Wanted shape.

        Raises:
            ValueError: It is missing, of a type that does not fit, of another shape, or not finite.
        """
        value = self._left.pop(self._prefix + name, None)
        if value is None or tuple(value.shape) != tuple(shape) or not _fits(value.dtype, np.dtype(dtype)):
            raise ValueError(f"its tensor {self._prefix + name!r} is missing or does not fit its configuration")
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise ValueError(f"its tensor {self._prefix + name!r} holds numbers that are not finite")
        return value.astype(dtype, copy=False)

    def tensor(self, name: str, dtype: torch.dtype, shape: Sequence[int]) -> torch.Tensor:
        """Return what `take` does as a tensor of torch. Raises as `take` does."""
        import torch

        return torch.from_numpy(self.take(name, str(dtype).removeprefix("torch."), shape))

    def refuse_unused(self) -> None:
        """Check that the model has taken every tensor.

        Raises:
            ValueError: A tensor is left.
        """
        if self._left:
            raise ValueError(f"its tensor {min(self._left)!r} belongs to no part of its model")


def _fits(stored: np.dtype[Any], wanted: np.dtype[Any]) -> bool:
    """Tell whether values of a stored type can be widened to a wanted type without a change."""
    if "f" in (stored.kind, wanted.kind):
        return stored == wanted
    return stored.itemsize <= wanted.itemsize


def write(metadata: Mapping[str, Any], tensors: Mapping[str, ArrayLike]) -> bytes:
    """Return the bytes of a weights file.

    Args:
        metadata: format, name, config and, of photographs, quality: anything that JSON holds. The identity is added.
        tensors: Integers and float16 of any shape by name.
    """
    stored = narrow(tensors)
    return save(stored, {KEY: _canonical({**metadata, "id": identity(metadata, stored)})})


def narrow(tensors: Mapping[str, ArrayLike]) -> dict[str, NDArray[Any]]:
    """Return tensors in the types in which a file stores them.

    Args:
        tensors: Integers and float16 of any shape by name.
    """
    return {name: _narrowed(np.asarray(value)) for name, value in tensors.items()}


def _narrowed(value: NDArray[Any]) -> NDArray[Any]:
    """Return a tensor of integers in the narrowest type that holds its values; others as they are."""
    if value.dtype.kind == "f":
        return np.ascontiguousarray(value).reshape(value.shape)
    least, most = int(value.min()), int(value.max())
    for dtype in INTEGERS.values():
        if np.iinfo(dtype).min <= least and most <= np.iinfo(dtype).max:
            narrow: NDArray[Any] = value.astype(dtype, order="C")
            return narrow
    raise ValueError("a tensor holds integers of more than 32 bits")


def identity(metadata: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> str:
    """Return the identity of weights: a SHA-256 over what they are, not over the bytes of a file.

    Hashed are, one after the other:

    1. the JSON text of the metadata without `id` and `name`, and with one more key, `tensors`: a list of
       [name, type, shape] of every tensor in the order of their names' code points. The type is that in which the
       tensor is stored, I8, I16, I32 or F16. The text is ASCII without white space, keys are sorted by their code
       points, and numbers that are not integers are written with the fewest digits that distinguish them, in float64;
    2. a zero byte;
    3. the values of all tensors in the same order, row by row, little-endian.

    So neither the name, nor the order of tensors in the file, nor the file's own name changes it.

    Args:
        metadata: As `write` takes it, or as a file holds it.
        tensors: As a file holds them, in their narrowest types.

    Returns:
        64 hexadecimal digits; a .dvq file stores the first 8 of the 32 bytes.
    """
    ordered = sorted(tensors.items())
    described = json.loads(_canonical({key: value for key, value in metadata.items() if key not in LABELS}))
    described["tensors"] = [[name, TYPE_NAMES[value.dtype], list(value.shape)] for name, value in ordered]
    digest = hashlib.sha256(_canonical(described).encode("ascii") + b"\0")
    for _, value in ordered:
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


def _canonical(described: object) -> str:
    return json.dumps(described, sort_keys=True, separators=(",", ":"), allow_nan=False)


@contextmanager
def reading() -> Iterator[None]:
    """Turn any error that a malformed file causes into a ValueError."""
    try:
        yield
    except (SafetensorError, *_MALFORMED) as error:
        raise ValueError(f"it is not a weights file or it is damaged: {error}") from error


def read(path: Path, expected: str | None = None) -> tuple[dict[str, Any], Tensors]:
    """Return the metadata of a weights file and its tensors. Must be called within `reading`.

    Args:
        path: The file.
        expected: The identity that the weights must have; any if it is None.

    Raises:
        ValueError: The file is not a weights file, is damaged, or holds other weights than the expected ones.
        OSError: It cannot be read.
    """
    if path.stat().st_size > LARGEST:
        raise ValueError("it is larger than any model's")
    data = path.read_bytes()
    found: list[tuple[str, dict[str, Any]]] = deserialize(data)  # type: ignore[no-untyped-call]
    tensors = {name: _tensor(part) for name, part in _checked(found)}
    metadata = metadata_of(data)
    if identity(metadata, tensors) != metadata["id"]:
        raise ValueError("it is damaged: its tensors and configuration do not have the identity that it states")
    if expected not in (None, metadata["id"]):
        raise ValueError(f"it holds the weights {metadata['id'][:16]}, not {str(expected)[:16]}")
    return metadata, Tensors(tensors)


def metadata_of(data: bytes) -> dict[str, Any]:
    """Return the JSON object in a safetensors file's metadata.

    Raises:
        ValueError: The metadata or the name is not valid.
        KeyError: The metadata, or a key of it, is missing.
        TypeError: It is not an object.
    """
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    metadata = json.loads(header["__metadata__"][KEY])
    if not isinstance(metadata, dict) or not isinstance(metadata["format"], str):
        raise ValueError("its metadata is not valid")
    if not isinstance(metadata["name"], str) or len(metadata["name"]) > 100 or not metadata["name"].isprintable():
        raise ValueError("its name is not a line of text")
    return metadata


def _checked(found: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """Return what safetensors found in a file. ValueError if no model has such tensors."""
    if len(found) > MOST_TENSORS or any(len(part["shape"]) > MOST_DIMENSIONS for _, part in found):
        raise ValueError("it has more tensors, or dimensions, than any model")
    for name, part in found:
        if not NAME.fullmatch(name):
            raise ValueError("the names of its tensors are not valid")
        if part["dtype"] not in TYPES or 0 in part["shape"]:
            raise ValueError(f"its tensor {name!r} is empty or of a type that weights do not have")
    return found


def _tensor(part: dict[str, Any]) -> NDArray[Any]:
    values: NDArray[Any] = np.frombuffer(part["data"], TYPES[part["dtype"]])
    return values.reshape(part["shape"])
