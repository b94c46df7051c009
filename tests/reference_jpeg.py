"""A second decoder of decoded JPEG images, written from docs/FORMAT.md alone: block by block, in Python's integers.

Means are a strip of deep samples, which it leaves to the package. The table of weights it reads from the page.
"""

import re
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from reference_decoder import Rans, row, varint

from dvcodec.codec.lossless import deep_strips

PAGE = (
    (Path(__file__).parent.parent / "docs/FORMAT.md").read_text().split("## Decoded JPEG images")[1].split("\n## ")[0]
)
BYTES = [
    int(entry, 16) for entry in re.findall(r"\b[0-9a-f]{2}\b", PAGE.split("in hexadecimal:")[1].split("A component")[0])
]
LUMA, CHROMA = BYTES[:64], BYTES[64:]
MATRIX = [
    [int(n) for n in line.split()]
    for line in PAGE.split("for i = 0 .. 3 is\n")[1].split("Chroma of half")[0].split("\n")
    if line
]
EDGES = [int(n) for n in PAGE.split("at most floor(S / q):")[1].split("and the context")[0].split()]
WEIGHTS = [list(bytes.fromhex(entry)) for entry in re.findall(r"\b[0-9a-f]{30}\b", PAGE)]
BORDER = [362, 502, 473, 426, 362, 284, 196, 100]
PLACES = [(u, d - u) for d in range(1, 15) for u in range(8) if 0 <= d - u < 8]
Block = dict[tuple[int, int], int]


def sections(data: bytes) -> tuple[int, int, bool, list[bytes], int]:
    """Return height, width, whether the image is grey, the sections of pixels and their CRC-32; no metadata."""
    assert data[:6] == b"\x8bDVQ\x04\x08" and data[6] in (1, 3)
    width, at = varint(data, 7)
    height, at = varint(data, at)
    crc, at = int.from_bytes(data[at : at + 4], "little"), at + 4
    rows: list[tuple[str, int, int, int]] = []
    for _ in range(3 if data[6] == 1 else 4):
        at = row(data, at, "pixels", rows)
    assert int.from_bytes(data[at : at + 4], "little") == zlib.crc32(data[:at])
    at, found = at + 4, list[bytes]()
    for _, _, size, check in rows:
        found.append(data[at : at + size])
        assert zlib.crc32(found[-1]) == check
        at += size
    assert at == len(data)
    return height, width, data[6] == 1, found, crc


class Counts:
    """Counts of tokens by context, and how many tokens wait for the next batch."""

    def __init__(self, counts: list[list[int]]) -> None:
        self.counts, self.total = counts, 0

    def decode(self, rans: Rans, contexts: list[int], coded: list[int]) -> list[int]:
        found = list[int]()
        while len(found) < len(contexts):
            batch = contexts[len(found) :][: min(max(64, self.total // 16), 2048)]
            symbols = [rans.symbol(self.weights(context)) for context in batch]
            for context, symbol in zip(batch, symbols, strict=True):
                self.counts[context][symbol] += 32
            self.counts = [[(n + 1) // 2 for n in own] if sum(own) > 2**17 else own for own in self.counts]
            self.total += len(batch)
            found += symbols
        coded += found
        return found

    def weights(self, context: int) -> list[int]:
        own = self.counts[context]
        total = 2**24 - len(own) - 2
        weights = [count * total // sum(own) for count in own]
        weights[0] += total - sum(weights)
        return weights


def first_counts() -> list[list[int]]:
    """Return what the counts of magnitudes begin with."""
    found = []
    for mean in [2, *EDGES]:
        t = [2**24]
        while len(t) < 2**16:
            t.append(t[-1] * mean // (mean + 128))
        r = t[:16] + [sum(t[2**j : 2 ** (j + 1)]) for j in range(4, 16)]
        found.append([1 + 2048 * each // sum(r) for each in r])
    return [list(own) for _ in range(3) for own in found]


class Component:
    """The coefficients and the sizes of a component, by block."""

    def __init__(self, means: NDArray[np.int64], steps: list[int], present: bytes, other: "Component | None") -> None:
        self.rows, self.columns = means.shape
        self.blocks = [(r, c) for r in range(self.rows) for c in range(self.columns)]
        self.c: dict[tuple[int, int], Block] = {b: {(0, 0): int(means[b])} for b in self.blocks}
        self.sizes: dict[tuple[int, int], Block] = {b: {} for b in self.blocks}
        self.steps, self.other = steps, other
        self.present = {(u, v) for u in range(8) for v in range(8) if present[u] >> v & 1}
        self.weights: dict[tuple[int, int], tuple[int, int]] = {}

    def x(self, block: tuple[int, int], d: int) -> list[tuple[int, int, int]]:
        return [(u, v, c * self.steps[8 * u + v]) for (u, v), c in self.c[block].items() if u + v < d]

    def predict(self, block: tuple[int, int], u: int, v: int) -> tuple[int, int]:
        """Return P and f."""
        r, c = block
        d, q = u + v, self.steps[8 * u + v]

        def border(other: tuple[int, int], end: bool, along: int) -> int:  # along 0: left and right
            sums = 0
            for i, j, x in self.x(other, d):
                if (i == u) if along == 0 else (j == v):
                    k = j if along == 0 else i
                    sums += BORDER[k] * x * (-1 if end and k % 2 else 1)
            return sums

        h = g = 0
        if c:
            h += border((r, c - 1), True, 0) - border(block, False, 0)
        if c + 1 < self.columns:
            h += (-1) ** v * (border((r, c + 1), False, 0) - border(block, True, 0))
        if r:
            g += border((r - 1, c), True, 1) - border(block, False, 1)
        if r + 1 < self.rows:
            g += (-1) ** u * (border((r + 1, c), False, 1) - border(block, True, 1))
        a, b = self.weights.get((u, v), (0, 0))
        t = (a * h + b * g) // (2**14 * q)
        n = (t + 8) // 16
        most = 32767 // q
        return max(-most, min(most, n)), t + 8 - 16 * n

    def level(self, block: tuple[int, int], u: int, v: int, stage: int) -> int:
        turned = u > v
        low, high, d = min(u, v), max(u, v), u + v

        def at(down: int, right: int, i: int, j: int, within: int) -> int:
            if not (i >= 0 and j >= 0 and 0 < i + j < within):
                return 0
            place = (block[0] + (right if turned else down), block[1] + (down if turned else right))
            return self.sizes.get(place, {}).get((j, i) if turned else (i, j), 0)

        def own(i: int, j: int) -> int:
            return at(0, 0, i, j, d)

        def h(i: int, j: int, within: int = d) -> int:
            return at(0, -1, i, j, within) + at(0, 1, i, j, within)

        def w(i: int, j: int, within: int = d) -> int:
            return at(-1, 0, i, j, within) + at(1, 0, i, j, within)

        x, y = (low, high - 1), (low - 1, high)
        seen = [own(*x), own(*y), own(low - 1, high - 1), own(low, high - 2), own(low - 2, high)]
        seen += [own(low - 2, high + 1) + own(low + 1, high - 2), h(*x), w(*y), h(*y), w(*x)]
        seen += [own(low - 2, high - 1) + own(low - 1, high - 2) + own(low, high - 3) + own(low - 3, high)]
        if stage:
            seen += [w(low, high, d + 1), h(low, high, d + 1)]
        else:
            seen += [sum(at(i, j, *place, d) for i in (-1, 1) for j in (-1, 1) for place in (x, y)), 0]
        seen += [0 if self.other is None else self.other.sizes[block].get((u, v), 0)]
        keys = [(i, k - i, s) for k in range(1, 15) for i in range(8) if i <= k - i < 8 for s in (0, 1)]
        weights = WEIGHTS[keys.index((low, high, stage))]
        q = self.steps[8 * u + v]
        total = sum(weight * size for weight, size in zip(weights, seen, strict=False)) + weights[14] * q
        return sum(edge <= total // q for edge in EDGES)


def component_section(data: bytes, size: tuple[int, int], count: int, steps: list[int]) -> list[Component]:
    """Decode luma or chroma."""
    length, at = varint(data, 0)
    means = deep_strips.decode(data[at : at + length], *size, count) - 32768
    at += length
    every = list[Component]()
    for i in range(count):
        every.append(Component(means[i], steps, data[at : at + 8], every[0] if i else None))
        at += 8
    diagonals, at = data[at], at + 1
    for one in every:
        for u, v in [place for place in PLACES if place in one.present and sum(place) <= diagonals]:
            a, b = (n - 256 if n > 127 else n for n in data[at : at + 2])
            one.weights[u, v], at = (a, b), at + 2
    bits = ""
    if any(one.present - {(0, 0)} for one in every):
        length, at = varint(data, at)
        bits, at = "".join(f"{byte:08b}"[::-1] for byte in data[at : at + length]), at + length
    rans, coded, used = Rans(data[at:]), list[int](), 0
    sizes, signs = Counts(first_counts()), Counts([[64, 64] for _ in range(192)])
    for one in every:
        for d in range(1, 15):
            there = [place for place in PLACES if sum(place) == d and place in one.present]
            predicted = {(b, place): one.predict(b, *place) for place in there for b in one.blocks}
            group = 0 if d == 1 else 1 if d < 6 else 2
            values: dict[tuple[tuple[int, int], tuple[int, int]], int] = {}
            for stage in (0, 1):
                pairs = [(b, place) for place in there for b in one.blocks if sum(b) % 2 == stage]
                found = sizes.decode(rans, [25 * group + one.level(b, *place, stage) for b, place in pairs], coded)
                z = list[int]()
                for token in found:
                    j = token - 12 if token > 15 else 0
                    raw, used = int(bits[used : used + j][::-1] or "0", 2), used + j
                    z.append(2**j + raw if j else token)
                some = [(pair, n) for pair, n in zip(pairs, z, strict=True) if n]
                contexts = [4 * (16 * group + predicted[pair][1]) + min(n, 4) - 1 for pair, n in some]
                negative = iter(signs.decode(rans, contexts, coded))
                for pair, n in zip(pairs, z, strict=True):
                    values[pair] = -n if n and next(negative) else n
                    block, (u, v) = pair
                    one.sizes[block][u, v] = min(n * steps[8 * u + v], 65535)
            for pair, e in values.items():
                one.c[pair[0]][pair[1]] = e + predicted[pair][0]
    assert len(bits) - used < 8 and "1" not in bits[used:]
    assert not rans.words and rans.state == zlib.crc32(np.array(coded, "<u2").tobytes()) % 2**16
    return every


def samples(one: Component, h: int, w: int) -> NDArray[np.int64]:
    """Return the samples of a component."""
    found = np.zeros((8 * one.rows, 8 * one.columns), np.int64)
    matrix = MATRIX + [[(-1) ** u * n for u, n in enumerate(line)] for line in MATRIX[::-1]]
    for (r, c), block in one.c.items():
        x = [[block.get((u, v), 0) * one.steps[8 * u + v] for v in range(8)] for u in range(8)]
        y = [[(sum(matrix[i][u] * x[u][v] for u in range(8)) + 2**10) >> 11 for v in range(8)] for i in range(8)]
        for i in range(8):
            for j in range(8):
                s = (sum(matrix[j][v] * y[i][v] for v in range(8)) + 2**17) >> 18
                found[8 * r + i, 8 * c + j] = max(0, min(255, s + 128))
    return found[:h, :w]


def enlarged(plane: NDArray[np.int64], form: int) -> NDArray[np.int64]:
    """Return chroma in full size."""
    sampling = form & 3
    if sampling == 1:
        return plane
    rows, columns = plane.shape
    if not form & 4 or columns < 3:
        return plane.repeat(2 if sampling == 3 else 1, axis=0).repeat(2, axis=1)
    before, after, bits = (1, 2, 2) if sampling == 2 else (8, 7, 4)
    if sampling == 3:
        above, below = plane[[0, *range(rows - 1)]], plane[[*range(1, rows), rows - 1]]
        plane = np.stack([3 * plane + above, 3 * plane + below], axis=1).reshape(2 * rows, columns)
    left, right = plane[:, [0, *range(columns - 1)]], plane[:, [*range(1, columns), columns - 1]]
    return np.stack([(3 * plane + left + before) >> bits, (3 * plane + right + after) >> bits], axis=2).reshape(
        len(plane), -1
    )


def table(data: bytes, at: int, standard: list[int]) -> tuple[list[int], int]:
    """Return the steps of a table and the position after it."""
    s = data[at]
    if not s:
        return list(data[at + 1 : at + 65]), at + 65
    p = 5000 // s if s < 50 else 200 - 2 * s
    return [max(1, min(255, (entry * p + 50) // 100)) for entry in standard], at + 1


def decode(data: bytes) -> NDArray[np.uint8]:
    """Return the pixels of a file without alpha and metadata."""
    height, width, grey, parts, crc = sections(data)
    form, (top, left, bottom, right) = parts[0][0], parts[0][1:5]
    high, wide = height + top + bottom, width + left + right
    steps, at = table(parts[0], 5, LUMA)
    luma = component_section(parts[1], (-(-high // 8), -(-wide // 8)), 1, steps)[0]
    y = samples(luma, high, wide)
    made = y[..., None]
    if not grey:
        steps, at = table(parts[0], at, CHROMA)
        h, w = -(-high // (2 if form & 3 == 3 else 1)), -(-wide // (1 if form & 3 == 1 else 2))
        both = component_section(parts[2], (-(-h // 8), -(-w // 8)), 2, steps)
        b, r = (enlarged(samples(one, h, w), form)[:high, :wide] - 128 for one in both)
        green = y + ((32768 - 22554 * b - 46802 * r) >> 16)
        made = np.stack([y + ((91881 * r + 32768) >> 16), green, y + ((116130 * b + 32768) >> 16)], axis=2).clip(0, 255)
    assert at == len(parts[0])
    found = made[top : top + height, left : left + width].astype(np.uint8)
    correct(found, parts[-1])
    assert zlib.crc32(found.tobytes()) == crc
    return found[..., 0] if grey else found


def correct(found: NDArray[np.uint8], section: bytes) -> None:
    """Add the corrections."""
    if section == b"\0":
        return
    body = zlib.decompress(section[1:], -15)
    height, width, channels = found.shape
    columns = -(-width // 8)
    size = -(-(-(-height // 8) * columns) // 8)
    inside = [
        (i, j) for i in range(height) for j in range(width) if body[(n := i // 8 * columns + j // 8) // 8] >> n % 8 & 1
    ]
    lacking = [body[size + k * len(inside) :][: len(inside)] for k in range(channels)]
    for k, place in enumerate(inside):
        green = lacking[0][k]
        more = [green] if channels == 1 else [lacking[1][k] + green, green, lacking[2][k] + green]
        found[place] = [(int(a) + b) % 256 for a, b in zip(found[place], more, strict=True)]
