"""Reads quantised coefficients and tables from baseline JPEG files, for tests: no progression, no restarts."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

ZIGZAG = sorted(range(64), key=lambda k: (k // 8 + k % 8, (k // 8 if (k // 8 + k % 8) % 2 else k % 8)))
"""The place in raster order of each coefficient of a file."""


@dataclass
class JpegFile:
    """A parsed file."""

    height: int = 0
    width: int = 0
    factors: list[tuple[int, int]] = field(default_factory=list)
    """Rows and columns of blocks that each component has in a unit."""
    steps: list[NDArray[np.float64]] = field(default_factory=list)
    coefficients: list[NDArray[np.int16]] = field(default_factory=list)
    """(rows, columns, 64) of each component, filled up to whole units."""


def parse(data: bytes) -> JpegFile:
    """Parse a file."""
    found, tables, codes = JpegFile(), dict[int, NDArray[np.float64]](), dict[int, dict[tuple[int, int], int]]()
    components, at = list[tuple[int, int]](), 2
    while True:
        marker, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        body, at = data[at + 4 : at + 2 + size], at + 2 + size
        if marker == 0xDB:
            for start in range(0, len(body), 65):
                tables[body[start]] = np.zeros(64)
                tables[body[start]][ZIGZAG] = list(body[start + 1 : start + 65])
        elif marker == 0xC0:
            found.height, found.width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
            components = [(body[i + 1], body[i + 2]) for i in range(6, len(body), 3)]
        elif marker == 0xC4:
            while body:
                count = sum(body[1:17])
                codes[body[0]] = _codes(body[1:17], body[17 : 17 + count])
                body = body[17 + count :]
        elif marker == 0xDA:
            break
    found.factors = [(1, 1)] if len(components) == 1 else [(f & 15, f >> 4) for f, _ in components]
    found.steps = [tables[table] for _, table in components]
    chosen = [(codes[body[i] >> 4], codes[16 + (body[i] & 15)]) for i in range(2, 1 + 2 * body[0], 2)]
    _scan(found, data[at:], chosen)
    return found


def _codes(counts: bytes, symbols: bytes) -> dict[tuple[int, int], int]:
    """Return the symbol of each code, by its number of bits and its value."""
    found, code, taken = {}, 0, 0
    for bits, count in enumerate(counts, 1):
        for symbol in symbols[taken : taken + count]:
            found[bits, code] = symbol
            code += 1
        taken, code = taken + count, code << 1
    return found


class _Bits:
    """Reads bits, high ones first."""

    def __init__(self, data: bytes) -> None:
        self.text = "".join(f"{byte:08b}" for byte in data.replace(b"\xff\0", b"\xff"))
        self.at = 0

    def number(self, size: int) -> int:
        self.at += size
        return int(self.text[self.at - size : self.at] or "0", 2)

    def symbol(self, codes: dict[tuple[int, int], int]) -> int:
        code = 0
        for bits in range(1, 17):
            code = code << 1 | self.number(1)
            if (bits, code) in codes:
                return codes[bits, code]
        raise ValueError("no such code")

    def signed(self, size: int) -> int:
        value = self.number(size)
        return value if not size or value >> (size - 1) else value - (1 << size) + 1


def _scan(
    found: JpegFile, data: bytes, codes: list[tuple[dict[tuple[int, int], int], dict[tuple[int, int], int]]]
) -> None:
    """Read the coefficients of all blocks."""
    down, across = (max(one[i] for one in found.factors) for i in (0, 1))
    units = -(-found.height // (8 * down)), -(-found.width // (8 * across))
    found.coefficients = [np.zeros((units[0] * v, units[1] * h, 64), np.int16) for v, h in found.factors]
    bits, before = _Bits(data), [0] * len(codes)
    for unit in range(units[0] * units[1]):
        row, column = divmod(unit, units[1])
        for index, (v, h) in enumerate(found.factors):
            for part in range(v * h):
                block = found.coefficients[index][row * v + part // h, column * h + part % h]
                before[index] += bits.signed(bits.symbol(codes[index][0]))
                block[0] = before[index]
                place = 1
                while place < 64 and (symbol := bits.symbol(codes[index][1])):
                    place += symbol >> 4
                    if symbol & 15:
                        block[ZIGZAG[place]] = bits.signed(symbol & 15)
                    place += 1
