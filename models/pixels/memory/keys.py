"""Keys of the planes of a pixel: what the planes before say, as far as counts tell it apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....shapes import Int32

KEYS = (1, 2**8, 2**16)
"""Number of keys, by plane."""


def keys_of(before: list[Int32[NDArray[np.int32], " n"]], count: int) -> Int32[NDArray[np.int32], " n"]:
    """Return the keys of the next plane of `count` pixels.

    Args:
        before: Values of the planes before: the first is in [0, 255], the second is taken modulo 256.
        count: n.
    """
    found = np.zeros(count, np.int32)
    for values in before:
        found = (found << 8) | (values & 255)
    return found
