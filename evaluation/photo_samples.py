"""Pictures that a photograph model makes: samples of its prior, and what the finer layers leave open."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..models.interface.hierarchy import Chooser, Hierarchy, Mode, Step

Pixels = NDArray[np.uint8]


class Drawn:
    """Draws symbols from the prior's integer weights."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def choose(self, step: Step) -> NDArray[np.int32]:
        """Symbols (n,)."""
        sums = np.cumsum(step.weights().astype(np.int64) + 1, axis=1)  # frequencies as the coder sees them
        drawn = self.rng.integers(sums[:, -1])
        symbols: NDArray[np.int32] = (sums <= drawn[:, None]).sum(axis=1).astype(np.int32)
        return symbols


class Remembered:
    """Another's choices at the first `layers` layers, noted once and repeated afterwards; below, the prior's."""

    def __init__(self, first: Chooser, layers: int, rest: Chooser) -> None:
        self.first, self.layers, self.rest = first, layers, rest
        self.known: dict[tuple[int, int], NDArray[np.int32]] = {}
        self._seen: dict[int, int] = {}

    def begin(self) -> None:
        """Before each walk."""
        self._seen.clear()

    def choose(self, step: Step) -> NDArray[np.int32]:
        """Symbols (n,)."""
        if step.layer >= self.layers:
            return self.rest.choose(step)
        block = self._seen.get(step.layer, 0)
        self._seen[step.layer] = block + 1
        if (step.layer, block) not in self.known:
            self.known[step.layer, block] = self.first.choose(step)
        return self.known[step.layer, block]


def draw(
    hierarchy: Hierarchy, n: int, size: int, quality: float, *, layers: int | None = None, seed: int = 0
) -> Pixels:
    """`n` samples of the prior at a quality in [1, 100], (n, 3, size, size).

    `layers`: so many layers, coarsest first, are drawn once and shared by all samples.
    """
    prior = Drawn(np.random.default_rng(seed))
    chooser = Remembered(prior, layers or 0, prior)
    samples = []
    for _ in range(n):
        chooser.begin()
        samples.append(_channels_first(hierarchy.render(hierarchy.walk(size, size, round(quality * 256), chooser))))
    return np.stack(samples)


def reconstruct(
    hierarchy: Hierarchy, pixels: Pixels, quality: float, *, layers: int | None = None, seed: int = 0
) -> Pixels:
    """What the posterior's mode of (H, W, 3) pixels shows, (3, H, W); below `layers` layers, the prior's samples."""
    code, height, width = round(quality * 256), pixels.shape[0], pixels.shape[1]
    depth = len(hierarchy.layers) if layers is None else layers
    chooser = Remembered(Mode(), depth, Drawn(np.random.default_rng(seed)))
    evidence = hierarchy.infer(pixels, code)
    return _channels_first(hierarchy.render(hierarchy.walk(height, width, code, chooser, evidence=evidence)))


def _channels_first(image: Pixels) -> Pixels:
    return np.ascontiguousarray(image.transpose(2, 0, 1))
