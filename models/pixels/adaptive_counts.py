"""Distributions of tokens that adapt while an image is coded: counts for each context, renewed now and then."""

import numpy as np
from numpy.typing import NDArray

from ...shapes import Float32, Int32, Int64

TOTAL = 2**24
"""Sum of all frequencies of the entropy coder."""
STEP = 32
"""What a token adds to its count."""
_MOST = 2**17
"""Counts of a context are halved when their sum exceeds this."""
_FEWEST, _LATEST = 64, 2048


class AdaptiveCounts:
    """Counts of tokens by context. Encoder and decoder note the same tokens, so that they hold the same counts."""

    def __init__(self, first: Int64[NDArray[np.int64], "contexts tokens"], rest: int) -> None:
        """Start with counts of at least 1; the token `rest` gets what rounding leaves of the weights."""
        self._counts, self._rest, self._tokens = first, rest, first.shape[1]
        self._pending: list[NDArray[np.int64]] = []
        self._noted = self._waiting = 0

    @property
    def patience(self) -> int:
        """How many tokens wait before counts are renewed: 1/16 of all so far, but at least 64, at most 2048."""
        return min(max(_FEWEST, self._noted // 16), _LATEST)

    def note(self, contexts: Int32[NDArray[np.int32], " n"], tokens: Int32[NDArray[np.int32], " n"]) -> bool:
        """Note tokens that were coded together, and return whether the weights are others now."""
        self._pending.append(contexts.astype(np.int64) * self._tokens + tokens)
        self._noted += len(tokens)
        self._waiting += len(tokens)
        if self._waiting < self.patience:
            return False
        self.renew()
        return True

    def renew(self) -> None:
        """Add what waits to the counts."""
        found = np.bincount(np.concatenate(self._pending), minlength=self._counts.size)
        self._counts += STEP * found.reshape(self._counts.shape)
        large = self._counts.sum(axis=1) > _MOST
        self._counts[large] = (self._counts[large] + 1) >> 1
        self._pending, self._waiting = [], 0

    def weights(self) -> Float32[NDArray[np.float32], "contexts tokens"]:
        """Return the weights that the entropy coder takes: they sum to TOTAL - (tokens + 2) for each context."""
        total = TOTAL - (self._tokens + 2)
        shares = self._counts * total // self._counts.sum(axis=1, keepdims=True)
        shares[:, self._rest] += total - shares.sum(axis=1)
        found: NDArray[np.float32] = shares.astype(np.float32)
        return found
