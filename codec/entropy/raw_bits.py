"""Numbers of known sizes in bits, one after another, the lowest bits first: of a byte as of a number."""

import numpy as np
from numpy.typing import NDArray

from ...errors import FormatError
from ...shapes import Int64

MOST = 16
"""Most bits of a number."""


def pack(numbers: Int64[NDArray[np.int64], " n"], sizes: Int64[NDArray[np.int64], " n"]) -> bytes:
    """Return numbers below 2**size, of `sizes` bits each, as bytes; the bits that fill the last byte are 0."""
    starts = np.cumsum(sizes) - sizes
    bits = np.zeros(int(sizes.sum()), np.uint8)
    for bit in range(MOST):
        there = sizes > bit
        bits[starts[there] + bit] = (numbers[there] >> bit) & 1
    return np.packbits(bits, bitorder="little").tobytes()


class BitReader:
    """Reads what `pack` wrote."""

    def __init__(self, data: bytes) -> None:
        """Start at the first bit of some bytes."""
        self._bytes = np.frombuffer(data + bytes(3), np.uint8)
        self._end, self._at = 8 * len(data), 0

    def read(self, sizes: Int64[NDArray[np.int64], " n"]) -> Int64[NDArray[np.int64], " n"]:
        """Return the next (n,) numbers of `sizes` bits each, at most MOST; FormatError if the bits do not suffice."""
        ends = self._at + np.cumsum(sizes)
        if not len(ends):
            return ends
        if ends[-1] > self._end:
            raise FormatError("the raw bits of the pixels end too early")
        starts, self._at = ends - sizes, int(ends[-1])
        first = starts >> 3
        window = sum(self._bytes.take(first + i).astype(np.int64) << (8 * i) for i in range(3))
        found: NDArray[np.int64] = (window >> (starts & 7)) & ((np.int64(1) << sizes) - 1)
        return found

    def finish(self) -> None:
        """Raise FormatError unless less than a byte is left, of zero bits."""
        last = int(self._bytes[self._at >> 3]) >> (self._at & 7)
        if self._end - self._at >= 8 or last:
            raise FormatError("the raw bits of the pixels are not used up")
