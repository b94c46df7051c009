"""How a pass requests the symbols of a group: first the adjustments of its priors, then step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Int32
from ...interface.hierarchy import Step, SymbolSource
from ...slices import slices
from ..grids import LARGEST_ADJUSTMENT
from ..tables import ALPHABET
from .adjustment import SAMPLES, Adjustment, AdjustmentStep, adjusted, best_adjustment
from .groups import LightGroup, RoundedPrior
from .networks import STRIP_POSITIONS
from .posterior import LightTargets

STEP_POSITIONS = 2**16
"""Most positions of a step: what coding takes for each is in memory at once."""
NONE = Adjustment(0, 0)


@dataclass(frozen=True)
class LightStep:
    """Some positions of a group, whose symbols are to be chosen (`interface.hierarchy.PixelStep`)."""

    layer: int
    group: LightGroup
    prior: RoundedPrior
    targets: Float32[NDArray[np.float32], "G n"] | None
    """What an encoder codes, in steps of the symbols' grid."""
    values: LightTargets | None
    weights: Float32[NDArray[np.float32], " n"] | None = None
    """How much an encoder counts the positions' errors; None for 1."""

    @property
    def contexts(self) -> Int32[NDArray[np.int32], " n"]:
        """Rows of the shared table, coefficient by coefficient."""
        return self.prior.contexts.reshape(-1)

    @property
    def count(self) -> int:
        """Number of positions."""
        return int(self.prior.contexts.shape[1])

    def residuals(self) -> Int32[NDArray[np.int32], " n"]:
        """Return the differences of the posterior's most probable symbols from the priors' locations."""
        assert self.targets is not None and self.values is not None
        return self.values.mode(self.targets, self.prior, self.layer, self.weights).reshape(-1)


@dataclass(frozen=True)
class Choice:
    """Who decides the symbols of a pass.

    Args:
        source: decides them.
        targets: what an encoder codes.
        quality: the network quality.
        perceptual: whether the image is coded for the eye.
    """

    source: SymbolSource
    targets: LightTargets | None
    quality: int
    perceptual: bool


class GroupCoding:
    """Requests the symbols of a group, and first how its priors are adjusted.

    Args:
        choice: who decides.
        layer: index of the group.
        stride: of the group.
        group: its maps.
        features: of all positions, (hidden, N), which may change between two calls.
        symbols: where the symbols go, (G, N).
    """

    def __init__(
        self,
        choice: Choice,
        layer: int,
        stride: int,
        group: LightGroup,
        features: NDArray[np.float32],
        symbols: NDArray[np.int16],
    ) -> None:
        self.choice, self.layer, self.stride, self.group = choice, layer, stride, group
        self.features, self.symbols = features, symbols
        self.adjustment: Adjustment | None = None

    def code(self, positions: NDArray[np.int64]) -> None:
        """Request the symbols of some positions, in steps."""
        if self.adjustment is None:
            self.adjustment = self._adjustment(positions)
        for step in slices(len(positions), STEP_POSITIONS):
            if len(positions[step]):
                self.symbols[:, positions[step]] = self._coded(positions[step])

    def _adjustment(self, positions: NDArray[np.int64]) -> Adjustment:
        """Request the adjustments of the group's priors; an encoder estimates them at some of the positions."""
        chosen = NONE
        if self.choice.targets is not None:
            some = positions[:: -(-len(positions) // SAMPLES)]
            wanted, weights = self._wanted(some)
            chosen = best_adjustment(wanted, self._prior(some), self.layer, self.choice.targets, weights)
        found = self.choice.source.next(cast(Step, AdjustmentStep(self.layer, chosen)))
        scale, tail = np.clip(found, -LARGEST_ADJUSTMENT, LARGEST_ADJUSTMENT).tolist()
        return Adjustment(scale, tail)

    def _prior(self, positions: NDArray[np.int64]) -> RoundedPrior:
        """Return the priors at some positions, not adjusted."""
        shape = (len(self.group.channels), len(positions))
        prior = RoundedPrior(np.empty(shape, np.int32), np.empty(shape, np.int32))
        for some in slices(len(positions), STRIP_POSITIONS):
            found = self.group.prior(self.features[:, positions[some]], self.choice.quality, self.choice.perceptual)
            prior.location[:, some], prior.contexts[:, some] = found.location, found.contexts
        return prior

    def _wanted(self, positions: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Return what an encoder codes at some positions, and the weights of the errors."""
        targets = self.choice.targets
        assert targets is not None
        weights = None if targets.weights is None else targets.weights[self.stride][positions]
        return targets.planes[self.stride][self.group.channels[:, None], positions], weights

    def _coded(self, positions: NDArray[np.int64]) -> NDArray[np.int32]:
        """Request the symbols (G, n) of a step."""
        prior = self._prior(positions)
        if self.adjustment is not None and self.adjustment != NONE:
            prior = RoundedPrior(prior.location, adjusted(prior.contexts, self.adjustment))
        wanted, weights = (None, None) if self.choice.targets is None else self._wanted(positions)
        step = LightStep(self.layer, self.group, prior, wanted, self.choice.targets, weights)
        chosen = prior.location + self.choice.source.next(cast(Step, step)).reshape(prior.location.shape)
        return np.asarray(np.clip(chosen, -ALPHABET.largest, ALPHABET.largest), np.int32)
