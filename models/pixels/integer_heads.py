"""Heads in integer arithmetic (see `heads`), and the step of a pass: one plane of a wavefront's pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int32
from numpy.typing import NDArray
from torch import Tensor

from ..integer.compiled import IntegerLinear, rounded
from ..integer.grid import ACTIVATION_BITS
from . import colours
from .heads import BOUND_BITS, HIDDEN_LIMIT, MEAN_BITS, MEAN_STEPS, SCALES, TAILS, Head

UNIT = 2.0**ACTIVATION_BITS


class IntegerHead:
    """A `Head` for coding: all numbers are whole steps of their grids."""

    def __init__(self, head: Head) -> None:
        self.mix = IntegerLinear(head.mix, ACTIVATION_BITS)
        self.out = IntegerLinear(head.out, torch.tensor([BOUND_BITS, 0, 0]))
        self.skip = IntegerLinear(head.skip, BOUND_BITS)

    def __call__(
        self, hidden: Float[Tensor, "n hidden"], features: Float[Tensor, "n inputs"], before: Float[Tensor, "n planes"]
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
        """Return the means of a plane's pixels and the indices of scale and tail.

        Args:
            hidden: The shared hidden layer, in steps of 2**-4.
            features: In the same steps.
            before: Residuals of the planes before, in the same steps.

        Returns:
            Means in steps of 2**-3 grey levels above the base, and TAILS * scale + tail.
        """
        inner = rounded(self.mix(torch.cat([hidden, before], dim=1))).clamp_(0, HIDDEN_LIMIT)
        raw = self.out(inner)
        limit = 1024.0 * 2**BOUND_BITS
        straight = rounded(self.skip(torch.cat([features, before], dim=1))[:, 0]).clamp_(-limit, limit)
        mean = rounded(raw[:, 0]).clamp_(-limit, limit).add_(straight)
        scale = rounded(raw[:, 1]).clamp_(-(SCALES // 2), SCALES // 2).add_(SCALES // 2)
        tail = rounded(raw[:, 2] * 0.25).clamp_(-(TAILS // 2), TAILS // 2).add_(TAILS // 2)
        return rounded(mean.mul_(2.0 ** (MEAN_BITS - BOUND_BITS))), scale.mul_(TAILS).add_(tail)


@dataclass
class PlaneStep:
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
