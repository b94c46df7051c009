"""The top-down pass over one photograph: layers, stages and scales in coding order, with a given source of symbols."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32, Float64, Int32
from numpy.typing import NDArray

from ...interface.hierarchy import SymbolSource
from ...runtime.prior import prior_weights
from ...slices import slices
from .chain import RuntimeChain, RuntimeStage
from .checkerboard import Board, BoardHalf, checkerboard
from .layer import RuntimeLayer
from .reconstruction import Planes, Rows, blank, read, write

BLOCK_ENTRIES = 2**17
"""Entries of the probability tables of one block of positions: they stay in a processor's cache."""

Sizes = dict[int, tuple[int, int]]
"""Rows and columns of positions by stride."""


@dataclass(frozen=True)
class RuntimeTargets:
    """What an encoder's choices depend on."""

    planes: Planes
    """The image's coefficients."""
    lookahead_costs: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    """By layer: nats in later layers for a unit of each coordinate of the symbol's code, (N, D)."""
    position_weights: dict[int, NDArray[np.float32]] | None = None
    """By stride: weights of the positions' distortion, (N, 1)."""
    coefficient_weights: dict[int, NDArray[np.float32]] | None = None
    """By stride: weights of the coefficients' distortion, (COEFFICIENTS[stride],)."""


@dataclass
class RuntimeStep:
    """A block of positions of one layer, whose symbols are to be chosen (`interface.hierarchy.Step`)."""

    layer: int
    network: RuntimeLayer
    rows: Rows
    embedding: Float32[NDArray[np.float32], "n outputs"]
    base: Float32[NDArray[np.float32], "n v"]
    targets: RuntimeTargets | None

    def __post_init__(self) -> None:
        self.scores: Float64[NDArray[np.float64], "n K"] = self.network.scores(self.embedding)

    @property
    def count(self) -> int:
        """Number of positions."""
        return len(self.embedding)

    def weights(self) -> Float32[NDArray[np.float32], "n K"]:
        """Return the integer prior weights, rows summing to 2**24 - (K + 2)."""
        return prior_weights(self.scores)

    def posterior_mode(self) -> Int32[NDArray[np.int32], " n"]:
        """Return the cheapest symbols by distortion, look-ahead costs and -ln p.

        Raises:
            ValueError: The pass was given no coefficients of an image.
        """
        if self.targets is None:
            raise ValueError("the posterior needs an image's coefficients, and this pass has none")
        costs = self._costs(self.targets)
        costs -= self.scores.astype(np.float32) * np.float32(math.log(2))
        return np.asarray(costs.argmin(axis=1), np.int32)

    def _costs(self, targets: RuntimeTargets) -> NDArray[np.float32]:
        layer, stride = self.network, self.network.plan.stride
        residual = read(targets.planes[stride], layer.columns, self.rows) - self.base
        importance = targets.coefficient_weights
        costs = layer.distortion(residual, None if importance is None else importance[stride][layer.columns])
        if targets.position_weights is not None:
            costs *= targets.position_weights[stride][self.rows]
        if self.layer in targets.lookahead_costs:
            costs += targets.lookahead_costs[self.layer][self.rows] @ layer.codes.T
        return costs


class RuntimePass:
    """One pass.

    Args:
        chain: The networks.
        sizes: Rows and columns of positions by stride.
        quality: The network quality.
        targets: An encoder's targets; None in a decoder.
        grey: Whether the layers that carry only colour are left out.
        exact: Whether the reconstruction is exact.
    """

    def __init__(
        self,
        chain: RuntimeChain,
        sizes: Sizes,
        quality: int,
        targets: RuntimeTargets | None,
        *,
        grey: bool,
        exact: bool,
    ) -> None:
        self.chain, self.sizes, self.quality, self.targets = chain, sizes, quality, targets
        self.grey, self.exact = grey, exact
        self.planes = blank({stride: rows * columns for stride, (rows, columns) in sizes.items()})
        self.checkerboards: dict[int, Board] = {}

    def run(self, source: SymbolSource, stop: int | None) -> tuple[Float32[NDArray[np.float32], "1 C H W"], Planes]:
        """Run the pass: return the last state in units of the residual stream, and the reconstruction.

        Args:
            source: The source of the symbols.
            stop: Number of layers to visit, after which layers add nothing; all if it is None.
        """
        state = self.chain.initial_state(self.sizes[self.chain.strides[0]])
        index = 0
        for scale, stride in enumerate(self.chain.strides):
            if scale:
                state = self.chain.upsample(scale, state, self.sizes[stride])
            for stage in self.chain.stages[stride]:
                left = len(stage.layers) if stop is None else min(max(stop - index, 0), len(stage.layers))
                if left:
                    state = self._stage(index, stage, state, source, left)
                index += len(stage.layers)
        return state * np.float32(2.0**-8), self.planes

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
            for rows in self._blocks(layer, len(features)):
                parts.append(self._block(index, layer, features, rows, source))
                layer.follow(features, rows, parts[-1])
            return np.concatenate(parts)
        board, halves = self._checkerboard(layer.plan.stride), []
        for anchors, non_anchors in (board.halves, board.halves[::-1]):
            halves.append(self._half(index, layer, features, anchors, source))
            if anchors is board.halves[0] or layer.symbol_embedding is not None:
                layer.propagate(features, anchors, non_anchors, halves[-1])
        return board.raster(np.concatenate(halves))

    def _half(
        self, index: int, layer: RuntimeLayer, features: NDArray[np.float32], half: BoardHalf, source: SymbolSource
    ) -> NDArray[np.int32]:
        blocks = self._blocks(layer, len(half.positions))
        return np.concatenate([self._block(index, layer, features, half.positions[rows], source) for rows in blocks])

    def _blocks(self, layer: RuntimeLayer, count: int) -> Iterator[slice]:
        yield from slices(count, max(1, BLOCK_ENTRIES // layer.symbols))

    def _block(
        self, index: int, layer: RuntimeLayer, features: NDArray[np.float32], rows: Rows, source: SymbolSource
    ) -> NDArray[np.int32]:
        """Code a block of positions; grey images take a colour layer's null symbol without a step."""
        chosen = features[rows]
        if not len(chosen) or (self.grey and layer.plan.chroma):  # a single position leaves the other half empty
            return np.full(len(chosen), layer.null_symbol, np.int32)
        plane = self.planes[layer.plan.stride]
        embedding, prediction = layer.heads(chosen, exact=self.exact)
        base = prediction + read(plane, layer.columns, rows)
        symbols = source.next(RuntimeStep(index, layer, rows, embedding, base, self.targets))
        write(plane, layer.columns, rows, base + layer.values.take(symbols, axis=0))
        return symbols

    def _checkerboard(self, stride: int) -> Board:
        if stride not in self.checkerboards:
            self.checkerboards[stride] = checkerboard(self.sizes[stride])
        return self.checkerboards[stride]
