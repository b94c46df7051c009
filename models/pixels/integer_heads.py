"""Heads in integer arithmetic (see `heads`), and the step of a pass: one plane of a wavefront's pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...shapes import Float32, Int32
from ..integer.weights_file import Tensors
from ..runtime.linear import ACTIVATION_BITS, IntegerMap, Matrix, clamped, rounded
from . import colours
from .grids import BOUND_BITS, FEATURE_LIMIT, HIDDEN_LIMIT, MEAN_BITS, MEAN_STEPS, SCALES, TAILS

BOUND = 1024 * 2**BOUND_BITS
"""Largest magnitude of a part of a mean, in steps."""


class IntegerHead:
    """A `Head` for coding: all numbers are whole steps of their grids.

    Args:
        tensors: The integers of the maps mix, out and skip.
        inputs: Number of features, which enter the mean past the hidden layers.
        before: Number of planes that are coded before this one.
        hidden: Width of the hidden layer that the planes share.
        width: Width of the head's own hidden layer.
        limit: Bound of sums in steps of their grid.

    Raises:
        BoundError: A sum could reach the limit.
    """

    def __init__(self, tensors: Tensors, inputs: int, before: int, hidden: int, width: int, limit: float) -> None:
        mix = IntegerMap.of(tensors.below("mix"), hidden + before, width, HIDDEN_LIMIT, limit)
        out = IntegerMap.of(tensors.below("out"), width, 3, HIDDEN_LIMIT, limit)
        skip = IntegerMap.of(tensors.below("skip"), inputs + before, 1, FEATURE_LIMIT, limit)
        self.mix, self.skip = Matrix(mix, ACTIVATION_BITS), Matrix(skip, BOUND_BITS)
        self.out = Matrix(out, np.array([BOUND_BITS, 0, -2]))

    def __call__(
        self,
        hidden: Float32[NDArray[np.float32], "n hidden"],
        features: Float32[NDArray[np.float32], "n inputs"],
        before: Float32[NDArray[np.float32], "n planes"],
    ) -> tuple[Int32[NDArray[np.int32], " n"], Int32[NDArray[np.int32], " n"]]:
        """Return the means of a plane's pixels and the indices of scale and tail.

        Args:
            hidden: The shared hidden layer, in steps of 2**-4.
            features: In the same steps.
            before: Residuals of the planes before, in the same steps.

        Returns:
            Means in steps of 2**-3 grey levels above the base, and TAILS * scale + tail.
        """
        inner = clamped(rounded(self.mix(np.concatenate([hidden, before], axis=1))), 0, HIDDEN_LIMIT)
        mean, scale, tail = rounded(self.out(inner)).T
        straight = rounded(self.skip(np.concatenate([features, before], axis=1))[:, 0])
        both = clamped(mean, -BOUND, BOUND) + clamped(straight, -BOUND, BOUND)
        kinds = clamped(scale, -(SCALES // 2), SCALES // 2) * TAILS + clamped(tail, -(TAILS // 2), TAILS // 2)
        kinds += (SCALES // 2) * TAILS + TAILS // 2
        return rounded(both * np.float32(2.0 ** (MEAN_BITS - BOUND_BITS))).astype(np.int32), kinds.astype(np.int32)


@dataclass
class WavefrontStep:
    """One plane of a wavefront's n pixels, which are coded in parallel.

    Args:
        layer: Index of the wavefront and plane in coding order.
        contexts: Index of each pixel's distribution.
        middles: The rounded means, in grey levels.
        wanted: The pixels themselves, which only an encoder has.
    """

    layer: int
    contexts: Int32[NDArray[np.int32], " n"]
    middles: Int32[NDArray[np.int32], " n"]
    wanted: Int32[NDArray[np.int32], " n"] | None

    def residuals(self) -> Int32[NDArray[np.int32], " n"]:
        """Return the differences of the pixels to their rounded means.

        Raises:
            ValueError: The pass has no pixels to encode.
        """
        if self.wanted is None:
            raise ValueError("residuals need the pixels, and this pass has none")
        return self.wanted - self.middles


def placed(
    steps: Int32[NDArray[np.int32], " n"],
    kinds: Int32[NDArray[np.int32], " n"],
    base: Int32[NDArray[np.int32], " n"],
    plane: int,
) -> tuple[Int32[NDArray[np.int32], " n"], Int32[NDArray[np.int32], " n"]]:
    """Return the contexts and rounded means of a plane's pixels, given an `IntegerHead`'s outputs and the base.

    Args:
        steps: Means above the base, in steps of 2**-3 grey levels.
        kinds: Indices of scale and tail.
        base: In grey levels.
        plane: 0, 1 or 2; means are kept within its range.
    """
    low, high = colours.LOWEST[plane] * MEAN_STEPS, colours.HIGHEST[plane] * MEAN_STEPS
    means = np.clip(steps + base * np.int32(MEAN_STEPS), low, high)
    middles: NDArray[np.int32] = (means + np.int32(MEAN_STEPS // 2)) >> MEAN_BITS
    fractions = means - middles * np.int32(MEAN_STEPS) + np.int32(MEAN_STEPS // 2)
    return kinds * np.int32(MEAN_STEPS) + fractions, middles
