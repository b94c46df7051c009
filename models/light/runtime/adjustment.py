"""How a file adapts the priors to its image: the scales and the tails of each group's priors are moved by some steps.

The two adjustments are coded as symbols before those of their group. An encoder takes those under which the symbols of
some positions cost least.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Int32
from ..grids import COMPONENTS, CONTEXTS, LARGEST_ADJUSTMENT, LOCATIONS, SCALES, TAILS
from .groups import RoundedPrior
from .posterior import LightTargets

SAMPLES = 2**12
"""Positions from which an encoder estimates an adjustment, at most."""
MOVES = np.arange(-LARGEST_ADJUSTMENT, LARGEST_ADJUSTMENT + 1)


class Adjustment(NamedTuple):
    """What a file adjusts of a group's priors.

    Args:
        scale: quarters of an octave.
        tail: steps of the log-odds.
    """

    scale: int
    tail: int


@dataclass(frozen=True)
class AdjustmentStep:
    """The adjustments of a group, which are to be chosen (`interface.hierarchy.PixelStep`)."""

    layer: int
    chosen: Adjustment
    """What an encoder takes."""

    @property
    def count(self) -> int:
        """Return the number of symbols."""
        return len(self.chosen)

    @property
    def contexts(self) -> Int32[NDArray[np.int32], 2]:
        """Return the row of the shared table, for each."""
        return np.full(self.count, CONTEXTS, np.int32)

    def residuals(self) -> Int32[NDArray[np.int32], 2]:
        """Return what an encoder takes."""
        return np.array(self.chosen, np.int32)


def adjusted(contexts: Int32[NDArray[np.int32], "*shape"], moves: Adjustment) -> Int32[NDArray[np.int32], "*shape"]:
    """Return rows of the shared table after their scales and tails were moved, as far as there are rows."""
    scale, tail = (contexts // LOCATIONS) % SCALES, contexts // COMPONENTS
    moved = np.clip(scale + moves.scale, 0, SCALES - 1) - scale
    heavier = np.clip(tail + moves.tail, 0, TAILS - 1) - tail
    return np.asarray(contexts + LOCATIONS * moved + COMPONENTS * heavier, np.int32)


def best_adjustment(
    targets: Float32[NDArray[np.float32], "G n"],
    prior: RoundedPrior,
    layer: int,
    values: LightTargets,
    weights: Float32[NDArray[np.float32], " n"] | None,
) -> Adjustment:
    """Return the scale's and then the tail's adjustment under which the most probable symbols cost least.

    Args:
        targets: in steps of the symbols' grid.
        prior: not adjusted.
        layer: index of the group.
        values: what an encoder codes.
        weights: of the positions' squared errors; None for 1.
    """
    residuals = values.mode(targets, prior, layer, weights).reshape(-1)
    contexts = prior.contexts.reshape(-1)
    own = values.costs(MOVES.astype(np.int32), np.full(len(MOVES), CONTEXTS, np.int32))

    def best(choices: list[Adjustment]) -> Adjustment:
        costs = [values.costs(residuals, adjusted(contexts, each)).sum(dtype=np.float64) for each in choices]
        return choices[int(np.argmin(np.array(costs) + own))]

    scale = best([Adjustment(int(move), 0) for move in MOVES]).scale
    return best([Adjustment(scale, int(move)) for move in MOVES])
