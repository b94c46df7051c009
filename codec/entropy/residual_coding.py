"""Codes residuals of lossless pixels as symbols: two sources of pixels for a pixel model's pass.

A step's tokens are coded in the order of their contexts (the step's order where those are equal): symbols of one
distribution then stand together, and the coder needs a table for each distribution, not for each pixel. What is left of
large residuals follows: first those of the fewest bits.
"""

import numpy as np
from numpy.typing import NDArray

from ...models.interface.hierarchy import PixelStep, Residuals
from ...shapes import Int32, Int64
from . import ans
from .ans import Stack, Tables
from .chunks import ChunkDecoder, Recorder


class Encoder:
    """Takes the image's residuals and gathers the intervals of their symbols, in `recorder`.

    Args:
        model: Splits residuals into tokens and remainders.
        tables: Distributions of the tokens.
        recorder: Where the intervals go; a new one if it is None.
    """

    def __init__(self, model: Residuals, tables: Tables, *, recorder: Recorder | None = None) -> None:
        self._model, self._tables = model, tables
        self.recorder = Recorder() if recorder is None else recorder
        self.bits = 0.0
        """Cost of all symbols so far: the sum of -log2 p."""

    def next(self, step: PixelStep) -> Int32[NDArray[np.int32], " n"]:
        """Return the image's residuals and remember their intervals."""
        residuals, contexts = step.residuals(), step.contexts
        order = _order(contexts)
        tokens, rest = self._model.split(residuals[order])
        self._take(self._tables, contexts[order], tokens)
        for table, where in remainders(self._model.extra_bits(tokens)):
            chosen = rest[where]
            self._take(table, np.zeros_like(chosen), chosen)
        return residuals

    def _take(self, tables: Tables, contexts: NDArray[np.int32], symbols: NDArray[np.int32]) -> None:
        intervals = tables.intervals(contexts, symbols)
        self.recorder.take(intervals, symbols)
        self.bits += ans.bits(intervals[1])


class Decoder:
    """Reads residuals from a stream of symbols.

    Args:
        stream: The stream.
        model: Joins tokens and remainders.
        tables: Distributions of the tokens.
    """

    def __init__(self, stream: ChunkDecoder | Stack, model: Residuals, tables: Tables) -> None:
        self._stream, self._model, self._tables = stream, model, tables

    def next(self, step: PixelStep) -> Int32[NDArray[np.int32], " n"]:
        """Return the residuals that were coded."""
        contexts = step.contexts
        order = _order(contexts)
        residuals = np.empty_like(contexts)
        residuals[order] = self._residuals(self._stream.decode_shared(self._tables, contexts[order]))
        return residuals

    def _residuals(self, tokens: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the residuals of tokens and of their remainders, which follow in the stream."""
        rest = np.zeros_like(tokens)
        for table, where in remainders(self._model.extra_bits(tokens)):
            rest[where] = self._stream.decode_shared(table, np.zeros(len(where), np.int32))
        return self._model.join(tokens, rest)


def _order(contexts: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the order of contexts, stable. Numbers of 16 bits are sorted in linear time."""
    narrow = contexts.astype(np.uint16) if contexts.max(initial=0) < 2**16 else contexts
    return np.argsort(narrow, kind="stable")


def remainders(sizes: Int32[NDArray[np.int32], " n"]) -> list[tuple[Tables, Int64[NDArray[np.int64], " m"]]]:
    """Return for each number of bits >= 1 that occurs the remainders' table and the indices of their tokens."""
    if not sizes.any():
        return []
    present = np.flatnonzero(np.bincount(sizes))
    return [(ans.uniform()[size - 1], np.flatnonzero(sizes == size)) for size in present if size]
