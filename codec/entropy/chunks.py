"""Chunks: the bytes of a sequence of symbols, with a check that the right ones were decoded.

The coder starts from the 16-bit check of the symbols instead of from 0, so that a decoder must arrive at that check
after the last symbol: it costs no bytes, and a decode with a wrong prior fails the check.
"""

import zlib

import numpy as np
from numpy.typing import NDArray

from ...errors import FormatError
from ...shapes import Float32, Int32, UInt32
from .ans import Intervals, Stack, Tables


def check_of(symbols: Int32[NDArray[np.int32], " n"], before: int = 0) -> int:
    """Return the running CRC-32 over symbols as little-endian uint16; its low 16 bits are a chunk's check.

    Args:
        symbols: The next symbols.
        before: The CRC-32 of the symbols before them.
    """
    return zlib.crc32(symbols.astype("<u2").tobytes(), before)


def encode_chunk(
    left: UInt32[NDArray[np.uint32], " n"], frequencies: UInt32[NDArray[np.uint32], " n"], check: int
) -> bytes:
    """Return the bytes of a chunk.

    Args:
        left: Beginnings of the symbols' intervals, in decoding order.
        frequencies: Lengths of the intervals.
        check: 16 bits from which the coder starts, and at which a decoder must arrive.
    """
    stack = Stack(np.array([check], np.uint32) if check else None)
    stack.push(left, frequencies)
    return stack.words().astype("<u4").tobytes().rstrip(b"\0")  # the last word is never 0: at most three bytes go


class Recorder:
    """Gathers symbols' intervals in decoding order, and their check."""

    def __init__(self) -> None:
        self._parts: list[Intervals] = []
        self._crc = 0

    def take(self, intervals: Intervals, symbols: Int32[NDArray[np.int32], " n"]) -> None:
        """Add a block of symbols and their intervals."""
        self._parts.append(intervals)
        self._crc = check_of(symbols, self._crc)

    def intervals(self) -> Intervals:
        """Return the intervals of all symbols."""
        left, frequencies = (np.concatenate(parts) for parts in zip(*self._parts, strict=True))
        return left, frequencies

    def bytes(self) -> bytes:
        """Return the bytes of the chunk."""
        return encode_chunk(*self.intervals(), self._crc & 0xFFFF)


class ChunkDecoder:
    """Decodes one chunk's symbols, block by block, in the order in which they were chosen."""

    def __init__(self, payload: bytes) -> None:
        """Start at the first symbol of a chunk.

        Args:
            payload: The chunk's bytes, as `encode_chunk` returned them.

        Raises:
            FormatError: If the bytes cannot be a chunk.
        """
        if payload.endswith(b"\0"):
            raise FormatError("a chunk is not valid: it ends in a zero byte")
        self._stack = Stack(np.frombuffer(payload + bytes(-len(payload) % 4), "<u4").astype(np.uint32))
        self._crc = 0

    def decode(self, weights: Float32[NDArray[np.float32], "n K"]) -> Int32[NDArray[np.int32], " n"]:
        """Return the next (n,) symbols under (n, K) weights."""
        return self._checked(self._stack.decode(weights))

    def decode_rows(self, tables: Tables, contexts: Int32[NDArray[np.int32], " n"]) -> Int32[NDArray[np.int32], " n"]:
        """Return the next (n,) symbols, each under the row of its context of shared tables."""
        return self._checked(self._stack.decode_rows(tables, contexts))

    def decode_framed(self, rows: Float32[NDArray[np.float32], "n framed"]) -> Int32[NDArray[np.int32], " n"]:
        """Return the next (n,) symbols under rows of weights between two zeros."""
        return self._checked(self._stack.decode_framed(rows))

    def decode_shared(self, tables: Tables, contexts: Int32[NDArray[np.int32], " n"]) -> Int32[NDArray[np.int32], " n"]:
        """Return the next (n,) symbols under rows of shared tables; equal contexts stand together (n >= 1)."""
        return self._checked(self._stack.decode_shared(tables, contexts))

    def _checked(self, symbols: NDArray[np.int32]) -> NDArray[np.int32]:
        self._crc = check_of(symbols, self._crc)
        return symbols

    def finish(self) -> None:
        """Check that the chunk held exactly the symbols that were decoded: what is left must be their check.

        Raises:
            FormatError: If it did not.
        """
        left: list[int] = self._stack.words().tolist()
        check = self._crc & 0xFFFF
        if left != ([check] if check else []):
            raise FormatError("the decoded symbols do not match their checksum")
