"""Writes graphs in the format that ONNX Runtime reads: the few parts of it that the graphs of `graphs` need.

The package `onnx` would do the same, but takes 60 MB with what it needs; a test has it check what is written here.

Source:
    The Open Neural Network Exchange's `onnx.proto3`, whose field numbers stand here, in Protocol Buffers' encoding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

OPSET, IR_VERSION = 17, 8
"""Versions that every supported release of ONNX Runtime reads."""
TYPES = {np.dtype(np.float32): 1, np.dtype(np.uint8): 2, np.dtype(np.int32): 6}
"""The format's numbers of the types of arrays."""
FLOATS, BYTES, INTEGERS = TYPES.values()

_INTEGER, _INTEGERS, _TEXT = 2, 7, 3
"""The format's numbers of the types of attributes."""


@dataclass
class Graph:
    """A graph under construction. Methods that add a node return the name of its output."""

    inputs: Mapping[str, tuple[int, int]]
    """Type and number of dimensions of each input."""
    nodes: list[bytes] = field(default_factory=list)
    constants: list[bytes] = field(default_factory=list)

    def node(self, operator: str, *inputs: str, **attributes: int | str | Sequence[int]) -> str:
        """Add a node of one output."""
        name = f"{operator.lower()}{len(self.nodes)}"
        described = [_attribute(key, value) for key, value in attributes.items()]
        self.nodes.append(
            _fields((1, each) for each in inputs) + _field(2, name) + _field(4, operator) + _all(5, described)
        )
        return name

    def constant(self, value: float | NDArray[Any], dtype: type[np.generic] = np.float32) -> str:
        """Add a number or an array of a type of `TYPES`."""
        array, name = np.asarray(value, dtype), f"constant{len(self.constants)}"
        sizes = _fields((1, size) for size in array.shape)
        self.constants.append(sizes + _field(2, TYPES[array.dtype]) + _field(8, name) + _field(9, array.tobytes()))
        return name

    def clipped(self, x: str, least: float, greatest: float) -> str:
        """Add a clamp."""
        return self.node("Clip", x, self.constant(least), self.constant(greatest))

    def file(self, *outputs: str) -> bytes:
        """Return the bytes of the finished graph, whose outputs are arrays of float32 with four dimensions."""
        inputs = [_described(name, *kind) for name, kind in self.inputs.items()]
        results = [_described(name, FLOATS, 4) for name in outputs]
        parts: dict[int, Sequence[str | bytes]] = {
            1: self.nodes,
            2: ["dvcodec"],
            5: self.constants,
            11: inputs,
            12: results,
        }
        graph = b"".join(_all(number, values) for number, values in parts.items())
        return (
            _field(1, IR_VERSION)
            + _field(2, "dvcodec")
            + _field(7, graph)
            + _field(8, _field(1, "") + _field(2, OPSET))
        )


def _described(name: str, kind: int, dimensions: int) -> bytes:
    """Return the description of an input or output, whose sizes are left open."""
    sizes = _all(1, [_field(2, f"{name}{i}") for i in range(dimensions)])
    return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, sizes)))


def _attribute(name: str, value: int | str | Sequence[int]) -> bytes:
    if isinstance(value, int):
        return _field(1, name) + _field(3, value) + _field(20, _INTEGER)
    if isinstance(value, str):
        return _field(1, name) + _field(4, value) + _field(20, _TEXT)
    return _field(1, name) + _all(8, value) + _field(20, _INTEGERS)


def _all(number: int, values: Iterable[int | str | bytes]) -> bytes:
    return _fields((number, value) for value in values)


def _fields(parts: Iterable[tuple[int, int | str | bytes]]) -> bytes:
    return b"".join(_field(number, value) for number, value in parts)


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    """Return 7 bits a byte from the lowest on; the top bit says that more follow."""
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
