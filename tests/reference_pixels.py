"""A second decoder of lossless pixels in wavefronts, written from docs/FORMAT.md alone: integers, no torch, no codec/.

It goes pixel by pixel, and shares nothing with the package but the image that the hierarchy predicts, at half size.
"""

import itertools
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from reference_decoder import File, Rans, row, varint
from reference_memory import Colours, Memory, Pixel, Values

Integers = NDArray[np.int64]
AREA = 2**20
ABC = ("RGB", "RBG", "GRB", "GRB", "RGB", "BGR", "GRB", "GBR", "RGB")
SEEN = [(dy, dx) for dy in (-3, -2, -1) for dx in range(-2, 3)] + [(0, -2), (0, -1)]
NEAREST = sorted(range(17), key=lambda i: (SEEN[i][0] ** 2 + SEEN[i][1] ** 2, SEEN[i]))
PREDICTED = [(0, 0), (0, 1), (1, 0), (1, 1), (1, -1), (0, -1), (-1, 0)]
BEHIND = [(-2, 0), (-1, -1), (-1, 0), (-1, 1), (0, -2), (0, -1)]
BITS = [0] * 21 + [2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8]


def parse(data: bytes) -> tuple[File, list[bytes], int]:
    """Return what a lossy file has too, the strips, and the CRC-32 of the samples; no alpha, palette or metadata."""
    assert data[:6] == b"\x8bDVQ\x04\x03" and data[6] in (1, 3)
    grey = data[6] == 1
    width, at = varint(data, 7)
    height, at = varint(data, at)
    fixed, at = data[at : at + 22], at + 22  # quality, weights, checksum, pixel weights
    rows: list[tuple[str, int, int, int]] = []  # name, layers, size, crc
    count, at = varint(data, at)
    for _ in range(count):
        layers, at = varint(data, at)
        at = row(data, at, "chunk", rows, layers)
    for _ in range(0, height, strip_rows(width)):
        at = row(data, at, "strip", rows)
    assert int.from_bytes(data[at : at + 4], "little") == zlib.crc32(data[:at])
    parts = sections(data[at + 4 :], rows)
    quality, crc = (int.from_bytes(fixed[place], "little") for place in (slice(2), slice(10, 14)))
    file = File(width, height, grey, False, quality, fixed[2:10], parts[:count], {})
    return file, [part for _, part in parts[count:]], crc


def sections(data: bytes, rows: list[tuple[str, int, int, int]]) -> list[tuple[int, bytes]]:
    """Split what follows the header into parts, each with its layers."""
    found = []
    for _, layers, size, crc in rows:
        found.append((layers, data[:size]))
        assert zlib.crc32(data[:size]) == crc
        data = data[size:]
    assert not data
    return found


def strip_rows(width: int) -> int:
    """How many rows a strip has."""
    return max(8, 8 * (AREA // (8 * width)))


def doubled(image: NDArray[np.uint8], height: int, width: int) -> Integers:
    """An image of half the size, rounded up, at full size."""
    wide = np.pad(image.astype(np.int64), ((1, 1), (1, 1), (0, 0)), "edge")
    y, x = np.arange(height)[:, None], np.arange(width)
    i, j = y // 2 + 1, x // 2 + 1
    k, m = i + y % 2 * 2 - 1, j + x % 2 * 2 - 1
    found: Integers = (9 * wide[i, j] + 3 * wide[i, m] + 3 * wide[k, j] + wide[k, m] + 8) >> 4
    return found


def split(rgb: Integers, transform: int) -> Integers:
    """The planes of colours."""
    a, b, c = (rgb[..., "RGB".index(name)] for name in ABC[transform])
    if transform < 3:
        m = c + ((a - c) >> 1)
        return np.stack([m + ((b - m) >> 1), a - c, b - m], axis=-1)
    return np.stack([a, b - a, c - (a if transform < 6 else (a + b) >> 1)], axis=-1)


def join(planes: Integers, transform: int) -> Integers:
    """The colours of planes."""
    p0, p1, p2 = np.moveaxis(planes, -1, 0)
    if transform < 3:
        m = p0 - (p2 >> 1)
        c = m - (p1 >> 1)
        abc = p1 + c, p2 + m, c
    else:
        abc = p0, p1 + p0, p2 + (p0 if transform < 6 else (p0 + p1 + p0) >> 1)
    return np.stack([abc[ABC[transform].index(name)] for name in "RGB"], axis=-1)


def rounded(value: int, drop: int) -> int:
    """floor(value / 2^drop + 1/2)."""
    return int(value + (1 << drop - 1) >> drop if drop > 0 else value << -drop)


def clamp(value: int, low: int, high: int) -> int:
    """The nearest number from `low` to `high`."""
    return min(max(value, low), high)


def busy(n: int) -> int:
    """L(n)."""
    e = (n + 1).bit_length() - 1
    return 64 * e + (64 * (n + 1 - (1 << e)) >> e) - 256


@dataclass
class Network:
    """The linear maps."""

    tensors: Mapping[str, Integers]
    predictors: int

    def apply(self, name: str, x: Integers, *bits: int) -> list[int]:
        """round_b of a map's outputs in steps of 2^-b, the last b for all that follow; inputs in steps of 2^-4."""
        sums = self.tensors[f"{name}.weight"] @ x + self.tensors[f"{name}.bias"]
        every = bits + bits[-1:] * (len(sums) - len(bits))
        shifts = self.tensors[f"{name}.shift"]
        return [rounded(int(n), int(f) + 4 - b) for n, f, b in zip(sums, shifts, every, strict=True)]

    def hidden(self, name: str, *x: Integers) -> Integers:
        """The outputs of a hidden layer in steps of 2^-4."""
        return np.array(self.apply(name, np.concatenate(x), 4), np.int64).clip(0, 2047)


@dataclass
class Tile:
    """What is known of a tile: its pixels and their errors, and what is predicted of the whole strip."""

    predicted: Integers
    top: int
    left: int
    pixels: Integers
    errors: Integers

    def inside(self, y: int, x: int) -> bool:
        """Whether a pixel is inside the tile."""
        return bool(0 <= y < self.pixels.shape[0] and 0 <= x < self.pixels.shape[1])

    def base(self, y: int, x: int) -> Integers:
        """What the pixels above and to the left say."""
        known = [self.pixels[at] for at in ((y - 1, x), (y, x - 1)) if self.inside(*at)]
        return (sum(known, len(known) - 1) // len(known)) if known else np.array([128, 0, 0])

    def guess(self, y: int, x: int, dy: int = 0, dx: int = 0) -> Integers:
        """What the hierarchy predicts beside a pixel, or, outside the strip, beside the nearest one inside."""
        bottom, right = self.predicted.shape[0] - 1, self.predicted.shape[1] - 1
        y, x = min(self.top + y, bottom) + dy, min(self.left + x, right) + dx
        found: Integers = self.predicted[clamp(y, 0, bottom), clamp(x, 0, right)]
        return found

    def around(self, values: Integers, y: int, x: int, offsets: list[tuple[int, int]], base: Integers) -> Integers:
        """The values at the offsets less their base, 0 where the offset leaves the tile."""
        places = [(y + dy, x + dx) for dy, dx in offsets]
        return np.array([values[at] - base if self.inside(*at) else 0 * base for at in places])

    def linear(self, y: int, x: int) -> Integers:
        """The linear features."""
        base = self.base(y, x)
        seen = self.around(self.pixels, y, x, SEEN, base).ravel()
        predicted = [self.guess(y, x, dy, dx)[0] - base[0] for dy, dx in PREDICTED]
        every = np.concatenate([seen, predicted, (self.guess(y, x) - base)[1:], base - [128, 0, 0]])
        return (16 * every).clip(-2032, 2032)

    def others(self, y: int, x: int) -> Integers:
        """The features that follow."""
        seen = np.abs(self.around(self.pixels, y, x, SEEN, self.base(y, x))).clip(0, 127)[NEAREST]
        errors = self.around(self.errors, y, x, BEHIND, 0 * self.errors[0, 0])
        lively = [busy(int(seen[:count, plane].sum())) for plane in range(3) for count in (3, 6, 12)]
        return np.array([*errors.ravel(), *lively, *(busy(int(n) // 4) for n in np.abs(errors).sum(axis=0))])


class Place:
    """A pixel whose turn it is."""

    def __init__(self, network: Network, tile: Tile, y: int, x: int) -> None:
        """What is known before its planes."""
        self.network, self.tile, self.at = network, tile, (y, x)
        self.coded = tile.top + y < tile.predicted.shape[0] and tile.left + x < tile.predicted.shape[1]
        self.base, self.features = tile.base(y, x), tile.linear(y, x)
        guesses = np.array(network.apply("predict", self.features, 4)).clip(-16 * 255, 16 * 255)
        self.guesses = guesses.reshape(3, -1)
        self.trunk = network.hidden("deep", network.hidden("trunk", self.features, tile.others(y, x)))
        self.residuals: list[int] = []

    def predict(self, plane: int) -> int:
        """Set the rounded mean of a plane, and return the context."""
        r = 16 * np.array(self.residuals, np.int64).clip(-127, 127)
        u = self.network.hidden(f"heads.{plane}.mix", self.trunk, r)
        own, scale, tail, *shares = self.network.apply(f"heads.{plane}.out", u, 8, 0, -2, 6)
        (skip,) = self.network.apply(f"heads.{plane}.skip", np.concatenate([self.features, r]), 8)
        mixed = sum(clamp(s, -128, 128) * int(g) for s, g in zip(shares, self.guesses[plane], strict=True))
        parts = sum(clamp(part, -(2**17), 2**17) for part in (own, skip, rounded(mixed, 2)))
        n = clamp(8 * int(self.base[plane]) + rounded(parts, 5), -8 * 255 if plane else 0, 8 * 255)
        self.mean = (n + 4) // 8
        return 8 * (5 * clamp(scale + 20, 0, 40) + clamp(tail + 2, 0, 4)) + n - 8 * self.mean + 4

    def key(self, plane: int) -> int:
        """What the planes before say."""
        p0, p1, _ = (int(value) for value in self.tile.pixels[self.at])
        return (0, p0, 256 * p0 + p1 % 256)[plane]

    def settle(self, plane: int, residual: int) -> None:
        """Keep what a plane's pixel is."""
        self.residuals.append(residual)
        self.tile.pixels[self.at][plane] = self.mean + residual
        errors = 16 * (self.mean + residual - self.base[plane]) - self.guesses[plane]
        self.tile.errors[self.at].reshape(3, -1)[plane] = errors.clip(-2032, 2032)


class Symbols:
    """The symbols of a strip."""

    def __init__(self, data: bytes) -> None:
        """None yet."""
        self.rans, self.coded = Rans(data), b""

    def next(self, weights: list[int]) -> int:
        """Decode one."""
        symbol = self.rans.symbol(weights)
        self.coded += symbol.to_bytes(2, "little")
        return symbol

    def residuals(self, tables: list[list[int]], bits: list[int] = BITS) -> list[int]:
        """Decode a step; `bits` are those of the rests of the tokens t = 0, 1, ..."""
        tokens = [self.next(weights) - (len(bits) - 1) for weights in tables]
        first = [sum(2**size for size in bits[:t]) for t in range(len(bits))]
        sizes = [first[abs(token)] for token in tokens]
        for i in sorted(range(len(tokens)), key=lambda i: bits[abs(tokens[i])]):
            if more := 2 ** bits[abs(tokens[i])] - 1:
                weight = (2**24 - (more + 3)) // (more + 1)
                sizes[i] += self.next([2**24 - (more + 3) - weight * more] + [weight] * more)
        return [-size if token < 0 else size for size, token in zip(sizes, tokens, strict=True)]

    def plane(self, pixels: list[Pixel], memory: Memory | None) -> list[int]:
        """Decode a step of a plane that may have a memory."""
        if isinstance(memory, Colours):
            return memory.residuals(pixels, self.next, lambda left: self.residuals([p.row for p in left]))
        found = self.residuals([p.row if memory is None else memory.weights(p) for p in pixels])
        if memory is not None:
            memory.learn(pixels, found)
        return found

    def finish(self) -> None:
        """What is left is the check of the symbols."""
        assert not self.rans.words and self.rans.state == zlib.crc32(self.coded) % 2**16


def strip(network: Network, data: bytes, predicted: Integers, grey: bool) -> Integers:
    """Decode a strip."""
    (h, w), symbols = predicted.shape[:2], Symbols(data[1:])
    rows, columns = -(-h // 64), -(-w // 256)
    high, wide = -(-h // rows), -(-w // columns)
    planes = np.zeros((rows * high, columns * wide, 3), np.int64)
    errors = np.zeros((*planes.shape[:2], 3 * network.predictors), np.int64)
    tiles, transform = [], data[0] % 16
    memories: list[Memory | None] = [
        (Colours() if plane == 2 else Values()) if data[0] >> 4 + plane & 1 else None for plane in range(3)
    ]
    for top, left in itertools.product(range(0, rows * high, high), range(0, columns * wide, wide)):
        piece = slice(top, top + high), slice(left, left + wide)
        tiles.append(Tile(split(predicted, transform), top, left, planes[piece], errors[piece]))
    for t in range(wide + 3 * (high - 1)):
        front = [(y, t - 3 * y) for y in range(high) if 0 <= t - 3 * y < wide]
        places = [Place(network, tile, y, x) for tile in tiles for y, x in front]
        step(network, symbols, places, memories[:1] if grey else memories)
    symbols.finish()
    return planes[:h, :w, 0] if grey else join(planes[:h, :w], transform)


def step(network: Network, symbols: Symbols, places: list[Place], memories: list[Memory | None]) -> None:
    """Decode a wavefront, plane by plane."""
    tables = network.tensors["tables"]
    for plane, memory in enumerate(memories):
        contexts = [place.predict(plane) for place in places]
        both = [(place, context) for place, context in zip(places, contexts, strict=True) if place.coded]
        inside = [Pixel(tables[context].tolist(), place.mean, place.key(plane)) for place, context in both]
        found = iter(symbols.plane(inside, memory))
        for place in places:
            place.settle(plane, next(found) if place.coded else 0)


def decode(
    data: bytes, tensors: Mapping[str, Integers], predictors: int, predicted: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Return the samples of a file, given the tensors of its pixel weights and the predicted image, at half size."""
    file, strips, crc = parse(data)
    image, high = doubled(predicted, file.height, file.width), strip_rows(file.width)
    network = Network(tensors, predictors)
    found = [strip(network, part, image[i * high :][:high], file.grey) for i, part in enumerate(strips)]
    samples = np.concatenate(found)
    assert samples.min() >= 0 and samples.max() < 256
    assert zlib.crc32(samples.astype(np.uint8).tobytes()) == crc
    return samples.astype(np.uint8)
