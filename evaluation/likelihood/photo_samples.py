"""Samples of a photograph model's prior and reconstructions, with some of the layers fixed if wanted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...models.interface.hierarchy import Hierarchy, Mode, PassSettings, Step, SymbolSource

Pixels = NDArray[np.uint8]


class PriorSampler:
    """Symbol source that samples the prior's integer frequencies."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def next(self, step: Step) -> NDArray[np.int32]:
        """Return symbols (n,)."""
        sums = np.cumsum(step.weights().astype(np.int64) + 1, axis=1)  # frequencies as the coder sees them
        drawn = self.rng.integers(sums[:, -1])
        symbols: NDArray[np.int32] = (sums <= drawn[:, None]).sum(axis=1).astype(np.int32)
        return symbols


class RepeatedLayers:
    """Symbol source that repeats the symbols of `first` at the first `layers` layers and asks `rest` for the others."""

    def __init__(self, first: SymbolSource, layers: int, rest: SymbolSource) -> None:
        self.first, self.layers, self.rest = first, layers, rest
        self.known: dict[tuple[int, int], NDArray[np.int32]] = {}
        self._seen: dict[int, int] = {}

    def begin(self) -> None:
        """Prepare for the next image."""
        self._seen.clear()

    def next(self, step: Step) -> NDArray[np.int32]:
        """Return symbols (n,)."""
        if step.layer >= self.layers:
            return self.rest.next(step)
        block = self._seen.get(step.layer, 0)
        self._seen[step.layer] = block + 1
        if (step.layer, block) not in self.known:
            self.known[step.layer, block] = self.first.next(step)
        return self.known[step.layer, block]


def draw(
    hierarchy: Hierarchy, n: int, size: int, quality: float, *, layers: int | None = None, seed: int = 0
) -> Pixels:
    """Draw samples of the prior.

    Args:
        hierarchy: the photograph model.
        n: number of samples.
        size: width and height in pixels.
        quality: 1 to 100.
        layers: number of layers, coarsest first, whose symbols are drawn once and shared by all samples.
        seed: seed of the draws.

    Returns:
        RGB samples, (n, 3, size, size).
    """
    prior = PriorSampler(np.random.default_rng(seed))
    source = RepeatedLayers(prior, layers or 0, prior)
    samples = []
    for _ in range(n):
        source.begin()
        samples.append(
            _channels_first(
                hierarchy.render(hierarchy.top_down_pass(PassSettings(size, size, round(quality * 256)), source))
            )
        )
    return np.stack(samples)


def reconstruct(
    hierarchy: Hierarchy, pixels: Pixels, quality: float, *, layers: int | None = None, seed: int = 0
) -> Pixels:
    """Reconstruct an image from the mode of the posterior.

    Args:
        hierarchy: the photograph model.
        pixels: (H, W, 3).
        quality: 1 to 100.
        layers: number of layers, coarsest first, that use the posterior; finer ones are drawn from the prior.
        seed: seed of the draws.

    Returns:
        RGB samples, (3, H, W).
    """
    code, height, width = round(quality * 256), pixels.shape[0], pixels.shape[1]
    depth = len(hierarchy.layers) if layers is None else layers
    source = RepeatedLayers(Mode(), depth, PriorSampler(np.random.default_rng(seed)))
    targets = hierarchy.infer(pixels, code)
    return _channels_first(
        hierarchy.render(hierarchy.top_down_pass(PassSettings(height, width, code), source, targets))
    )


def _channels_first(image: Pixels) -> Pixels:
    return np.ascontiguousarray(image.transpose(2, 0, 1))
