"""Maps of the integers in a weights file: as nodes of a graph for maps of positions, or as products of matrices.

All inputs and outputs are whole numbers in float32, counting steps of their grids. Sums stay below 2**24, so that every
kernel of floats adds them exactly, in any order; rescaling is by powers of two.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Int32
from ...runtime.linear import IntegerMap
from ...runtime.onnx_file import Graph
from ..grids import ACTIVATION_BITS, LARGEST_ACTIVATION, LARGEST_WEIGHT, STATE_BITS, STATE_LIMIT

KNOTS = 17
"""Qualities at which vectors are stored, 0, 256, ..., 4096."""


class LightMap:
    """A linear map, or a convolution of `side` x `side` positions.

    Args:
        tensors: those of the map.
        inputs: channels.
        outputs: channels.
        side: side of the kernel.
        bits: binary digits of the inputs.
        limit: largest magnitude of an input, in steps.

    Raises:
        ValueError: the tensors do not fit, or a sum could round.
    """

    def __init__(
        self,
        tensors: Any,
        inputs: int,
        outputs: int,
        *,
        side: int = 1,
        bits: int = ACTIVATION_BITS,
        limit: int = LARGEST_ACTIVATION,
    ) -> None:
        self.integers = IntegerMap.of(tensors, inputs * side**2, outputs, limit)
        if np.abs(self.integers.weight.astype(np.int16)).max() > LARGEST_WEIGHT:
            raise ValueError("its weights have more than 7 bits")
        self.inputs, self.outputs, self.side, self.bits = inputs, outputs, side, bits
        self.weight = self.integers.weight.astype(np.float32)
        self.bias = self.integers.bias.astype(np.float32)

    def scale(self, bits: int) -> Float32[NDArray[np.float32], " outputs"]:
        """Return the factor from sums to steps of 2**-bits, a power of two for each output."""
        return np.exp2(bits - self.bits - self.integers.shift.astype(np.float32)).astype(np.float32)

    def sums(self, x: Float32[NDArray[np.float32], "inputs n"]) -> Float32[NDArray[np.float32], "outputs n"]:
        """Return the sums of inputs at n positions, in their own steps."""
        return np.asarray(self.weight @ x + self.bias[:, None], np.float32)

    def __call__(
        self, x: Float32[NDArray[np.float32], "inputs n"], bits: int = STATE_BITS
    ) -> Float32[NDArray[np.float32], "outputs n"]:
        """Return the outputs at n positions, in steps of 2**-bits."""
        return self.rounded(self.sums(x), bits)

    def rounded(
        self, sums: Float32[NDArray[np.float32], "outputs n"], bits: int = STATE_BITS
    ) -> Float32[NDArray[np.float32], "outputs n"]:
        """Return the outputs of sums, in steps of 2**-bits."""
        return np.asarray(np.floor(sums * self.scale(bits)[:, None] + np.float32(0.5)))

    def node(self, graph: Graph, x: str, bits: int) -> str:
        """Add the convolution to a graph; its outputs are in steps of 2**-bits."""
        return rounded_node(graph, self._scaled(graph, x, bits))

    def hidden_node(self, graph: Graph, x: str) -> str:
        """Add the convolution and the ReLU of its outputs as inputs of products; halves are rounded to even.

        That is how kernels of 8-bit integers round.
        """
        rounded = graph.node("Round", self._scaled(graph, x, ACTIVATION_BITS))
        return graph.clipped(rounded, 0, LARGEST_ACTIVATION)

    def _scaled(self, graph: Graph, x: str, bits: int) -> str:
        weight = self.weight.reshape(self.outputs, self.inputs, self.side, self.side)
        pads = [self.side // 2] * 4
        sums = graph.node("Conv", x, graph.constant(weight), graph.constant(self.bias), pads=pads)
        return graph.node("Mul", sums, graph.constant(self.scale(bits)[:, None, None]))


def rounded_node(graph: Graph, x: str) -> str:
    """Add a rounding, half up, to a graph."""
    return graph.node("Floor", graph.node("Add", x, graph.constant(0.5)))


def activation_node(graph: Graph, state: str) -> str:
    """Add the ReLU of a residual stream as inputs of products to a graph."""
    scaled = graph.node("Mul", state, graph.constant(2.0 ** (ACTIVATION_BITS - STATE_BITS)))
    return graph.clipped(rounded_node(graph, scaled), 0, LARGEST_ACTIVATION)


def stream_node(graph: Graph, state: str, change: str) -> str:
    """Add a change to a residual stream in a graph."""
    return graph.clipped(graph.node("Add", state, change), -STATE_LIMIT, STATE_LIMIT)


def activation(state: Float32[NDArray[np.float32], "*shape"]) -> Float32[NDArray[np.float32], "*shape"]:
    """Return the ReLU of a residual stream as inputs of products."""
    x = np.floor(state * np.float32(2.0 ** (ACTIVATION_BITS - STATE_BITS)) + np.float32(0.5))
    return np.asarray(np.clip(x, 0, LARGEST_ACTIVATION, out=x))


def stream(
    state: Float32[NDArray[np.float32], "*shape"], change: Float32[NDArray[np.float32], "*shape"]
) -> Float32[NDArray[np.float32], "*shape"]:
    """Return a residual stream after a change."""
    return bounded(state + change)


def bounded(x: Float32[NDArray[np.float32], "*shape"]) -> Float32[NDArray[np.float32], "*shape"]:
    """Return what a residual stream can hold of values, in place."""
    return np.asarray(np.clip(x, -STATE_LIMIT, STATE_LIMIT, out=x))


class LightKnots:
    """Vectors that depend on the quality, linearly between knots, and on the tuning, by addition.

    Args:
        tensors: `plain` and `tuned`.
        channels: length of the vectors.
    """

    def __init__(self, tensors: Any, channels: int) -> None:
        parts = (tensors.take(name, np.int32, (KNOTS, channels)) for name in ("plain", "tuned"))
        self.plain, self.tuned = parts

    def __call__(self, quality: int, perceptual: bool) -> Int32[NDArray[np.int32], " channels"]:
        """Return the vector of a network quality, in steps of 2**-STATE_BITS."""
        knots = self.plain + self.tuned if perceptual else self.plain
        return interpolate(knots, quality)


def interpolate(knots: Int32[NDArray[np.int32], "knots channels"], quality: int) -> Int32[NDArray[np.int32], " c"]:
    """Interpolate between knots in integers, rounding down."""
    low = min(quality >> 8, KNOTS - 2)
    part = quality - (low << 8)
    mixed = knots[low].astype(np.int64) * (256 - part) + knots[low + 1].astype(np.int64) * part
    found: NDArray[np.int32] = (mixed >> 8).astype(np.int32)
    return found
