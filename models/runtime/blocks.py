"""A residual block of integers: by the kernels of 8-bit integers where these are exact, else by products of floats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...shapes import Float32, Shaped
from ..slices import slices
from . import kernels
from .linear import STATE_LIMIT, ZERO_POINT, clamped, product_inputs, rounded

STRIP_POSITIONS = 2**14
"""Positions that a block computes at once: its temporaries stay small, however large the image is."""


def integer_block(
    state: Float32[NDArray[np.float32], "1 C H W"], layer: Mapping[str, Shaped[NDArray[Any], ...]]
) -> Float32[NDArray[np.float32], "1 C H W"]:
    """Return a state after a residual block: 3x3 to a ReLU, 1x1 back, added to the state.

    Args:
        state: In steps of the residual stream.
        layer: The other inputs of the graph `integer_block`.
    """
    height, width = state.shape[2:]
    rows = max(STRIP_POSITIONS // width, 1)
    if height <= rows:
        return _block(state, layer)
    out = np.empty_like(state)
    for core in slices(height, rows):
        first, last = max(core.start - 1, 0), min(core.stop + 1, height)  # a 3x3 kernel sees one row beyond
        part = _block(np.ascontiguousarray(state[:, :, first:last]), layer)
        out[:, :, core] = part[:, :, core.start - first : core.stop - first]
    return out


def _block(
    state: Float32[NDArray[np.float32], "1 C H W"], layer: Mapping[str, Shaped[NDArray[Any], ...]]
) -> Float32[NDArray[np.float32], "1 C H W"]:
    if kernels.integers_are_exact():
        return kernels.run("integer_block", state=state, **layer)
    return block_in_floats(state, layer)


def block_in_floats(
    state: Float32[NDArray[np.float32], "1 C H W"], layer: Mapping[str, Shaped[NDArray[Any], ...]]
) -> Float32[NDArray[np.float32], "1 C H W"]:
    """Return what `integer_block` does, by products in float32, which holds all sums exactly; half as fast."""
    _, channels, height, width = state.shape
    spatial, point = (layer[name].astype(np.float32) - ZERO_POINT for name in ("spatial", "point"))
    padded = np.zeros((channels, height + 2, width + 2), np.float32)
    padded[:, 1:-1, 1:-1] = product_inputs(state[0])
    sums = np.zeros((channels, height * width), np.float32)
    for row in range(3):
        for column in range(3):
            shifted = padded[:, row : row + height, column : column + width].reshape(channels, -1)
            sums += spatial[:, :, row, column] @ shifted
    hidden = clamped(rounded(_scaled(sums, layer, "spatial")), 0, 255)
    change = _scaled(point[:, :, 0, 0] @ hidden, layer, "point")
    return clamped(rounded(state + change.reshape(state.shape)), -STATE_LIMIT, STATE_LIMIT)


def _scaled(sums: NDArray[np.float32], layer: Mapping[str, NDArray[Any]], name: str) -> NDArray[np.float32]:
    bias, scale = (layer[f"{name}_{part}"][:, :, 0] for part in ("bias", "scale"))
    return np.asarray((sums + bias.astype(np.float32)) * scale, np.float32)
