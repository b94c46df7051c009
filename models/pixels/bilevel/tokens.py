"""Black and white pixels as symbols, and their distributions as the coder takes them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Int32
from ...runtime.prior import prior_weights
from .config import HALF, SCORE_BITS


def distributions() -> Float32[NDArray[np.float32], "contexts 2"]:
    """Return the integer weights of black and white for each of STEPS scores."""
    scores = np.arange(-HALF, HALF + 1) * 2.0**-SCORE_BITS
    return prior_weights(np.stack([np.zeros_like(scores), scores], axis=1))


class BilevelTokens:
    """Pixels that are their own tokens, as `interface.Residuals`: nothing is left of them."""

    def __init__(self) -> None:
        self.tables = distributions()

    def split(
        self, values: Int32[NDArray[np.int32], " n"]
    ) -> tuple[Int32[NDArray[np.int32], " n"], Int32[NDArray[np.int32], " n"]]:
        """Return the pixels, and zeros."""
        return values, np.zeros_like(values)

    def extra_bits(self, tokens: Int32[NDArray[np.int32], " n"]) -> Int32[NDArray[np.int32], " n"]:
        """Return zeros."""
        return np.zeros_like(tokens)

    def join(
        self, tokens: Int32[NDArray[np.int32], " n"], rest: Int32[NDArray[np.int32], " n"]
    ) -> Int32[NDArray[np.int32], " n"]:
        """Return the tokens."""
        return tokens
