"""Two arithmetics for one network, as `families.arithmetic`: on integer grids, in steps, and in plain floats."""

from __future__ import annotations

from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32
from ...runtime.linear import RESIDUAL_BITS, STATE_LIMIT, clamped, product_inputs, rounded
from .. import activation_tables
from ..activation_tables import ELU_BITS, GATE_BITS, MIDDLE, TABLE_BITS, TANH_SCALE
from ..scores import EMBEDDING_BITS, EMBEDDING_LIMIT

LARGEST_EMBEDDING = EMBEDDING_LIMIT * 2**EMBEDDING_BITS
"""Largest magnitude of an embedding on its grid, in steps."""

Values = Float32[NDArray[np.float32], "*shape"]
Channels = Float32[NDArray[np.float32], "*shape channels"]
Map = Float32[NDArray[np.float32], "B H W C"]
Pooled = Float32[NDArray[np.float32], "B #H #W C"]
"""A map of one position, or of as many as another one."""
Half = Float32[NDArray[np.float32], "*shape channels//2"]


class RuntimeArithmetic(Protocol):
    """Activation functions and roundings of a network."""

    exact: bool
    """Whether values are whole steps of grids."""

    def entered(self, d: Values) -> Values:
        """Return features of an exact chain as this arithmetic takes them."""
        ...

    def units(self, x: Values) -> Values:
        """Return values of this arithmetic's chains in units."""
        ...

    def vectors(self, codes: Values) -> Values:
        """Return vectors of symbols, in steps of 2**-4, as inputs of a product."""
        ...

    def inputs(self, x: Values) -> Values:
        """Return features as inputs of a product."""
        ...

    def elu(self, x: Values) -> Values:
        """Return ELU of features, as inputs of a product."""
        ...

    def tanh(self, x: Values) -> Values:
        """Return 4 tanh(x) of features, as inputs of a product."""
        ...

    def gated(self, x: Channels) -> Half:
        """Return a * sigmoid(b) of the two halves a and b of the channels."""
        ...

    def scaled(self, a: Map, b: Pooled) -> Map:
        """Return a * sigmoid(b) of maps a and numbers b of each channel."""
        ...

    def pooled(self, x: Map) -> Pooled:
        """Return means over the positions, as inputs of a product."""
        ...

    def residual(self, x: Values) -> Values:
        """Round and clamp values of the residual stream, in place."""
        ...

    def embedding(self, x: Values) -> Values:
        """Return embeddings in steps of 2**-6."""
        ...


class Grids:
    """Integer arithmetic: the chains' values count steps of 2**-8, inputs of products steps of 2**-4."""

    exact = True

    def entered(self, d: Values) -> Values:
        """Return `d`: it is exact."""
        return d

    def units(self, x: Values) -> Values:
        """Convert steps of 2**-8 to units."""
        return x * np.float32(2.0**-RESIDUAL_BITS)

    def vectors(self, codes: Values) -> Values:
        """Return codes clamped to what an input of a product may be."""
        return np.clip(codes, -127, 127)

    def inputs(self, x: Values) -> Values:
        """Round to steps of 2**-4 and clamp to the signed 8-bit range."""
        return product_inputs(x)

    def elu(self, x: Values) -> Values:
        """Look ELU up in its table."""
        return look_up(x, "elu")

    def tanh(self, x: Values) -> Values:
        """Look 4 tanh(x) up in its table."""
        return look_up(x, "tanh")

    def gated(self, x: Channels) -> Half:
        """Multiply the first half of the channels, as 8-bit numbers, by gates from the table."""
        width = x.shape[-1] // 2
        return self.scaled(x[..., :width], x[..., width:])

    def scaled(self, a: Map, b: Pooled) -> Map:
        """Multiply 8-bit numbers by gates from the table."""
        products = product_inputs(a)
        products *= look_up(b, "sigmoid")
        products *= np.float32(2.0 ** (RESIDUAL_BITS - ELU_BITS - GATE_BITS))
        return products

    def pooled(self, x: Map) -> Pooled:
        """Return the means of 8-bit numbers, rounded half up: no mean is a tie, see `families.arithmetic`."""
        means = product_inputs(x).mean(axis=(1, 2), keepdims=True, dtype=np.float64)
        found: NDArray[np.float32] = np.floor(means + 0.5 + 0.25 / (x.shape[1] * x.shape[2])).astype(np.float32)
        return found

    def residual(self, x: Values) -> Values:
        """Round to whole steps, within +-15 units."""
        return clamped(rounded(x), -STATE_LIMIT, STATE_LIMIT)

    def embedding(self, x: Values) -> Values:
        """Round to whole steps of 2**-6, within +-15 units."""
        steps = rounded(x * np.float32(2.0 ** (EMBEDDING_BITS - RESIDUAL_BITS)))
        return clamped(steps, -LARGEST_EMBEDDING, LARGEST_EMBEDDING)


class Floats:
    """Float arithmetic, for what no probability depends on: values are in units."""

    exact = False

    def entered(self, d: Values) -> Values:
        """Convert steps of 2**-8 to units."""
        return d * np.float32(2.0**-RESIDUAL_BITS)

    def units(self, x: Values) -> Values:
        """Return `x`."""
        return x

    def vectors(self, codes: Values) -> Values:
        """Convert steps of 2**-4 to units."""
        return codes * np.float32(2.0**-ELU_BITS)

    def inputs(self, x: Values) -> Values:
        """Return `x`."""
        return x

    def elu(self, x: Values) -> Values:
        """Return ELU(x)."""
        return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))

    def tanh(self, x: Values) -> Values:
        """Return 4 tanh(x)."""
        return np.float32(TANH_SCALE) * np.tanh(x)

    def gated(self, x: Channels) -> Half:
        """Multiply the first half of the channels by the logistic function of the second."""
        width = x.shape[-1] // 2
        return self.scaled(x[..., :width], x[..., width:])

    def scaled(self, a: Map, b: Pooled) -> Map:
        """Multiply by the logistic function."""
        return a * sigmoid(b)

    def pooled(self, x: Map) -> Pooled:
        """Return the means."""
        found: NDArray[np.float32] = x.mean(axis=(1, 2), keepdims=True)
        return found

    def residual(self, x: Values) -> Values:
        """Return `x`."""
        return x

    def embedding(self, x: Values) -> Values:
        """Convert units to steps of 2**-6, not rounded."""
        return x * np.float32(2.0**EMBEDDING_BITS)


GRIDS, FLOATS = Grids(), Floats()


def activation(x: Values, kind: str, own: RuntimeArithmetic) -> Values:
    """Return an activation function's values as inputs of a product: `elu`, `tanh` or `linear`."""
    return {"elu": own.elu, "tanh": own.tanh, "linear": own.inputs}[kind](x)


def arithmetic(*, exact: bool) -> RuntimeArithmetic:
    """Return integer or float arithmetic."""
    return GRIDS if exact else FLOATS


def sigmoid(x: Values) -> Values:
    """Return 1 / (1 + e^-x), without overflow."""
    found: NDArray[np.float32] = np.tanh(x * np.float32(0.5))
    found *= np.float32(0.5)
    found += np.float32(0.5)
    return found


@cache
def _wrapped(name: str) -> NDArray[np.float32]:
    """Return a table whose entry for 0 comes first; negative indices count from its end."""
    return np.roll(activation_tables.table(name), -MIDDLE)


def look_up(x: Values, name: str) -> Values:
    """Return the entry of a table for each value, in steps of 2**-8, rounded to 2**-6 and clamped to [-8, 8)."""
    index = clamped(rounded(x * np.float32(2.0 ** (TABLE_BITS - RESIDUAL_BITS))), -MIDDLE, MIDDLE - 1)
    return _wrapped(name).take(index.astype(np.intp))
