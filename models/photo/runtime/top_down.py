"""The top-down pass over one photograph: layers, stages and scales in coding order, with a given source of symbols."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Float64, Int32
from ...interface.hierarchy import SymbolSource
from ...runtime.linear import RESIDUAL_BITS
from ...runtime.prior import prior_weights
from ...slices import slices
from .chain import RuntimeChain, RuntimeStage
from .checkerboard import Board, BoardHalf, checkerboard
from .layer import RuntimeLayer
from .reconstruction import Planes, Positions, blank, read, write

BATCH_ENTRIES = 2**18
"""Entries of the probability tables of one batch of positions: they stay in a processor's cache."""

Sizes = dict[int, tuple[int, int]]
"""Rows and columns of positions by stride."""


@dataclass(frozen=True)
class RuntimeTargets:
    """An encoder's input to a pass: the image's coefficients, and how errors and choices are weighed."""

    planes: Planes
    """The image's coefficients."""
    lookahead_costs: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    """By layer: gradient of the loss in later layers with respect to the codeword at each position, in nats, (N, D)."""
    position_weights: dict[int, NDArray[np.float32]] | None = None
    """By stride: weights of the positions' distortion, (N, 1)."""
    coefficient_weights: dict[int, NDArray[np.float32]] | None = None
    """By stride: weights of the coefficients' distortion, (COEFFICIENTS[stride],)."""


@dataclass
class RuntimeStep:
    """A batch of positions of one layer, whose symbols are to be chosen (`interface.hierarchy.Step`)."""

    layer: int
    latent: RuntimeLayer
    positions: Positions
    prior_parameters: Float32[NDArray[np.float32], "n outputs"]
    base: Float32[NDArray[np.float32], "n v"]
    targets: RuntimeTargets | None

    def __post_init__(self) -> None:
        self.scores: Float64[NDArray[np.float64], "n K"] = self.latent.scores(self.prior_parameters)

    @property
    def count(self) -> int:
        """Number of positions."""
        return len(self.prior_parameters)

    def weights(self) -> Float32[NDArray[np.float32], "n K"]:
        """Return the integer prior weights, rows summing to 2**24 - (K + 2)."""
        return prior_weights(self.scores)

    def posterior_mode(self) -> Int32[NDArray[np.int32], " n"]:
        """Return the cheapest symbols by distortion, lookahead costs and -ln p.

        Raises:
            ValueError: The pass was given no coefficients of an image.
        """
        if self.targets is None:
            raise ValueError("the posterior needs an image's coefficients, and this pass has none")
        costs = self._costs(self.targets)
        costs -= self.scores.astype(np.float32) * np.float32(math.log(2))
        return np.asarray(costs.argmin(axis=1), np.int32)

    def _costs(self, targets: RuntimeTargets) -> NDArray[np.float32]:
        stride, coefficients = self.latent.plan.stride, self.latent.coefficients
        residual = read(targets.planes[stride], coefficients, self.positions) - self.base
        weights = targets.coefficient_weights
        costs = self.latent.distortion(residual, None if weights is None else weights[stride][coefficients])
        if targets.position_weights is not None:
            costs *= targets.position_weights[stride][self.positions]
        if self.layer in targets.lookahead_costs:
            costs += targets.lookahead_costs[self.layer][self.positions] @ self.latent.codewords.T
        return costs


class RuntimePass:
    """A top-down pass over one image: fills planes with what a source of symbols chooses.

    Args:
        chain: The networks.
        sizes: Rows and columns of positions by stride.
        quality: The network quality.
        targets: An encoder's targets; None in a decoder.
        grey: Whether the layers that carry only colour are left out.
    """

    def __init__(
        self,
        chain: RuntimeChain,
        sizes: Sizes,
        quality: int,
        targets: RuntimeTargets | None,
        *,
        grey: bool,
    ) -> None:
        self.chain, self.sizes, self.quality, self.targets = chain, sizes, quality, targets
        self.grey = grey
        self.planes = blank({stride: rows * columns for stride, (rows, columns) in sizes.items()})
        self.checkerboards: dict[int, Board] = {}
        self.stride = chain.strides[0]
        """The stride of the state."""

    def run(
        self, source: SymbolSource, stop: int | None, *, partial: bool = False
    ) -> tuple[Float32[NDArray[np.float32], "1 C H W"], Planes]:
        """Run the pass: return the last state (integers times 2**-8), and the reconstruction.

        Args:
            source: The source of the symbols.
            stop: Number of layers to visit, after which layers add nothing; all if it is None.
            partial: Whether to end after them, with the state of their stride.
        """
        state = self.chain.initial_state(self.sizes[self.chain.strides[0]])
        index = 0
        for stride in self.chain.strides:
            if partial and stop is not None and index >= stop:
                break
            state, self.stride = self.chain.upsampled_to(stride, state, self.stride, self.sizes), stride
            for stage in self.chain.stages[stride]:
                count = len(stage.layers) if stop is None else min(max(stop - index, 0), len(stage.layers))
                if count:
                    state = self._stage(index, stage, state, source, count)
                index += len(stage.layers)
        return state * np.float32(2.0**-RESIDUAL_BITS), self.planes

    def _stage(
        self, index: int, stage: RuntimeStage, state: NDArray[np.float32], source: SymbolSource, count: int
    ) -> NDArray[np.float32]:
        """Code the first `count` layers of a stage and return the state after it."""
        state = stage.enter(state, self.quality)
        features = stage.features(state)
        symbols = [self._layer(index + i, layer, features, source) for i, layer in enumerate(stage.layers[:count])]
        missing = [np.full(len(features), layer.null_symbol, np.int32) for layer in stage.layers[count:]]
        return stage.leave(state, symbols + missing)

    def _layer(
        self, index: int, layer: RuntimeLayer, features: NDArray[np.float32], source: SymbolSource
    ) -> NDArray[np.int32]:
        """Code a layer: return its symbols (N,), and add what they say to the features."""
        if layer.neighbour_embedding is None:
            parts = []
            for batch in self._batches(layer, len(features)):
                parts.append(self._batch(index, layer, features, batch, source))
                layer.add_own(features, batch, parts[-1])
            return np.concatenate(parts)
        board, halves = self._checkerboard(layer.plan.stride), []
        for own, other in (board.halves, board.halves[::-1]):
            halves.append(self._half(index, layer, features, own, source))
            # After the second half only the stage's next layer reads the features, and the last layer has none.
            if own is board.halves[0] or layer.symbol_embedding is not None:
                layer.add_to_neighbours(features, own, other, halves[-1])
        return board.raster(np.concatenate(halves))

    def _half(
        self, index: int, layer: RuntimeLayer, features: NDArray[np.float32], half: BoardHalf, source: SymbolSource
    ) -> NDArray[np.int32]:
        batches = self._batches(layer, len(half.positions))
        return np.concatenate([self._batch(index, layer, features, half.positions[batch], source) for batch in batches])

    def _batches(self, layer: RuntimeLayer, count: int) -> Iterator[slice]:
        yield from slices(count, max(1, BATCH_ENTRIES // layer.symbols))

    def _batch(
        self, index: int, layer: RuntimeLayer, features: NDArray[np.float32], positions: Positions, source: SymbolSource
    ) -> NDArray[np.int32]:
        """Code a batch of positions; grey images take a colour layer's null symbol without a step."""
        chosen = features[positions]
        if not len(chosen):  # a single position leaves the checkerboard's other half empty
            return np.empty(0, np.int32)
        if self.grey and layer.plan.chroma:
            return np.full(len(chosen), layer.null_symbol, np.int32)
        plane = self.planes[layer.plan.stride]
        parameters, prediction = layer.heads(chosen)
        base = prediction + read(plane, layer.coefficients, positions)
        symbols = source.next(RuntimeStep(index, layer, positions, parameters, base, self.targets))
        write(plane, layer.coefficients, positions, base + layer.values.take(symbols, axis=0))
        return symbols

    def _checkerboard(self, stride: int) -> Board:
        if stride not in self.checkerboards:
            self.checkerboards[stride] = checkerboard(self.sizes[stride])
        return self.checkerboards[stride]
