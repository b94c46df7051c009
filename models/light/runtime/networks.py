"""The networks of the light model as graphs: stages of the top-down pass, synthesis and post-filter."""

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
    EXTRA_BITS,
    EXTRA_LIMIT,
    SAMPLE_BITS,
    STATE_BITS,
)
from .maps import KNOTS, LightKnots, LightMap, activation_node, interpolate, rounded_node, stream_node

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


class LightSynthesis:
    """The network at stride 8 that corrects an image: features for the post-filter, and the correction of samples."""

    def __init__(self, tensors: Any, config: LightConfig) -> None:
        width, state = config.synthesis_width, config.widths[8]
        self._first = LightMap(
            tensors.below("first"), 3 * BLOCK**2, width, side=3, bits=CONTRAST_BITS, limit=CONTRAST_LIMIT
        )
        self._extra = LightMap(tensors.below("extra"), state, width, bits=EXTRA_BITS, limit=EXTRA_LIMIT)
        self._tuning = LightKnots(tensors.below("tuning"), state)
        self._quality = tensors.take("quality", np.int32, (KNOTS, width))
        self._pairs = Pairs(tensors, width, config.synthesis_blocks)
        self._last = LightMap(tensors.below("last"), width, 3 * BLOCK**2, side=3)
        self.halo = 2 * config.synthesis_blocks + 2
        self._features, self._correction = (kernels.Network(graph) for graph in (self._feature_graph, self._last_graph))

    def _feature_graph(self) -> bytes:
        graph = Graph({"x": (FLOATS, 4), "state": (FLOATS, 4), "tuning": (FLOATS, 3), "quality": (FLOATS, 3)})
        tuned = graph.node("Add", "state", "tuning")
        scaled = rounded_node(graph, graph.node("Mul", tuned, graph.constant(2.0 ** (EXTRA_BITS - STATE_BITS))))
        extra = self._extra.node(graph, graph.clipped(scaled, -EXTRA_LIMIT, EXTRA_LIMIT), STATE_BITS)
        own = graph.node("Add", self._first.node(graph, "x", STATE_BITS), "quality")
        h = self._pairs.node(graph, stream_node(graph, own, extra))
        return graph.file(activation_node(graph, h))

    def _last_graph(self) -> bytes:
        graph = Graph({"x": (FLOATS, 4)})
        return graph.file(self._last.node(graph, "x", SAMPLE_BITS))

    def features(self, contrasts: Map, state: Map, quality: int, perceptual: bool, *, last: bool) -> Map:
        """Return the inputs of the last convolution, (1, width, H, W) in steps of 2**-4.

        Args:
            contrasts: of the samples of each block, (1, 192, H, W).
            state: the last state of the top-down pass, (1, C, H, W).
            quality: the network quality.
            perceptual: whether the image is coded for the eye.
            last: whether the network may give back its memory, since no strip of a large image follows.
        """
        given = {
            "tuning": self._tuning(quality, perceptual).astype(np.float32)[:, None, None],
            "quality": interpolate(self._quality, quality).astype(np.float32)[:, None, None],
        }
        run = self._features.run_and_release if last else self._features
        return run(x=contrasts, state=state, **given)[0]

    def correction(self, features: Map, *, last: bool) -> Map:
        """Return the correction of the samples of each block, (1, 192, H, W)."""
        run = self._correction.run_and_release if last else self._correction
        return run(x=features)[0]


class LightPostFilter:
    """The post-filter at stride 2, conditioned on the features of the synthesis."""

    def __init__(self, tensors: Any, config: LightConfig) -> None:
        width, side = config.postfilter_width, BLOCK // STEP
        self._first = LightMap(
            tensors.below("first"), 3 * STEP**2, width, side=3, bits=CONTRAST_BITS, limit=CONTRAST_LIMIT
        )
        self._conditioning = LightMap(tensors.below("conditioning"), config.synthesis_width, width * side**2)
        self._tuning = LightKnots(tensors.below("tuning"), width * side**2)
        self._quality = tensors.take("quality", np.int32, (KNOTS, width))
        self._pairs = Pairs(tensors, width, config.postfilter_pairs)
        self._last = LightMap(tensors.below("last"), width, 3 * STEP**2, side=3)
        self.halo = -(-STEP * (2 * config.postfilter_pairs + 2) // BLOCK)
        self._network = kernels.Network(self._graph)

    def _graph(self) -> bytes:
        graph = Graph({"x": (FLOATS, 4), "features": (FLOATS, 4), "tuning": (FLOATS, 3), "quality": (FLOATS, 3)})
        seen = graph.node("Add", self._conditioning.node(graph, "features", STATE_BITS), "tuning")
        spread = graph.node("DepthToSpace", seen, blocksize=BLOCK // STEP, mode="CRD")
        own = graph.node("Add", self._first.node(graph, "x", STATE_BITS), "quality")
        h = activation_node(graph, self._pairs.node(graph, stream_node(graph, own, spread)))
        return graph.file(
            graph.node("DepthToSpace", self._last.node(graph, h, SAMPLE_BITS), blocksize=STEP, mode="CRD")
        )

    def __call__(self, contrasts: Map, features: Map, quality: int, perceptual: bool, *, last: bool) -> Map:
        """Return the correction of samples, (1, 3, 8 H, 8 W).

        Args:
            contrasts: of 2x2 samples at each position, as channels of blocks of 4x4 positions, (1, 192, H, W).
            features: those of the synthesis, (1, C, H, W).
            quality: the network quality.
            perceptual: whether the image is coded for the eye.
            last: whether the network may give back its memory, since no strip of a large image follows.
        """
        given = {
            "tuning": self._tuning(quality, perceptual).astype(np.float32)[:, None, None],
            "quality": interpolate(self._quality, quality).astype(np.float32)[:, None, None],
        }
        run = self._network.run_and_release if last else self._network
        return run(x=_spread(contrasts), features=features, **given)[0]


def _spread(x: Map) -> Map:
    """Move samples of blocks, (1, 192, H, W) by colour, row and column, to 2x2 positions: (1, 12, 4 H, 4 W)."""
    _, _, rows, columns = x.shape
    side = BLOCK // STEP
    parts = x.reshape(3, side, STEP, side, STEP, rows, columns).transpose(0, 2, 4, 5, 1, 6, 3)
    return np.ascontiguousarray(parts.reshape(1, 3 * STEP**2, side * rows, side * columns))
