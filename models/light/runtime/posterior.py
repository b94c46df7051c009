"""What an encoder codes, and the symbols that cost least: half the squared error in units of sigma, plus -ln p."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Int32
from ...slices import slices
from ..tables import ALPHABET
from .networks import STRIP_POSITIONS

if TYPE_CHECKING:
    from .groups import RoundedPrior


class TokenCosts:
    """The cost of every token under every row of the shared table, with its raw bits, in nats."""

    def __init__(self, tables: Float32[NDArray[np.float32], "contexts tokens"]) -> None:
        tokens = np.arange(ALPHABET.size, dtype=np.int32)
        bits = 24 - np.log2(tables.astype(np.float64) + 1) + ALPHABET.extra_bits(tokens)
        self.nats: NDArray[np.float32] = (bits * np.log(2)).astype(np.float32).reshape(-1)

    def __call__(self, residuals: NDArray[np.int32], contexts: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return the nats of residuals under rows of the table."""
        tokens, _ = ALPHABET.split(residuals)
        return self.nats.take(contexts * np.int32(ALPHABET.size) + tokens)


class LightTargets:
    """An encoder's targets.

    Args:
        planes: coefficients by stride in steps of the symbols' grids, (C, positions).
        units: a step in units of sigma, for each layer (G,).
        shrink: how much the symbols 1, 2 and more stand nearer to 0, in steps of their grid, for each layer (G, 3).
        costs: of symbols.
        weights: of squared errors by stride and position; None weighs all alike.
        cost_share: how much of a symbol's cost counts.
    """

    def __init__(
        self,
        planes: dict[int, NDArray[np.float32]],
        units: list[NDArray[np.float32]],
        shrink: list[NDArray[np.float32]],
        costs: TokenCosts,
        weights: dict[int, NDArray[np.float32]] | None = None,
        cost_share: float = 1.0,
    ) -> None:
        self.planes, self.units, self.shrink, self.costs, self.weights = planes, units, shrink, costs, weights
        self.cost_share = cost_share

    def mode(
        self,
        targets: Float32[NDArray[np.float32], "G n"],
        prior: RoundedPrior,
        layer: int,
        weights: Float32[NDArray[np.float32], " n"] | None = None,
    ) -> Int32[NDArray[np.int32], "G n"]:
        """Return the cheapest symbols of a step, as differences from the priors' locations.

        Args:
            targets: in steps of the symbols' grid.
            prior: of the symbols.
            layer: index of the group.
            weights: of the positions' squared errors; None for 1.
        """
        out = np.empty(targets.shape, np.int32)
        half = (0.5 / self.cost_share * self.units[layer] ** 2).astype(np.float32)[:, None]
        for some in slices(targets.shape[1], STRIP_POSITIONS):
            count = half if weights is None else half * weights[some]
            out[:, some] = self._mode(targets[:, some], prior.location[:, some], prior.contexts[:, some], layer, count)
        return out

    def _mode(
        self,
        targets: NDArray[np.float32],
        centre: NDArray[np.int32],
        contexts: NDArray[np.int32],
        layer: int,
        half: NDArray[np.float32],
    ) -> NDArray[np.int32]:
        """Return the cheapest symbols; `half` is half the weight of an error of one step."""
        nearest = np.rint(targets).astype(np.int32)
        towards = np.sign(centre - nearest)
        best = cheapest = None
        for symbols in (nearest, nearest + towards, nearest + 2 * towards, centre):
            residuals = np.clip(symbols - centre, -ALPHABET.largest, ALPHABET.largest)
            error = targets - self._values(centre + residuals, layer)
            cost = half * error * error + self.costs(residuals, contexts)
            if best is None or cheapest is None:
                best, cheapest = residuals, cost
            else:
                better = cost < cheapest
                best, cheapest = np.where(better, residuals, best), np.where(better, cost, cheapest)
        assert best is not None
        return np.asarray(best, np.int32)

    def _values(self, symbols: NDArray[np.int32], layer: int) -> NDArray[np.float32]:
        """Return what symbols (G, n) stand for, in steps of their grid."""
        size = np.minimum(np.abs(symbols), 3)
        table = np.pad(self.shrink[layer], ((0, 0), (1, 0)))  # (G, 4), nothing for 0
        shrink = np.take_along_axis(table, size, axis=1)
        return np.asarray(symbols - np.sign(symbols) * shrink, np.float32)
