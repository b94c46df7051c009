"""Tests whether convolutions in floats give parts of a map the values that they have in the whole, to the bit."""

from __future__ import annotations

from functools import cache

import numpy as np

from . import kernels
from .onnx_file import FLOATS, Graph

LEAST_POSITIONS = 1024
"""Positions of a map for each thread from which on the kernels of floats add in one order, whatever the map's size."""
CHANNELS = 64


def least_positions() -> int:
    """Return how many positions a part of a map needs for equal results there (`sizes_are_immaterial`)."""
    return LEAST_POSITIONS * kernels.threads()


def sizes_are_immaterial() -> bool:
    """Tell whether a part of a map gets the values of the whole if it has at least `least_positions`.

    Kernels cut long sums into parts. Where they do that by the number of positions, sums round otherwise.
    """
    return _tried(least_positions())


@cache
def _tried(positions: int) -> bool:
    rows, columns = 46, 13 + -(-positions // 30)
    x = np.random.default_rng(0).standard_normal((1, CHANNELS, rows, columns), np.float32)
    network = kernels.Network(_graph)
    (whole,), (part,) = network(x=x), network(x=np.ascontiguousarray(x[:, :, 9:39, 5 : columns - 8]))
    return bool(np.array_equal(part[:, :, 2:-2, 2:-2], whole[:, :, 11:37, 7 : columns - 10]))


def _graph() -> bytes:
    """Return two convolutions as the float networks have them."""
    graph, drawn = Graph({"x": (FLOATS, 4)}), np.random.default_rng(1)
    bias, h = graph.constant(np.zeros(CHANNELS, np.float32)), "x"
    for _ in range(2):
        weight = drawn.standard_normal((CHANNELS, CHANNELS, 3, 3), np.float32)
        h = graph.node("Conv", graph.node("Relu", h), graph.constant(weight), bias, pads=[1] * 4)
    return graph.file(h)
