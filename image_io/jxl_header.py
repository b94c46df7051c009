"""The header of a JPEG XL image (ISO/IEC 18181-1, annex D): its size and its samples, before anything is decoded."""

from dataclasses import dataclass
from typing import BinaryIO

from .isobmff import body_of

BARE = b"\xff\x0a"
"""The first bytes of a codestream."""
_START = 256  # bytes that hold any header up to its bit depth
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


@dataclass(frozen=True)
class JxlHeader:
    """What the header of a JPEG XL image says."""

    width: int
    height: int
    bits: int
    floating: bool
    animated: bool


class _Bits:
    """Reads numbers from bytes, the least significant bits first; bits behind the end are 0."""

    def __init__(self, data: bytes) -> None:
        self._rest = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        value = self._rest & ((1 << count) - 1)
        self._rest >>= count
        return value

    def choice(self, *choices: tuple[int, int]) -> int:
        """Return a number that is coded as one of four offsets, each with some bits that follow."""
        offset, count = choices[self.take(2)]
        return offset + self.take(count)


def read(file: BinaryIO) -> JxlHeader:
    """Return the header of a file: a bare codestream, or one in boxes. A file without one seems empty: 0 x 0."""
    file.seek(0)
    start = file.read(_START)
    if not start.startswith(BARE):
        start = body_of(file, b"jxlc", _START) or body_of(file, b"jxlp", _START)[4:]
    if not start.startswith(BARE):
        return JxlHeader(0, 0, 8, False, False)
    bits = _Bits(start[2:])
    height, width = _size(bits)
    return JxlHeader(width, height, *_samples(bits))


def _size(bits: _Bits) -> tuple[int, int]:
    """Read a SizeHeader: (height, width)."""
    small = bits.take(1)

    def side() -> int:
        return 8 * (bits.take(5) + 1) if small else bits.choice((1, 9), (1, 13), (1, 18), (1, 30))

    height, ratio = side(), bits.take(3)
    if not ratio:
        return height, side()
    across, down = _RATIOS[ratio - 1]
    return height, height * across // down


def _samples(bits: _Bits) -> tuple[int, bool, bool]:
    """Read an ImageMetadata up to its bit depth: bits of a sample, whether it is a float, whether there are frames."""
    if bits.take(1):  # all fields have their defaults
        return 8, False, False
    animated = False
    if bits.take(1):
        bits.take(3)  # orientation
        if bits.take(1):
            _size(bits)  # the intrinsic size
        if bits.take(1):
            _skip_preview(bits)
        animated = bool(bits.take(1))
        if animated:
            _skip_animation(bits)
    floating = bool(bits.take(1))
    depths = ((32, 0), (16, 0), (24, 0), (1, 6)) if floating else ((8, 0), (10, 0), (12, 0), (1, 6))
    return bits.choice(*depths), floating, animated


def _skip_preview(bits: _Bits) -> None:
    eighths = bits.take(1)
    choices = ((16, 0), (32, 0), (1, 5), (33, 9)) if eighths else ((1, 6), (65, 8), (321, 10), (1345, 12))
    bits.choice(*choices)
    if not bits.take(3):
        bits.choice(*choices)


def _skip_animation(bits: _Bits) -> None:
    bits.choice((100, 0), (1000, 0), (1, 10), (1, 30))
    bits.choice((1, 0), (1001, 0), (1, 8), (1, 10))
    bits.choice((0, 0), (0, 3), (0, 16), (0, 32))
    bits.take(1)
