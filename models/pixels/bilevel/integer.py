"""The network of black and white pixels in integer arithmetic."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Int32
from ...integer.weights_file import Tensors
from ...runtime.linear import ACTIVATION_BITS, FLOAT32_LIMIT, IntegerMap, Matrix, clamped, rounded
from .config import HALF, HIDDEN_LIMIT, SCORE_BITS, BilevelConfig

UNIT = 2.0**ACTIVATION_BITS


class IntegerBilevelNet:
    """A `BilevelNet` for coding, in steps of its grids.

    Args:
        config: Sizes of the network.
        tensors: The integers of its maps, named as in `integer.packing`.
        limit: Bound of sums in steps of their grid.

    Raises:
        BoundError: A sum could reach the limit.
        ValueError: The tensors do not fit the sizes.
    """

    def __init__(self, config: BilevelConfig, tensors: Tensors, limit: float = FLOAT32_LIMIT) -> None:
        self.receptive_field, width = config.receptive_field, config.width
        taps = len(self.receptive_field.offsets())
        first = IntegerMap.of(tensors.below("first"), taps + config.features, width, limit=limit)
        rest = [tensors.below(f"rest.{index}") for index in range(config.depth - 1)]
        last = IntegerMap.of(tensors.below("last"), width, 1, HIDDEN_LIMIT, limit)
        self.first, self.last = Matrix(first, ACTIVATION_BITS), Matrix(last, SCORE_BITS)
        self.rest = [Matrix(IntegerMap.of(part, width, width, HIDDEN_LIMIT, limit), ACTIVATION_BITS) for part in rest]
        self.taps, self.features = self.first.matrix[:taps], self.first.matrix[taps:]

    def lift(self, features: Float32[NDArray[np.float32], "B F H W"]) -> Float32[NDArray[np.float32], "B H W width"]:
        """Return the features' contribution to the first layer, in steps of 2**-4."""
        rows = clamped(rounded(features * np.float32(UNIT)), -127, 127).transpose(0, 2, 3, 1)
        found: NDArray[np.float32] = rows @ self.features
        found += self.first.bias
        return found

    def contexts(
        self,
        neighbours: Float32[NDArray[np.float32], "n neighbours"],
        lifted: Float32[NDArray[np.float32], "n width"],
    ) -> Int32[NDArray[np.int32], " n"]:
        """Return the contexts of pixels.

        Args:
            neighbours: Neighbours (n, neighbours) of -1, 0 and 1.
            lifted: What `lift` returned for the pixels (n, width).

        Returns:
            Index of each pixel's distribution (n,).
        """
        sums = (neighbours * np.float32(UNIT)) @ self.taps
        return self._contexts(np.asarray(sums + lifted, np.float32))

    def contexts_of(self, rows: Float32[NDArray[np.float32], "n inputs"]) -> Int32[NDArray[np.int32], " n"]:
        """Return the contexts of pixels, given their neighbours and features in steps of 2**-4."""
        return self._contexts(self.first(rows))

    def _contexts(self, sums: NDArray[np.float32]) -> NDArray[np.int32]:
        h = clamped(rounded(sums), 0, HIDDEN_LIMIT)
        for layer in self.rest:
            h = clamped(rounded(layer(h)), 0, HIDDEN_LIMIT)
        scores = clamped(rounded(self.last(h)[:, 0]), -HALF, HALF)
        return scores.astype(np.int32) + np.int32(HALF)
