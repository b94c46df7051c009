"""Runs of bytes, each coded by a table of its own, with the coder that images are coded with (constriction's ANS).

The coder is imported where it is used: who trains imports this, reads weights that have no runs, and needs none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SHARES = 65535
"""Sum of a table's shares. 256 times a share and one is a frequency; those sum to 2**24."""

Bytes = NDArray[np.uint8]


def encode(symbols: Bytes, lengths: list[int]) -> tuple[NDArray[np.uint16], bytes]:
    """The tables of runs of these lengths, none of them 0, (runs, 256), and the symbols' bytes."""
    import constriction  # type: ignore[import-untyped]  # it has no types

    coder = constriction.stream.stack.AnsCoder()
    runs = np.split(symbols, np.cumsum(lengths)[:-1]) if lengths else []
    tables = np.array([_shares(np.bincount(run, minlength=256)) for run in runs], np.uint16).reshape(-1, 256)
    for run, shares in zip(runs[::-1], tables[::-1], strict=True):
        coder.encode_reverse(run.astype(np.int32), _model(shares))
    return tables, coder.get_compressed().astype("<u4").tobytes()


def decode(tables: NDArray[np.uint16], lengths: list[int], payload: bytes) -> Bytes:
    """The runs' symbols one after the other. ValueError if tables or bytes are none."""
    import constriction

    if len(payload) % 4 or (tables.sum(axis=1, dtype=np.int64) != SHARES).any():
        raise ValueError("its entries are not valid")
    words = np.frombuffer(payload, "<u4").astype(np.uint32)
    coder = constriction.stream.stack.AnsCoder(words if len(words) else None)
    found = [coder.decode(_model(shares), length) for shares, length in zip(tables, lengths, strict=True)]
    if not coder.is_empty():
        raise ValueError("its entries are not valid")
    return np.concatenate([np.empty(0, np.uint8), *(run.astype(np.uint8) for run in found)])


def _model(shares: NDArray[np.uint16]) -> Any:
    """The coder's model: it adds one to each weight."""
    import constriction

    return constriction.stream.model.Categorical(shares.astype(np.float32) * np.float32(256), perfect=False)


def _shares(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts as shares of SHARES, at least one for what occurs; the most frequent makes up for rounding."""
    shares: NDArray[np.int64] = np.maximum(counts * SHARES // counts.sum(), counts > 0)
    shares[shares.argmax()] += SHARES - shares.sum()
    return shares
