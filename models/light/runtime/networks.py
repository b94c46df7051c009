"""The networks of the light model as graphs: stages of the top-down pass, and the post-filter."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32
from ...photo.halo import with_halo
from ...photo.layout import BLOCK
from ...runtime import kernels
from ...runtime.onnx_file import FLOATS, Graph
from ..config import LightConfig
from ..grids import (
    CONTRAST_BITS,
    CONTRAST_LIMIT,
    SAMPLE_BITS,
    STATE_BITS,
)
from .maps import LightKnots, LightMap, activation_node, stream_node

Map = Float32[NDArray[np.float32], "1 _ _ _"]

STRIP_POSITIONS = 2**14
"""Positions that a network computes at once: its temporaries stay small, however large the image is."""
STEP = 2
"""Pixels between two positions of the post-filter."""


def in_strips(network: kernels.Network, halo: int, x: Map, name: str, **given: NDArray[np.float32]) -> Map:
    """Return the output of a network for a map of any height, computed in strips of rows.

    Args:
        network: computes a map of the same positions.
        halo: rows beyond a row that its outputs depend on.
        x: the map.
        name: of the network's input.
        given: its other inputs.
    """
    height, width = x.shape[2:]
    strips = with_halo(height, strip_rows(width, halo), halo)
    out: Map | None = None
    for core, wide in strips:
        run = network.run_and_release if core.stop == height and len(strips) > 1 else network
        found = run(**{name: np.ascontiguousarray(x[:, :, wide])}, **given)[0]
        if len(strips) == 1:
            return found
        out = np.empty((*found.shape[:2], height, width), np.float32) if out is None else out
        out[:, :, core] = found[:, :, core.start - wide.start : core.stop - wide.start]
    assert out is not None
    return out


def strip_rows(width: int, halo: int) -> int:
    """Return how many rows of positions a strip has."""
    return max(STRIP_POSITIONS // width, 2 * halo, 1)


class Entry:
    """What a stage does to the state before its groups: adds a vector, then residual blocks."""

    def __init__(self, tensors: Any, width: int, blocks: int) -> None:
        self.conditioning = LightKnots(tensors.below("conditioning"), width)
        self._blocks = [
            (
                LightMap(tensors.below(f"blocks.{i}.spatial"), width, width, side=3),
                LightMap(tensors.below(f"blocks.{i}.point"), width, width),
            )
            for i in range(blocks)
        ]
        self._network = kernels.Network(self._graph)

    def _graph(self) -> bytes:
        graph = Graph({"state": (FLOATS, 4), "vector": (FLOATS, 3)})
        state = stream_node(graph, "state", "vector")
        for spatial, point in self._blocks:
            hidden = spatial.hidden_node(graph, activation_node(graph, state))
            state = stream_node(graph, state, point.node(graph, hidden, STATE_BITS))
        return graph.file(state)

    def __call__(self, state: Map, quality: int, perceptual: bool) -> Map:
        """Return the state (1, width, H, W) after the blocks."""
        vector = self.conditioning(quality, perceptual).astype(np.float32)[:, None, None]
        return in_strips(self._network, len(self._blocks), state, "state", vector=vector)


class Neighbours:
    """A 3x3 convolution of the symbols' encodings at half of the positions, for the other half."""

    def __init__(self, tensors: Any, inputs: int, outputs: int) -> None:
        self._map = LightMap(tensors, inputs, outputs, side=3)
        self._network = kernels.Network(self._graph)

    def _graph(self) -> bytes:
        graph = Graph({"x": (FLOATS, 4)})
        return graph.file(self._map.node(graph, "x", STATE_BITS))

    def __call__(self, encodings: Map) -> Map:
        """Return messages (1, hidden, H, W) in steps of the residual stream."""
        return in_strips(self._network, 1, encodings, "x")


class Pairs:
    """Residual pairs: two 3x3 convolutions, each after a ReLU, added to the identity."""

    def __init__(self, tensors: Any, width: int, count: int) -> None:
        self._pairs = [
            [LightMap(tensors.below(f"body.{i}.{name}"), width, width, side=3) for name in ("first", "second")]
            for i in range(count)
        ]

    def node(self, graph: Graph, h: str) -> str:
        """Add the pairs to a graph."""
        for first, second in self._pairs:
            inner = first.hidden_node(graph, activation_node(graph, h))
            h = stream_node(graph, h, second.node(graph, inner, STATE_BITS))
        return h


class PostFilterMaps:
    """The post-filter on squares of two pixels; a plain image stays as it is."""

    def __init__(self, tensors: Any, config: LightConfig) -> None:
        width = config.postfilter_width
        self._first = LightMap(
            tensors.below("first"), 3 * STEP**2, width, side=3, bits=CONTRAST_BITS, limit=CONTRAST_LIMIT
        )
        self._conditioning = LightKnots(tensors.below("conditioning"), width)
        self._pairs = Pairs(tensors, width, config.postfilter_pairs)
        self._last = LightMap(tensors.below("last"), width, 3 * STEP**2, side=3)
        self.reach = 2 * config.postfilter_pairs + 2
        self.halo = -(-STEP * self.reach // BLOCK)
        self._network = kernels.Network(self._graph)

    def _graph(self) -> bytes:
        graph = Graph({"x": (FLOATS, 4), "vector": (FLOATS, 3)})
        h = stream_node(graph, self._first.node(graph, "x", STATE_BITS), "vector")
        h = activation_node(graph, self._pairs.node(graph, h))
        return graph.file(self._last.node(graph, h, SAMPLE_BITS))

    def __call__(
        self, contrasts: Map, quality: int, perceptual: bool, *, open_ends: tuple[bool, bool], last: bool
    ) -> Map:
        """Return the correction of samples, (1, 3, 8 H, 8 W).

        Args:
            contrasts: of the samples of each block, (1, 192, H, W).
            quality: the network quality.
            perceptual: whether the image is coded for the eye.
            open_ends: whether the image goes on above and below, so that corrections near there do not count.
            last: whether the network may give back its memory, since no strip of a large image follows.
        """
        vector = self._conditioning(quality, perceptual).astype(np.float32)[:, None, None]
        rows = tuple(0 if goes_on else self.reach for goes_on in open_ends)
        seen = np.pad(_spread(contrasts), ((0, 0), (0, 0), rows, (self.reach, self.reach)))
        run = self._network.run_and_release if last else self._network
        found = run(x=seen, vector=vector)[0]
        found = found[:, :, rows[0] : found.shape[2] - rows[1], self.reach : -self.reach]
        return _gathered(found - self._blank(vector))

    def _blank(self, vector: Float32[NDArray[np.float32], "width 1 1"]) -> Float32[NDArray[np.float32], "1 12 1 1"]:
        """Return what the network makes of no contrasts."""
        side = 2 * self.reach + 1
        found = self._network(x=np.zeros((1, 3 * STEP**2, side, side), np.float32), vector=vector)[0]
        return np.asarray(found[:, :, self.reach : self.reach + 1, self.reach : self.reach + 1])


def _spread(x: Map) -> Map:
    """Move samples of blocks, (1, 192, H, W) by colour, row and column, to 2x2 positions: (1, 12, 4 H, 4 W)."""
    _, _, rows, columns = x.shape
    side = BLOCK // STEP
    parts = x.reshape(3, side, STEP, side, STEP, rows, columns).transpose(0, 2, 4, 5, 1, 6, 3)
    return np.ascontiguousarray(parts.reshape(1, 3 * STEP**2, side * rows, side * columns))


def _gathered(x: Map) -> Map:
    """Move the channels of squares of 2x2 samples, (1, 12, 4 H, 4 W), to their places: (1, 3, 8 H, 8 W)."""
    _, _, rows, columns = x.shape
    parts = x.reshape(3, STEP, STEP, rows, columns).transpose(0, 3, 1, 4, 2)
    return parts.reshape(1, 3, STEP * rows, STEP * columns)
