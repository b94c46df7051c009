"""Groups of coefficients that are coded in parallel: their priors as rows of the shared table, and their symbols."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Int16, Int32
from ..config import LightConfig
from ..grids import (
    ENCODING,
    LARGEST_SCALE,
    LARGEST_TAIL,
    LEAST_SCALE,
    LEAST_TAIL,
    LOCATION_GAIN,
    LOCATIONS,
    SCALE_GAIN,
    SCALES,
    STATE_BITS,
    TAIL_GAIN,
)
from ..tables import ALPHABET
from .maps import LightKnots, LightMap, activation
from .networks import Neighbours

LARGEST_SYMBOL = ALPHABET.largest
"""Largest magnitude of a symbol, and of its difference from the prior's location."""


@dataclass(frozen=True)
class RoundedPrior:
    """Priors of G coefficients at n positions.

    Args:
        location: the whole number that symbols are coded as differences from, (G, n).
        contexts: rows of the shared table, (G, n).
    """

    location: Int32[NDArray[np.int32], "G n"]
    contexts: Int32[NDArray[np.int32], "G n"]


class LightGroup:
    """A group's maps.

    Args:
        tensors: those of the group.
        channels: the group's coefficients among those of its stride.
        config: sizes.
        last: whether no group of the stage follows, so that nothing needs the symbols' embedding.
        neighbours: whether the positions of a checkerboard are coded in two halves.
    """

    def __init__(self, tensors: Any, channels: list[int], config: LightConfig, *, last: bool, neighbours: bool) -> None:
        size, hidden = len(channels), config.hidden
        self.channels = np.array(channels)
        self.head = LightMap(tensors.below("prior_head"), hidden, 3 * size)
        self.scale = LightKnots(tensors.below("scale"), size)
        inputs = ENCODING * size
        self.embedding = None if last else LightMap(tensors.below("symbol_embedding"), inputs, hidden)
        self.neighbours = Neighbours(tensors.below("neighbour_embedding"), inputs, hidden) if neighbours else None
        self._biases: dict[tuple[int, bool], NDArray[np.float32]] = {}

    def prior(self, features: Float32[NDArray[np.float32], "hidden n"], quality: int, perceptual: bool) -> RoundedPrior:
        """Return the priors at n positions, given their features."""
        sums = self.head.weight @ activation(features)
        sums += self._bias(quality, perceptual)[:, None]
        gains = np.repeat([LOCATION_GAIN * LOCATIONS, SCALE_GAIN * 4, TAIL_GAIN], len(self.channels))
        sums *= (self.head.scale(0) * gains.astype(np.float32))[:, None]
        location, scale, tail = np.split(sums, 3)
        eighths = np.clip(np.floor(location + np.float32(0.5)), -8 * LARGEST_SYMBOL, 8 * LARGEST_SYMBOL).astype(
            np.int32
        )
        centre = (eighths + LOCATIONS // 2) >> 3
        octaves = np.clip(np.floor(scale + np.float32(0.5)), 4 * LEAST_SCALE, 4 * LARGEST_SCALE) - 4 * LEAST_SCALE
        tails = np.clip(np.floor(tail + np.float32(0.5)), LEAST_TAIL, LARGEST_TAIL) - LEAST_TAIL
        rows = (tails * SCALES + octaves).astype(np.int32) * LOCATIONS
        return RoundedPrior(centre, rows + eighths - LOCATIONS * centre + LOCATIONS // 2)

    def _bias(self, quality: int, perceptual: bool) -> NDArray[np.float32]:
        """Return the bias of the prior head with the scale of the quality, in steps of its sums."""
        key = quality, perceptual
        if key not in self._biases:
            size, integers = len(self.channels), self.head.integers
            octaves = self.scale(quality, perceptual).astype(np.float64) / 2**STATE_BITS / SCALE_GAIN
            added = np.floor(octaves * np.exp2(integers.shift[size : 2 * size] + 4.0) + 0.5)
            bias = integers.bias.astype(np.float64)
            bias[size : 2 * size] += added
            self._biases = {key: bias.astype(np.float32)}
        return self._biases[key]


@cache
def _encodings() -> NDArray[np.float32]:
    """Return the encoding of the symbols -LARGEST_SYMBOL to LARGEST_SYMBOL, in steps of 2**-4: (4, symbols).

    Its first two are round(16 log2(1 + |n|)) with and without sign, found in integers.
    """
    sizes = [((2 * (1 + n) ** 32).bit_length() - 1) // 2 for n in range(LARGEST_SYMBOL + 1)]
    size = np.array(sizes[:0:-1] + sizes, np.float32)
    signs = np.sign(np.arange(-LARGEST_SYMBOL, LARGEST_SYMBOL + 1)).astype(np.float32)
    return np.stack([signs * size, size, 16 * np.abs(signs), 16 * signs])


def encoding(symbols: Int16[NDArray[np.int16], "G n"]) -> Float32[NDArray[np.float32], "inputs n"]:
    """Return the encodings of symbols as inputs of the maps, ENCODING rows for each coefficient."""
    rows = _encodings().take(symbols + LARGEST_SYMBOL, axis=1)  # (4, G, n)
    return np.ascontiguousarray(rows.transpose(1, 0, 2).reshape(-1, symbols.shape[1]))
