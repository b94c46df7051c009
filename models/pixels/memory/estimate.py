"""Estimate what planes cost with a memory of an image's colours, so that an encoder can choose a colour transform.

A value is worth the square root of how often it occurs in some other pixels, given the planes before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Int16, Int32
from .. import colours
from ..tokens import TOKENS

_NEAR = (10, 8)
"""Levels from the mean within which values have a count, by plane: the second and the last."""
_CELLS, _ZERO = 512, 256
_UNSEEN = np.float32(0.25), np.float32(0.1)
"""What a value that does not occur is worth, by plane."""
_WHOLE = np.float32(2**24)


class Occurrences:
    """How often the pairs and colours of some pixels occur, under every colour transform.

    Args:
        planes: Red, green and blue of the pixels.
        tables: The network's distributions of tokens, rows of integer weights.
    """

    def __init__(self, planes: Int16[NDArray[np.int16], "3 H W"], tables: NDArray[np.float32]) -> None:
        self._tables = tables
        self._colours = np.zeros(2**24, np.uint8)
        found, counts = np.unique(_code(*planes), return_counts=True)
        self._colours[found] = np.minimum(counts, 255)
        pairs = []
        for transform in range(colours.TRANSFORMS):
            light, across, _ = colours.separated(planes, transform)
            cells = light.ravel().astype(np.int32) * _CELLS + across.ravel() + _ZERO
            pairs.append(np.bincount(cells, minlength=256 * _CELLS)[: 256 * _CELLS])
        self._pairs = np.stack(pairs).astype(np.float32).ravel()

    def more_bits(
        self,
        contexts: Int32[NDArray[np.int32], "t n"],
        middles: Int32[NDArray[np.int32], "t n"],
        values: list[Int32[NDArray[np.int32], "t n"]],
    ) -> Float32[NDArray[np.float32], " t"]:
        """Return how many bits more the last of `values` takes with a memory than without, by transform.

        Args:
            contexts: Of the plane, by transform.
            middles: Rounded means.
            values: Of the planes so far, likewise; two or three.
        """
        near, unseen = _NEAR[len(values) - 2], _UNSEEN[len(values) - 2]
        steps = np.arange(-near, near + 1, dtype=np.int32)
        weights = self._tables[contexts[..., None], steps + TOKENS // 2]
        factors = np.maximum(np.sqrt(self._counts(values[:-1], middles[..., None] + steps)), unseen)
        total = unseen * (_WHOLE - weights.sum(axis=-1)) + (weights * factors).sum(axis=-1)
        places = values[-1] - middles + near
        inside = (places >= 0) & (places <= 2 * near)
        mine = np.take_along_axis(factors, np.where(inside, places, 0)[..., None], axis=-1)[..., 0]
        found: NDArray[np.float32] = np.log2(total / (_WHOLE * np.where(inside, mine, unseen))).sum(axis=-1)
        return found

    def _counts(self, before: list[NDArray[np.int32]], values: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return how often candidates (t, n, near) for the next plane occur with the planes before (t, n)."""
        if len(before) == 1:
            of = np.arange(len(values), dtype=np.int32)[:, None, None] * (256 * _CELLS)
            cells = of + before[0][..., None] * _CELLS + values + _ZERO
            return self._pairs.take(cells, mode="clip")
        light, across = (plane[..., None] for plane in before)
        found = np.empty(values.shape, np.float32)
        for t, mine in enumerate(values):
            rgb = np.broadcast_arrays(*colours.combined(light[t], across[t], mine, t))
            real = np.logical_and.reduce([(plane >= 0) & (plane <= 255) for plane in rgb])
            found[t] = self._colours.take(np.where(real, _code(*rgb), 0)) * real
        return found


def _code(red: NDArray[np.int16], green: NDArray[np.int16], blue: NDArray[np.int16]) -> NDArray[np.int32]:
    """Return colours as single numbers."""
    return (red.astype(np.int32) << 16) | (green.astype(np.int32) << 8) | blue
