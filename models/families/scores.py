"""The number format of a codebook's scores in weights files, and the bound that keeps them exact."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ...shapes import Integer
from ..runtime.linear import BoundError

FORM_BITS = 16
"""The parts of a form lie on the grid 2**-16, in bits."""
EMBEDDING_BITS = 6
"""Embeddings lie on the grid 2**-6 ..."""
EMBEDDING_LIMIT = 15.0
"""... with |e| <= 15."""


def check(name: str, parts: Mapping[str, Integer[NDArray[np.integer], "V D K"]]) -> None:
    """Check that no partial sum of a score can exceed 53 bits of its finest grid.

    Args:
        name: The layer's name, for the error message.
        parts: `constant` (V, 1, K), `linear` (V, D, K) and `quadratic` (V, D, K), which may be missing, in steps of
            2**-16; nothing where embeddings are the scores themselves.

    Raises:
        BoundError: If one could.
    """
    if not parts:
        return
    bound = np.abs(parts["constant"].astype(np.float64)).max() + EMBEDDING_LIMIT * _columns(parts["linear"])
    finest = FORM_BITS + EMBEDDING_BITS
    if "quadratic" in parts:
        bound, finest = bound + EMBEDDING_LIMIT**2 * _columns(parts["quadratic"]), finest + EMBEDDING_BITS
    largest = bound / 2**FORM_BITS
    if largest * 2.0**finest >= 2.0**53:
        raise BoundError(f"{name}: a score could be {largest:.3g} bits, too large for float64's 53")


def _columns(part: NDArray[np.integer]) -> float:
    """Return the largest sum of magnitudes over a symbol's coordinates, for a part (V, D, K)."""
    return float(np.abs(part.astype(np.float64)).sum(1).max())
