"""A second decoder of lossy photographs by the light network, written from docs/FORMAT.md alone: integers of numpy.

From a file to its symbols; `reference_light_pixels` makes the pixels. It takes nothing from the package. Maps of
positions and images are (rows, columns, channels).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from reference_decoder import File
from reference_photo import Part, layers, neighbourhoods, network_quality, shuffle
from reference_pixels import Symbols
from reference_weights import contents, identity

Integers = NDArray[np.int64]
Singles = NDArray[np.float32]

DETAILS = [[0, 3, 6], [1, 2, 4, 5, 7, 8]]
FINE = "y1 uv1; y2 uv2; y3 y4 uv3; y5 y6 uv4-5; y7 y8-9 y10-14 uv6-8"
COEFFICIENTS = {64: 12, 32: 9, 16: 9, 8: 192}
MOST = 8714
"""The largest magnitude of a symbol."""
SHARES = [22, 60, 162, 439, 1179, 3108, 7812, 17625, 32768, 47911, 57724, 62428]
"""Of the wide distribution, by the tail."""
STEP = 65536
"""The most positions of a step."""
BITS = [0] * 15 + [bits for size in range(1, 9) for bits in (size, size)] + [9, 10, 11, 12]
"""Of the rest, by the magnitude of a token."""


def half_up(x: Singles) -> Integers:
    """Round, halves up."""
    rounded: Integers = np.floor(x + np.float32(0.5)).astype(np.int64)
    return rounded


def even(x: Singles) -> Integers:
    """Round, halves to even numbers."""
    return np.rint(x).astype(np.int64)


def total(*terms: NDArray[Any]) -> Integers:
    """Add in 32-bit floats, from the left."""
    sums = terms[0].astype(np.float32)
    for term in terms[1:]:
        sums = sums + term.astype(np.float32)
    return sums.astype(np.int64)


def act(d: Integers) -> Integers:
    """What maps see of a state."""
    return ((d + 8) >> 4).clip(0, 255)


def stream(d: Integers) -> Integers:
    """A state."""
    return d.clip(-32512, 32512)


def rising(run: str) -> list[int]:
    """The numbers of the coefficients of a run such as uv6-8, of each diagonal by rising row."""
    numbers = [number for layer in layers(f"{run}/1") for number in layer]
    return sorted(numbers, key=lambda n: (n % 64 // 8 + n % 8, n % 64 // 8, n // 64))


GROUPS = {
    64: [[[9, 10, 11]], DETAILS],
    32: [DETAILS],
    16: [DETAILS],
    8: [[rising(run) for run in stage.split()] for stage in FINE.split(";")],
}
"""The coefficients of each group of each stage of each stride."""


class LightPart(Part):
    """Tensors of a light network whose names begin alike."""

    def sums(self, name: str, x: Integers, bias: Integers | int = 0) -> Singles:
        """A map's sums, with something added to its biases."""
        products, own = x @ self[f"{name}.weight"].T.astype(np.int64), self[f"{name}.bias"].astype(np.int64)
        assert (np.abs(products + own) < 2**24).all()
        sums: Singles = products.astype(np.float32) + (own + bias).astype(np.float32)
        return sums

    def map(self, name: str, x: Integers, to: int = 8, bits: int = 4) -> Singles:
        """A map's outputs in steps of 2^-to, not rounded, for inputs in steps of 2^-bits."""
        return power(self.sums(name, x), to - bits - self[f"{name}.shift"].astype(np.int64))

    def vector(self, name: str, quality: int, tuning: int) -> Integers:
        """A vector at a network quality and a tuning."""
        plain: Integers = self[f"{name}.plain"].astype(np.int64)
        return between(plain + self[f"{name}.tuned"] if tuning else plain, quality)

    def block(self, d: Integers, first: str, second: str) -> Integers:
        """A residual block."""
        inner = even(self.map(first, neighbourhoods(act(d)), 4)).clip(0, 255)
        wide = self[f"{second}.weight"].shape[1] > inner.shape[2]
        return stream(d + half_up(self.map(second, neighbourhoods(inner) if wide else inner)))


def between(knots: Integers, quality: int) -> Integers:
    """What 17 knots are at a network quality."""
    i = min(quality // 256, 15)
    p = quality - 256 * i
    found: Integers = ((256 - p) * knots[i] + p * knots[i + 1]) >> 8
    return found


def power(x: Singles, exponents: Integers) -> Singles:
    """Each channel times a power of two."""
    found: Singles = np.ldexp(x, exponents)
    return found


class LightWeights:
    """What a weights file holds."""

    def __init__(self, data: bytes) -> None:
        """Read the file's bytes."""
        about, tensors = contents(data)
        assert about["format"] == "dvcodec-light-1"
        self.id, self.quality = identity(about, tensors)[:8], about["quality"]
        self.config: dict[str, Any] = about["config"]
        self.every = LightPart(tensors, "")
        self.tables: list[list[int]] = table(tensors["tables"].astype(np.int64)).tolist()

    def part(self, prefix: str) -> LightPart:
        """The tensors whose names begin like this."""
        return LightPart(self.every.tensors, prefix)


def table(parts: Integers) -> Integers:
    """The rows of weights of tokens."""
    narrow, wide = parts
    rows = [narrow + ((share * (wide - narrow)) >> 16) for share in SHARES]
    adjustments = np.zeros((1, 69), np.int64)
    for r in range(-3, 4):
        adjustments[0, 34 + r] = (2**24 - 71) >> (2 + abs(r))
    found = np.concatenate([*rows, adjustments])
    found[:, 34] += 2**24 - 71 - found.sum(axis=1)
    return found


class Chunks:
    """The symbols of chunks."""

    def __init__(self, chunks: list[tuple[int, bytes]]) -> None:
        """Begin before the first one."""
        self.chunks, self.left, self.symbols = list(chunks), 0, Symbols(b"")

    def begin_layer(self) -> None:
        """Go on to the next layer."""
        if not self.left:
            self.symbols.finish()
            self.left, chunk = self.chunks.pop(0)
            self.symbols = Symbols(chunk)
        self.left -= 1


def codes(symbols: Integers) -> Integers:
    """The inputs that symbols (..., coefficients) stand for."""
    sign = np.sign(symbols)
    logarithms = np.floor(16 * np.log2(1 + np.abs(symbols)) + 0.5).astype(np.int64)
    parts = [logarithms * sign, logarithms, 16 * np.abs(sign), 16 * sign]
    return np.stack(parts, axis=-1).reshape(*symbols.shape[:-1], -1)


class LightPass:
    """The pass over a file's chunks: the symbols of each stride (rows, columns, coefficients)."""

    def __init__(self, file: File, weights: LightWeights) -> None:
        """Run the pass to the end."""
        assert file.weights == weights.id
        self.file, self.weights, self.source = file, weights, Chunks(file.chunks)
        self.setting = (network_quality(weights.quality, file.quality & 0x7FFF), file.quality >> 15)
        self.symbols: dict[int, Integers] = {}
        self.coded_layers, self.layers, self.stages = sum(count for count, _ in file.chunks), 0, 0
        d = np.zeros((-(-file.height // 64), -(-file.width // 64), weights.config["widths"]["64"]), np.int64)
        for i, (stride, stages) in enumerate(GROUPS.items()):
            if i:
                d = stream(shuffle(half_up(weights.every.map(f"grow.{i - 1}", act(d))), 2))
                d = d[: -(-file.height // stride), : -(-file.width // stride)]
            self.symbols[stride] = np.zeros((*d.shape[:2], COEFFICIENTS[stride]), np.int64)
            for j, groups in enumerate(stages):
                d = self.stage(weights.part(f"stages.{stride}.{j}."), d, stride, groups)
        self.source.symbols.finish()
        assert not self.source.left

    def stage(self, part: LightPart, d: Integers, stride: int, groups: list[list[int]]) -> Integers:
        """Pass through a stage."""
        d = stream(d + part.vector("conditioning", *self.setting))
        for block in part.all("blocks"):
            d = block.block(d, "spatial", "point")
        a = stream(half_up(part.map("head", act(d))))
        every = []
        for group, numbers in zip(part.all("groups"), groups, strict=True):
            found, a = self.group(group, a, numbers, all(n % 3 if stride > 8 else n >= 64 for n in numbers))
            self.symbols[stride][:, :, numbers] = found
            every.append(codes(found))
            if len(every) < len(groups):
                a = stream(a + half_up(group.map("symbol_embedding", every[-1])))
        self.stages += 1
        if stride == 8 and self.stages == sum(len(stages) for stages in GROUPS.values()):
            return d
        return stream(d + half_up(part.map("close", np.concatenate(every, axis=2))))

    def group(self, part: LightPart, a: Integers, numbers: list[int], chroma: bool) -> tuple[Integers, Integers]:
        """The symbols of a group (rows, columns, coefficients), and the features that they were read with."""
        found, coded = np.zeros((*a.shape[:2], len(numbers)), np.int64), self.layers < self.coded_layers
        self.layers += 1
        if coded:
            self.source.begin_layer()
        if not coded or (chroma and self.file.grey):
            return found, a
        moved = np.array(self.source.symbols.residuals([self.weights.tables[4704]] * 2, BITS)).clip(-3, 3)
        if self.stages >= self.weights.config["neighbours"]:
            return self.steps(part, a.reshape(-1, a.shape[2]), moved).reshape(found.shape), a
        odd = np.indices(a.shape[:2]).sum(axis=0) % 2 == 1
        found[~odd] = self.steps(part, a[~odd], moved)
        seen = stream(a + half_up(part.map("neighbour_embedding", neighbourhoods(codes(found)))))
        a = np.where(odd[:, :, None], seen, a)
        found[odd] = self.steps(part, a[odd], moved)
        return found, a

    def steps(self, part: LightPart, a: Integers, moved: Integers) -> Integers:
        """The symbols of positions (positions, coefficients), from features (positions, H) and adjustments."""
        parts = [self.step(part, a[at : at + STEP], moved) for at in range(0, max(len(a), 1), STEP)]
        return np.concatenate(parts)

    def step(self, part: LightPart, a: Integers, moved: Integers) -> Integers:
        """The symbols of a step (positions, coefficients), from features (positions, H) and adjustments."""
        u, shifts = part.vector("scale", *self.setting), np.split(part["prior_head.shift"].astype(np.int64), 3)
        more = np.floor(u * 2.0 ** (shifts[1] - 5) + 0.5).astype(np.int64)
        sums = part.sums("prior_head", act(a), np.concatenate([0 * u, more, 0 * u]))
        s = [
            power(x, bits - shift)
            for x, bits, shift in zip(np.split(sums, 3, axis=1), (1, -1, -3), shifts, strict=True)
        ]
        e = half_up(s[0]).clip(-8 * MOST, 8 * MOST)
        m = (e + 4) >> 3
        scale = (half_up(s[1]).clip(-20, 28) + 20 + moved[0]).clip(0, 48)
        tail = (half_up(s[2]).clip(-8, 3) + 8 + moved[1]).clip(0, 11)
        contexts = (8 * (49 * tail + scale) + e - 8 * m + 4).T.ravel()
        order = np.argsort(contexts, kind="stable")
        residuals = np.empty_like(contexts)
        rows = [self.weights.tables[context] for context in contexts[order].tolist()]
        residuals[order] = self.source.symbols.residuals(rows, BITS)
        symbols: Integers = (m + residuals.reshape(m.shape[::-1]).T).clip(-MOST, MOST)
        return symbols
