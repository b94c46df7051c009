"""Residuals, pixels minus their rounded means, as tokens of a small alphabet, each followed by a number of raw bits.

A token's distribution is one of CONTEXTS tables: a mean's fraction, a scale, a tail. A table is K integer weights as
the coder takes them; they are data of a weights file, so nothing has to be computed alike on two machines.

    log-density: (1 - t) logistic(scale) + t logistic(4 scale), t = 2**-(1 + 1.25 tail)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...shapes import Float32
from ..tokens import TokenAlphabet, TokenTables
from .grids import MEAN_STEPS, SCALES, TAILS

ALPHABET = TokenAlphabet(20, (2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8))
"""Tokens of residuals up to 552; pixels have at most 510."""
TOKENS = ALPHABET.size
"""K, the size of the alphabet."""
CONTEXTS = MEAN_STEPS * SCALES * TAILS
"""Number of tables."""
WIDE = 4.0
"""The wide component's scale in units of the narrow one's."""


class ResidualTokens(TokenTables):
    """The tables of a model of lossless pixels.

    Args:
        tables: integer weights of each context.
    """

    def __init__(self, tables: Float32[NDArray[np.float32], "contexts tokens"]) -> None:
        super().__init__(ALPHABET, tables)
