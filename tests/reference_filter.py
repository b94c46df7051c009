"""The second decoder's image filter, written from docs/FORMAT.md alone: plain sums over windows, pixel by pixel."""

import zlib

import numpy as np
from numpy.typing import NDArray
from reference_decoder import File, Rans

Floats = NDArray[np.float64]
COLOURS = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
PAIRS = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
LINES = np.array([[1, 2, 1], [-2, 0, 2], [-1, 2, -1]]) / 4
TERMS = 62


def tables() -> list[list[int]]:
    """Weights of the 511 steps by density."""
    total, shape = 2**24 - 513, [0 if k == 255 else 2**24 // (abs(k - 255) + 6) ** 2 for k in range(511)]
    rows = [[v * (total * share // 16) // sum(shape) for v in shape] for share in (1, 3, 6, 11)]
    for row in rows:
        row[255] = total - sum(row)
    return rows


def coefficients(file: File) -> tuple[int, NDArray[np.float64]]:
    """The side of a region, and (rows, columns, 3, 62) coefficients."""
    section, total = file.sections["filter"], 2**24 - 7
    side, precision = 256 << (section[0] & 15), section[0] >> 4
    rans, coded, rows = Rans(section[1:]), b"", tables()
    found = np.zeros((-(-file.height // side), -(-file.width // side), 3, TERMS))
    for steps in found.reshape(-1, TERMS):
        density = rans.symbol([total // 5 + total % 5] + 4 * [total // 5])
        coded += density.to_bytes(2, "little")
        for i in range(TERMS if density else 0):
            symbol = rans.symbol(rows[density - 1])
            coded += symbol.to_bytes(2, "little")
            steps[i] = (symbol - 255) / 2**precision
    assert not rans.words and rans.state == zlib.crc32(coded) % 2**16
    return side, found


def terms(x: Floats, row: int, column: int) -> Floats:
    """The 62 terms of a pixel of the planes x (3, H + 16, W + 16), whose border is repeated eight times."""
    centre, found = x[:, row + 8, column + 8], []
    for half in (1, 2, 8):
        window = x[:, row + 8 - half : row + 9 + half, column + 8 - half : column + 9 + half]
        m = window.mean(axis=(1, 2))
        d, m = centre - m, m / 128
        found += [*d, *(d[i] * m[j] for i in range(3) for j in range(3)), *(d[0] * m[i] * m[j] for i, j in PAIRS)]
    near = x[0, row + 7 : row + 10, column + 7 : column + 10]
    found += [(np.outer(a, b) * near).sum() for a in LINES for b in LINES][1:]
    return np.array(found)


def filtered(levels: Floats, file: File) -> Floats:
    """Grey levels (H, W, 3), not rounded yet, with what the file's filter adds."""
    if "filter" not in file.sections:
        return levels
    side, chosen = coefficients(file)
    x = np.pad(np.einsum("ki,yxi->kyx", COLOURS, levels - 128), ((0, 0), (8, 8), (8, 8)), "edge")
    out = levels.copy()
    for y, x_at in np.ndindex(*levels.shape[:2]):
        out[y, x_at] += (chosen[y // side, x_at // side] @ terms(x, y, x_at)) @ COLOURS
    return out
