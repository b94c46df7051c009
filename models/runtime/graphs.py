"""Graphs without weights, for ONNX Runtime: weights and scales are inputs, so that one graph serves every layer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .onnx_file import BYTES, FLOATS, INTEGERS, Graph

ZERO_POINT = 128
"""What stands for zero in signed inputs and weights, which are unsigned bytes."""


def integer_block() -> bytes:
    """Build a residual block in integers: 3x3 to a ReLU, 1x1 back, added to the state in steps of 2**-8."""
    graph = Graph(
        {
            "state": (FLOATS, 4),
            "spatial": (BYTES, 4),
            "spatial_bias": (INTEGERS, 3),
            "spatial_scale": (FLOATS, 3),
            "point": (BYTES, 4),
            "point_bias": (INTEGERS, 3),
            "point_scale": (FLOATS, 3),
        }
    )
    zero = graph.constant(ZERO_POINT, np.uint8)
    narrow = graph.node("Add", graph.node("Mul", "state", graph.constant(2.0**-4)), graph.constant(ZERO_POINT + 0.5))
    signed = graph.node("Cast", graph.clipped(narrow, 1, 255), to=BYTES)  # truncates: floor of what is positive
    sums = _sums(graph, signed, "spatial", zero, zero, [1, 1, 1, 1])
    rounded = graph.node("Add", sums, graph.constant(0.5))
    hidden = graph.node("Cast", graph.clipped(rounded, 0, 255), to=BYTES)
    change = _sums(graph, hidden, "point", graph.constant(0, np.uint8), zero, [0, 0, 0, 0])
    new = graph.node("Floor", graph.node("Add", graph.node("Add", "state", change), graph.constant(0.5)))
    return graph.file(graph.clipped(new, -15 * 2.0**8, 15 * 2.0**8))


def _sums(graph: Graph, x: str, layer: str, zero: str, weight_zero: str, pads: list[int]) -> str:
    """Add a convolution of bytes, its bias and its scale by powers of two, in floats that hold it exactly."""
    raw = graph.node("ConvInteger", x, layer, zero, weight_zero, pads=pads)
    return graph.node("Mul", graph.node("Cast", graph.node("Add", raw, f"{layer}_bias"), to=FLOATS), f"{layer}_scale")


GRAPHS: dict[str, Callable[[], bytes]] = {"integer_block": integer_block}
"""How each graph is built, by its name."""
