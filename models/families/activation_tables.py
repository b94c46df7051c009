"""Tables of the activation functions on integer grids: a decoder evaluates no transcendental function.

A table holds a function at -8, -8 + 2**-6, ..., 8 - 2**-6, computed in decimals and rounded half up to a grid.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ...shapes import Float32

TABLE_BITS = 6
"""Inputs of the tables lie on the grid 2**-6 ..."""
TABLE_LIMIT = 8
"""... in [-8, 8)."""
MIDDLE = TABLE_LIMIT * 2**TABLE_BITS
"""Index of a table's entry for 0."""
ELU_BITS, GATE_BITS = 4, 8
"""ELU and tanh, inputs of products, lie on the grid 2**-4; a gate lies on 2**-8."""
TANH_SCALE = 4
"""Inputs of products after a tanh are 4 tanh(x): of tanh(x) itself the grid would leave 33 values."""


@cache
def table(name: str) -> Float32[NDArray[np.float32], " entries"]:
    """Return the values of a function in steps of its grid.

    Args:
        name: `elu` or `tanh` (times `TANH_SCALE`), in steps of 2**-4, or `sigmoid`, in steps of 2**-8.

    Returns:
        1024 whole numbers.
    """
    function, bits = {"elu": (_elu, ELU_BITS), "tanh": (_tanh, ELU_BITS), "sigmoid": (_sigmoid, GATE_BITS)}[name]
    with localcontext() as decimals:
        decimals.prec = 40
        points = [Decimal(i) / 2**TABLE_BITS for i in range(-MIDDLE, MIDDLE)]
        steps = [(function(x) * 2**bits + Decimal("0.5")).to_integral_value("ROUND_FLOOR") for x in points]
    limit = 2**bits if name == "sigmoid" else 127
    return np.array([min(int(step), limit) for step in steps], np.float32)


def _elu(x: Decimal) -> Decimal:
    return x if x > 0 else x.exp() - 1


def _tanh(x: Decimal) -> Decimal:
    shrunk = (-2 * abs(x)).exp()
    return (TANH_SCALE * (1 - shrunk) / (1 + shrunk)).copy_sign(x)


def _sigmoid(x: Decimal) -> Decimal:
    return 1 / (1 + (-x).exp())
