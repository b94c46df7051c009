"""Distributions of tokens that adapt while an image is coded: counts for each context, renewed now and then."""

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Int32
from .tokens import TOKENS, first_counts

TOTAL = 2**24
"""Sum of all frequencies of the entropy coder."""
STEP = 32
"""What a token adds to its count."""
_MOST = 2**17
"""Counts of a context are halved when their sum exceeds this."""
_FEWEST, _LATEST = 64, 2048


class AdaptiveCounts:
    """Counts of tokens by context. Encoder and decoder note the same tokens, so that they hold the same counts."""

    def __init__(self, planes: int) -> None:
        """Start with the counts of a number of planes, which have contexts of their own."""
        self._counts = np.tile(first_counts(), (planes, 1))
        self._pending: list[NDArray[np.int64]] = []
        self._noted = self._waiting = 0

    def note(self, contexts: Int32[NDArray[np.int32], " n"], tokens: Int32[NDArray[np.int32], " n"]) -> bool:
        """Note the tokens of a wavefront, and return whether the weights are others now.

        They are renewed once 1/16 of all tokens wait, but at least 64, or 2048.
        """
        self._pending.append(contexts.astype(np.int64) * TOKENS + tokens)
        self._noted += len(tokens)
        self._waiting += len(tokens)
        if self._waiting < min(max(_FEWEST, self._noted // 16), _LATEST):
            return False
        self._renew()
        return True

    def _renew(self) -> None:
        found = np.bincount(np.concatenate(self._pending), minlength=self._counts.size)
        self._counts += STEP * found.reshape(self._counts.shape)
        large = self._counts.sum(axis=1) > _MOST
        self._counts[large] = (self._counts[large] + 1) >> 1
        self._pending, self._waiting = [], 0

    def weights(self) -> Float32[NDArray[np.float32], "contexts tokens"]:
        """Return the weights that the entropy coder takes: they sum to TOTAL - (TOKENS + 2) for each context."""
        total = TOTAL - (TOKENS + 2)
        shares = self._counts * total // self._counts.sum(axis=1, keepdims=True)
        shares[:, TOKENS // 2] += total - shares.sum(axis=1)
        found: NDArray[np.float32] = shares.astype(np.float32)
        return found
