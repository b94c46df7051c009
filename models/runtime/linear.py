"""Linear maps of the integers in a weights file: inputs and outputs count steps of their grids.

A map has 8-bit weights w, an exponent f for each output and a bias b: its outputs are (w x + b) 2^-(f + 4) for inputs x
in steps of 2^-4. Sums stay below 2^24, so that float32 holds every one of them exactly, in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...shapes import Float, Float32, Int8, Int32, UInt8

ACTIVATION_BITS, RESIDUAL_BITS = 4, 8
"""Inputs of products lie on the grid 2**-4, the residual stream on 2**-8."""
STATE_LIMIT = 15 * 2**RESIDUAL_BITS
"""Largest magnitude of the residual stream, in steps."""
RATIO = np.float32(2.0 ** (ACTIVATION_BITS - RESIDUAL_BITS))
"""Factor from steps of the residual stream to steps of a product's input."""
ZERO_POINT = 128
FLOAT32_LIMIT = 2**24
SHIFTS = (-4, 20)
"""Smallest and largest exponent of an output's weights."""


class BoundError(ValueError):
    """The sums of a set of weights could round, so that it cannot be used."""


@dataclass(frozen=True)
class IntegerMap:
    """The integers of a linear map.

    Args:
        weight: (outputs, inputs).
        shift: The exponent f of each output.
        bias: In steps of the sums.
    """

    weight: Int8[NDArray[np.int8], "outputs inputs"]
    shift: Int8[NDArray[np.int8], " outputs"]
    bias: Int32[NDArray[np.int32], " outputs"]

    @classmethod
    def of(
        cls, tensors: Any, inputs: int, outputs: int, input_limit: int = 127, limit: float = FLOAT32_LIMIT
    ) -> IntegerMap:
        """Take the map of a weights file.

        Args:
            tensors: Tensors named weight, shift and bias.
            inputs: Their number.
            outputs: Their number.
            input_limit: Largest magnitude of an input in steps of 2**-4.
            limit: Bound of the sums in steps of their grid.

        Raises:
            BoundError: A sum could reach the limit.
            ValueError: The tensors do not fit.
        """
        found = cls(
            tensors.take("weight", np.int8, (outputs, inputs)),
            tensors.take("shift", np.int8, (outputs,)),
            tensors.take("bias", np.int32, (outputs,)),
        )
        if found.bound(input_limit) >= limit or found.shift.min() < SHIFTS[0] or found.shift.max() > SHIFTS[1]:
            raise BoundError("its sums could round")
        return found

    def bound(self, input_limit: int = 127) -> int:
        """Return the largest sum that inputs of at most `input_limit` steps can cause, in steps of the sums."""
        weights = np.abs(self.weight.astype(np.float32)) @ np.ones(
            self.weight.shape[1], np.float32
        )  # exact: below 2**24
        return int((weights.astype(np.int64) * input_limit + np.abs(self.bias.astype(np.int64))).max())

    def scale(self, bits: int | NDArray[Any]) -> Float32[NDArray[np.float32], " outputs"]:
        """Return the factor from sums to steps of 2**-bits, a power of two for each output."""
        return np.asarray(np.exp2(np.asarray(bits) - ACTIVATION_BITS - self.shift.astype(np.float32)), np.float32)

    def unsigned(self) -> UInt8[NDArray[np.uint8], "outputs inputs"]:
        """Return the weights as unsigned bytes, 128 more than they are."""
        return (self.weight.astype(np.int16) + ZERO_POINT).astype(np.uint8)


class Matrix:
    """A map ready for products with inputs in steps of 2**-4, whose outputs count steps of 2**-bits."""

    def __init__(self, integers: IntegerMap, bits: int | NDArray[Any]) -> None:
        scale = integers.scale(bits)
        self.matrix: NDArray[np.float32] = np.ascontiguousarray((integers.weight * scale[:, None]).T)
        self.bias: NDArray[np.float32] = integers.bias.astype(np.float32) * scale

    def __call__(self, x: Float[NDArray[np.float32], "n inputs"]) -> Float32[NDArray[np.float32], "n outputs"]:
        """Return the outputs (n, outputs) before rounding."""
        out: NDArray[np.float32] = x @ self.matrix
        out += self.bias
        return out


def rounded(x: Float[NDArray[Any], "*shape"]) -> Float[NDArray[Any], "*shape"]:
    """Round half up, in place."""
    x += x.dtype.type(0.5)
    np.floor(x, out=x)
    return x


def clamped(x: Float[NDArray[Any], "*shape"], least: ArrayLike, greatest: ArrayLike) -> Float[NDArray[Any], "*shape"]:
    """Clamp, in place."""
    np.clip(x, least, greatest, out=x)
    return x


def quantised(x: Float[NDArray[Any], "*shape"], bits: int, limit: float = np.inf) -> Float[NDArray[Any], "*shape"]:
    """Return `x` rounded half up to multiples of 2**-bits and clamped to +-limit."""
    step = 2.0**-bits
    return clamped(rounded(x / x.dtype.type(step)) * x.dtype.type(step), -limit, limit)


def product_inputs(state: Float32[NDArray[np.float32], "*shape"]) -> Float32[NDArray[np.float32], "*shape"]:
    """Convert steps of the residual stream to the signed 8-bit input of a product."""
    return clamped(rounded(state * RATIO), -127, 127)
