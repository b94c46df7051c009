"""A second decoder of the .dvq format, written from docs/FORMAT.md alone: pure Python, no constriction, no codec/.

It shares nothing with the package but the hierarchy that it is given, and so shows that the specification suffices.
"""

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dvcodec.models.interface.hierarchy import Hierarchy, PassSettings, Step


@dataclass
class File:
    """What the header says, and the sections by name; chunks are (layers, bytes)."""

    width: int
    height: int
    grey: bool
    alpha: bool
    quality: int
    weights: bytes
    chunks: list[tuple[int, bytes]]
    sections: dict[str, bytes]


def parse(data: bytes) -> File:
    """Read a whole lossy file; asserts instead of errors."""
    assert data[:5] == b"\x8bDVQ\x04" and data[5] == 0
    mode, flags = data[6] & 7, data[6] >> 3
    assert 1 <= mode <= 4 and flags < 32 and not (flags & 8 and mode < 3)
    width, at = varint(data, 7)
    height, at = varint(data, at)
    quality, weights = data[at] | data[at + 1] << 8, data[at + 2 : at + 10]
    at += 10
    rows: list[tuple[str, int, int, int]] = []  # name, layers, size, crc
    if flags & 1:
        at = row(data, at, "icc", rows)
    count, at = varint(data, at)
    for _ in range(count):
        layers, at = varint(data, at)
        at = row(data, at, "chunk", rows, layers)
    for name, present in (
        ("filter", flags & 8),
        ("alpha", mode in (2, 4)),
        ("exif", flags & 2),
        ("xmp", flags & 4),
        ("properties", flags & 16),
    ):
        if present:
            at = row(data, at, name, rows)
    assert int.from_bytes(data[at : at + 4], "little") == zlib.crc32(data[:at])
    at += 4
    file = File(width, height, mode < 3, mode in (2, 4), quality, weights, [], {})
    for name, layers, size, crc in rows:
        part = data[at : at + size]
        assert len(part) == size and (not size or zlib.crc32(part) == crc)
        if name == "chunk":
            file.chunks.append((layers, part))
        else:
            file.sections[name] = part
        at += size
    assert at == len(data)
    return file


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a LEB128 number and the position after it."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
        shift += 7


def row(data: bytes, at: int, name: str, rows: list[tuple[str, int, int, int]], layers: int = 0) -> int:
    """Read a row of the table and return the position after it."""
    size, at = varint(data, at)
    rows.append((name, layers, size, int.from_bytes(data[at : at + 4], "little") if size else 0))
    return at + (4 if size else 0)


class Rans:
    """The ANS decoder: a state below 2**64 and a stack of 32-bit words."""

    def __init__(self, chunk: bytes) -> None:
        """Split the bytes into little-endian words, the last one filled up with zero bytes."""
        padded = chunk + bytes(-len(chunk) % 4)
        self.words = [int.from_bytes(padded[i : i + 4], "little") for i in range(0, len(padded), 4)]
        self.state = 0
        self.refill()
        self.refill()

    def refill(self) -> None:
        """Take a word from the end while the state is below 2**32."""
        if self.state < 2**32 and self.words:
            self.state = self.state << 32 | self.words.pop()

    def symbol(self, weights: list[int], left: int = 1) -> int:
        """Decode one symbol; `left` is where the first one's interval begins."""
        slot = self.state % 2**24
        for symbol, weight in enumerate(weights):
            if left <= slot < left + weight + 1:
                self.state = (self.state >> 24) * (weight + 1) + slot - left
                self.refill()
                return symbol
            left += weight + 1
        raise AssertionError("a slot that no symbol owns")


class ReferenceSource:
    """Decodes the symbols that a top-down pass asks for."""

    def __init__(self, file: File) -> None:
        """Begin before the first chunk."""
        self.chunks = list(file.chunks)
        self.end = 0
        self.rans = Rans(b"")
        self.coded = b""

    def next(self, step: Step) -> NDArray[np.int32]:
        """Decode one block."""
        while step.layer >= self.end:
            self.finish()
            layers, chunk = self.chunks.pop(0)
            self.end += layers
            self.rans, self.coded = Rans(chunk), b""
        symbols = [self.rans.symbol([int(w) for w in row]) for row in step.weights()]
        self.coded += b"".join(symbol.to_bytes(2, "little") for symbol in symbols)
        return np.array(symbols, np.int32)

    def finish(self) -> None:
        """What is left of a chunk is the check of its symbols."""
        assert not self.rans.words and self.rans.state == zlib.crc32(self.coded) % 2**16


def decode(data: bytes, hierarchy: Hierarchy) -> object:
    """Return the state of the top-down pass over a file's symbols."""
    file = parse(data)
    source = ReferenceSource(file)
    state = hierarchy.top_down_pass(PassSettings(file.height, file.width, file.quality, grey=file.grey), source)
    assert not source.chunks
    source.finish()
    return state
