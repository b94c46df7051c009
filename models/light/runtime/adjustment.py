"""How a file adapts the priors to its image: for each group, scales are moved by some quarters of an octave.

The adjustment is coded as a symbol before those of its group. An encoder takes the one under which the symbols of some
positions cost least.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Int32
from ..grids import CONTEXTS, LARGEST_ADJUSTMENT, LOCATIONS, SCALES
from .groups import RoundedPrior
from .posterior import LightTargets

SAMPLES = 2**12
"""Positions from which an encoder estimates an adjustment, at most."""
ADJUSTMENTS = np.arange(-LARGEST_ADJUSTMENT, LARGEST_ADJUSTMENT + 1)


@dataclass(frozen=True)
class AdjustmentStep:
    """The adjustment of a group, which is to be chosen (`interface.hierarchy.PixelStep`)."""

    layer: int
    chosen: int
    """What an encoder takes."""
    count: int = 1

    @property
    def contexts(self) -> Int32[NDArray[np.int32], 1]:
        """The row of the shared table."""
        return np.array([CONTEXTS], np.int32)

    def residuals(self) -> Int32[NDArray[np.int32], 1]:
        """Return what an encoder takes."""
        return np.array([self.chosen], np.int32)


def adjusted(contexts: Int32[NDArray[np.int32], "*shape"], adjustment: int) -> Int32[NDArray[np.int32], "*shape"]:
    """Return rows of the shared table after their scales were moved, as far as there are rows."""
    scale = (contexts // LOCATIONS) % SCALES
    moved = np.clip(scale + adjustment, 0, SCALES - 1) - scale
    return np.asarray(contexts + LOCATIONS * moved, np.int32)


def best_adjustment(
    targets: Float32[NDArray[np.float32], "G n"],
    prior: RoundedPrior,
    layer: int,
    values: LightTargets,
    weights: Float32[NDArray[np.float32], " n"] | None,
) -> int:
    """Return the adjustment under which the posterior's most probable symbols cost least.

    Args:
        targets: in steps of the symbols' grid.
        prior: not adjusted.
        layer: index of the group.
        values: what an encoder codes.
        weights: of the positions' squared errors; None for 1.
    """
    residuals = values.mode(targets, prior, layer, weights).reshape(-1)
    contexts = prior.contexts.reshape(-1)
    own = values.costs(ADJUSTMENTS.astype(np.int32), np.full(len(ADJUSTMENTS), CONTEXTS, np.int32))
    costs = [values.costs(residuals, adjusted(contexts, int(a))).sum(dtype=np.float64) for a in ADJUSTMENTS]
    return int(ADJUSTMENTS[np.argmin(np.array(costs) + own)])
