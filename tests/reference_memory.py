"""A second colour memory of lossless pixels, written from docs/FORMAT.md alone, in Python's integers."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt

M = 2**24 - 65


@dataclass(frozen=True)
class Pixel:
    """A plane of a pixel that is coded: its weights, its rounded mean and its key."""

    row: list[int]
    mean: int
    key: int


class Values:
    """Counts of values."""

    def __init__(self) -> None:
        """None yet."""
        self.counts: defaultdict[int, int] = defaultdict(int)
        self.j, self.came, self.expected = 30, 0, 0

    def count(self, pixel: Pixel, residual: int) -> int:
        """n of a residual."""
        return self.counts[512 * pixel.key + pixel.mean + residual] if abs(residual) <= 20 else 0

    def products(self, pixel: Pixel) -> list[int]:
        """T_k F_k."""
        u = isqrt(isqrt(2**self.j))
        counts = [self.count(pixel, k - 31) for k in range(63)]
        return [t * (isqrt(4096 * n) if n else u) for t, n in zip(pixel.row, counts, strict=True)]

    def weights(self, pixel: Pixel) -> list[int]:
        """The weights of a token."""
        products = self.products(pixel)
        a = 2**28 * M // sum(products)
        found = [a * product >> 28 for product in products]
        found[31] += M - sum(found)
        return found

    def learn(self, pixels: list[Pixel], residuals: list[int]) -> None:
        """Count a step."""
        for pixel, residual in zip(pixels[::4], residuals[::4], strict=True):
            products = self.products(pixel)
            new = sum(products[k] for k in range(63) if not self.count(pixel, k - 31))
            self.came += 0 if self.count(pixel, residual) else 256
            self.expected += 256 * new // sum(products)
        cells = {512 * p.key + p.mean + r for p, r in zip(pixels, residuals, strict=True)}
        self.counts.update({cell: min(255, self.counts[cell] + 1) for cell in cells})
        if self.came + self.expected >= 2**13:
            self.j += (4 * self.came > 5 * self.expected) - (5 * self.came < 4 * self.expected)
            self.j, self.came, self.expected = min(max(self.j, 0), 40), 0, 0


class Colours:
    """Slots of colours, each a value and its count, and counts of how often a candidate was right."""

    def __init__(self) -> None:
        """None yet."""
        self.slots: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        self.next: defaultdict[int, int] = defaultdict(int)
        right = [128 * 2**i // (2**i + 2**12) + 1 for i in range(25)]
        self.right = {(i, g): [130 - right[i], right[i]] for i in range(25) for g in range(10)}

    def candidates(self, pixel: Pixel) -> dict[int, int]:
        """The tokens of a pixel's candidates, by slot."""
        tokens = {slot: 31 + v - pixel.mean for slot, (v, _) in enumerate(self.slots[pixel.key])}
        return {slot: k for slot, k in tokens.items() if 11 <= k <= 51 and pixel.row[k]}

    def context(self, pixel: Pixel) -> tuple[int, int]:
        """Where h is counted."""
        s, e = sum(pixel.row[k] for k in self.candidates(pixel).values()), -30
        while s * 2**30 >= max(M - s, 1) * 2 ** (30 + e):
            e += 1
        g = sum(count for _, count in self.slots[pixel.key]).bit_length()
        return min(max(e + 12, 0), 24), min(g, 9)

    def weights(self, pixel: Pixel) -> list[int]:
        """The weights of the slots and of none."""
        roots = {slot: isqrt(256 * self.slots[pixel.key][slot][1]) for slot in self.candidates(pixel)}
        shares = {slot: pixel.row[k] * roots[slot] for slot, k in self.candidates(pixel).items()}
        wrong, right = self.right[self.context(pixel)]
        h = min(max(2**16 * right // (right + wrong), 2**5), 2**16 - 2**5)
        b = 2**12 * h * (2**24 - 11) // sum(shares.values())
        found = [shares.get(slot, 0) * b >> 28 for slot in range(8)]
        return [*found, 2**24 - 11 - sum(found)]

    def residuals(
        self,
        pixels: list[Pixel],
        read: Callable[[list[int]], int],
        read_plain: Callable[[list[Pixel]], list[int]],
    ) -> list[int]:
        """Read a step."""
        asked = {i: read(self.weights(pixel)) for i, pixel in enumerate(pixels) if self.candidates(pixel)}
        left = [i for i in range(len(pixels)) if asked.get(i, 8) == 8]
        found = {i: self.slots[pixels[i].key][slot][0] - pixels[i].mean for i, slot in asked.items() if slot < 8}
        found |= dict(zip(left, read_plain([pixels[i] for i in left]), strict=True))
        self.judge([(self.context(pixels[i]), slot < 8) for i, slot in asked.items()])
        self.learn([(pixel.key, pixel.mean + found[i]) for i, pixel in enumerate(pixels)])
        return [found[i] for i in range(len(pixels))]

    def judge(self, answers: list[tuple[tuple[int, int], bool]]) -> None:
        """Count how often a candidate was right."""
        for context, right in answers:
            self.right[context][right] += 64
        for context in {context for context, _ in answers}:
            if sum(self.right[context]) > 2**20:
                self.right[context] = [(x + 1) // 2 for x in self.right[context]]

    def learn(self, colours: list[tuple[int, int]]) -> None:
        """Remember the values of a step, by key."""
        known = {(key, v) for key, v in colours if v in [value for value, _ in self.slots[key]]}
        new = dict(reversed([(key, v) for key, v in colours if (key, v) not in known]))
        for key, v in known:
            self.slots[key] = [(x, min(255, n + (x == v))) for x, n in self.slots[key]]
        for key, v in new.items():
            self.slots[key][self.next[key] : self.next[key] + 1] = [(v, 1)]
            self.next[key] = (self.next[key] + 1) % 8


Memory = Values | Colours
