"""Codes symbols as bytes by an ANS coder (constriction's, 64-bit state, 32-bit words, 24-bit precision).

A model gives integer weights w_0 .. w_{K-1} that sum to 2**24 - (K + 2). Symbol k has the frequency w_k + 1 and
the interval that begins at 1 + sum of the frequencies before it: one unit at either end of the 2**24 is never coded.

    |1|---- w_0 + 1 ----|-- w_1 + 1 --| ... |-- w_{K-1} + 1 --|1|

Source:
    Duda (2009), "Asymmetric numeral systems"; Bamler (2022), "Understanding Entropy Coding With Asymmetric Numeral
    Systems (ANS): a Statistician's Perspective", which describes constriction.
"""

from functools import lru_cache
from typing import Any, Final

import constriction  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

from ...errors import DvcodecError, FormatError
from ...shapes import Float32, Int32, Num, UInt32

TOTAL: Final = 2**24
"""Sum of all frequencies, the two unused units included."""
_ENCODE_BLOCK: Final = 1 << 16
_MODEL: Final[Any] = constriction.stream.model.Categorical(perfect=False)


Intervals = tuple[UInt32[NDArray[np.uint32], " n"], UInt32[NDArray[np.uint32], " n"]]
"""Beginnings and frequencies of symbols' intervals in [0, 2**24)."""


def check_weights(weights: Num[NDArray[np.float32], "n K"]) -> None:
    """Refuse weights that break the contract: the coder would silently decode them wrongly.

    Args:
        weights: Whole numbers from 0 on; each row sums to 2**24 - (K + 2).

    Raises:
        DvcodecError: If they are anything else.
    """
    count, symbols = weights.shape
    # Whole, non-negative float32 numbers below 2**24 sum exactly in any order.
    good = count == 0 or (weights.min() >= 0 and bool((weights.sum(axis=1) == TOTAL - (symbols + 2)).all()))
    if weights.dtype != np.float32 or symbols < 2 or not good:
        raise DvcodecError(
            "the weights yield no valid frequencies", "the weights file is damaged or of another release"
        )


def intervals(weights: Num[NDArray[np.float32], "n K"], symbols: Int32[NDArray[np.int32], "..."]) -> Intervals:
    """Return the intervals of symbols in [0, 2**24).

    Args:
        weights: The distribution of each symbol.
        symbols: (n,) numbers below K.

    Returns:
        Beginnings and frequencies, (n,) each.

    Raises:
        DvcodecError: If the weights or the symbols break the contract.
    """
    check_weights(weights)
    if symbols.shape != weights.shape[:1] or (
        symbols.size and not 0 <= symbols.min() <= symbols.max() < weights.shape[1]
    ):
        raise DvcodecError("the model chose symbols outside its alphabet")
    rows = np.arange(len(symbols))
    chosen = weights[rows, symbols]
    left = _sums_before(weights, symbols).astype(np.uint32) + symbols.astype(np.uint32) + np.uint32(1)
    return left, chosen.astype(np.uint32) + np.uint32(1)


def framed_intervals(
    rows: Float32[NDArray[np.float32], "n framed"], symbols: Int32[NDArray[np.int32], " n"]
) -> Intervals:
    """Return the intervals of symbols (n,) under rows of weights between two zeros (n, K + 2), as `decode_framed`."""
    starts = np.arange(len(symbols)) * rows.shape[1]
    flat, edges = rows.ravel(), np.stack([starts, starts + symbols + 1], axis=1).ravel()
    sums = np.add.reduceat(flat, edges)[::2] if len(symbols) else np.empty(0, np.float32)
    unit = np.uint32(1)
    left = sums.astype(np.uint32) + symbols.astype(np.uint32) + unit
    return left, flat.take(edges[1::2]).astype(np.uint32) + unit


def _sums_before(weights: NDArray[np.float32], symbols: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return the (n,) sums of the weights before each symbol (whole numbers below 2**24: exact)."""
    if not symbols.size:
        return np.empty(0, np.float32)
    starts = np.arange(len(symbols)) * weights.shape[1]
    edges = np.stack([starts, starts + symbols], axis=1).ravel()
    sums = np.add.reduceat(np.ascontiguousarray(weights).ravel(), edges)[::2]
    return np.where(symbols == 0, np.float32(0), sums)  # reduceat gives an empty range its first element


def bits(frequencies: UInt32[NDArray[np.uint32], " n"]) -> float:
    """Return the cost of symbols of these frequencies in bits: the sum of -log2(frequency / 2**24)."""
    return float(24.0 * frequencies.size - np.log2(frequencies.astype(np.float64)).sum())


class Tables:
    """Holds distributions that many symbols share: a row of weights for each context."""

    def __init__(self, weights: Float32[NDArray[np.float32], "contexts K"]) -> None:
        """Check the weights and sum them up.

        Raises:
            DvcodecError: If the weights break the contract of `check_weights`.
        """
        check_weights(weights)
        self.weights = weights
        self._frequencies = weights.astype(np.uint32) + np.uint32(1)
        sums = np.cumsum(self._frequencies, axis=1, dtype=np.uint32)
        self._left = sums - self._frequencies + np.uint32(1)
        self._models: dict[int, Any] = {}
        self.rows = np.pad(weights, ((0, 0), (1, 1)))

    def intervals(self, contexts: Int32[NDArray[np.int32], " n"], symbols: Int32[NDArray[np.int32], " n"]) -> Intervals:
        """Return the (n,) beginnings and frequencies of symbols, each under the row of its context."""
        cells = contexts.astype(np.intp) * self._left.shape[1] + symbols
        return self._left.take(cells), self._frequencies.take(cells)

    def model(self, context: int) -> Any:
        """Return the coder's model of a row."""
        if context not in self._models:
            self._models[context] = constriction.stream.model.Categorical(self.rows[context], perfect=False)
        return self._models[context]


@lru_cache(maxsize=1)
def uniform() -> tuple[Tables, ...]:
    """Return tables of one row for numbers of 1 to 12 bits, as even as integers allow (what is over goes to 0)."""
    return tuple(even(2**bits) for bits in range(1, 13))


def even(size: int) -> Tables:
    """Return a table of one row for `size` symbols, as even as integers allow; what is over goes to 0."""
    total = TOTAL - (size + 2)
    weights = np.full((1, size), total // size, np.float32)
    weights[0, 0] += total % size
    return Tables(weights)


class Stack:
    """Stack of bits, the coder's state: the symbol pushed last is popped first.

    Popping symbols that were not pushed draws them with the bits that are there.
    """

    def __init__(self, words: UInt32[NDArray[np.uint32], " words"] | None = None) -> None:
        """Start from 32-bit words, the last of which is on top and not 0; or from nothing."""
        self._coder = constriction.stream.stack.AnsCoder(words if words is not None and len(words) else None)

    def restore(self, words: UInt32[NDArray[np.uint32], " words"]) -> None:
        """Go back to a state that `words` returned."""
        self._coder = constriction.stream.stack.AnsCoder(words if len(words) else None)

    def words(self) -> UInt32[NDArray[np.uint32], " words"]:
        """Return the stack as 32-bit words, the top one last."""
        found: NDArray[np.uint32] = self._coder.get_compressed()
        return found

    @property
    def bits(self) -> int:
        """Return about how many bits are on the stack."""
        return int(self._coder.num_bits())

    def push(self, left: UInt32[NDArray[np.uint32], " n"], frequencies: UInt32[NDArray[np.uint32], " n"]) -> None:
        """Push symbols by their intervals, so that they are popped in this order."""
        for end in range(len(left), 0, -_ENCODE_BLOCK):
            block = slice(max(end - _ENCODE_BLOCK, 0), end)
            table = np.empty((end - block.start, 3), np.float32)
            # constriction adds 1 to each entry: (left) + (frequency) + (the rest) = 2**24.
            table[:, 0] = left[block] - np.uint32(1)
            table[:, 1] = frequencies[block] - np.uint32(1)
            table[:, 2] = np.uint32(TOTAL - 1) - left[block] - frequencies[block]
            self._coder.encode_reverse(np.ones(len(table), np.int32), _MODEL, table)

    def decode(self, weights: Float32[NDArray[np.float32], "n K"]) -> Int32[NDArray[np.int32], " n"]:
        """Pop one symbol under each row of weights.

        Raises:
            FormatError: If the bits on the stack mean no symbol.
            DvcodecError: If the weights break the contract of `check_weights`.
        """
        check_weights(weights)
        table = np.zeros((len(weights), weights.shape[1] + 2), np.float32)
        table[:, 1:-1] = weights
        return self._popped(table)

    def decode_rows(self, tables: Tables, contexts: Int32[NDArray[np.int32], " n"]) -> Int32[NDArray[np.int32], " n"]:
        """Pop (n,) symbols, each under the row of its context of shared tables."""
        return self._popped(tables.rows.take(contexts, axis=0))

    def _popped(self, table: NDArray[np.float32]) -> NDArray[np.int32]:
        """Pop symbols under rows of weights with a 0 at either end, (n, K + 2)."""
        units = self._coder.decode(_MODEL, table) if len(table) else np.empty(0, np.int32)
        return self._shifted(units, table.shape[1] - 2)

    def decode_framed(self, rows: Float32[NDArray[np.float32], "n framed"]) -> Int32[NDArray[np.int32], " n"]:
        """Pop (n,) symbols under rows of weights between two zeros, which keep the contract of `check_weights`."""
        return self._popped(rows)

    def decode_shared(self, tables: Tables, contexts: Int32[NDArray[np.int32], " n"]) -> Int32[NDArray[np.int32], " n"]:
        """Pop (n,) symbols under rows of shared tables; equal contexts stand together (n >= 1)."""
        ends = [*(np.flatnonzero(np.diff(contexts)) + 1).tolist(), len(contexts)]
        runs = zip([0, *ends], ends, strict=False)
        parts = [self._coder.decode(tables.model(int(contexts[first])), end - first) for first, end in runs]
        return self._shifted(np.concatenate(parts), tables.weights.shape[1])

    def sample(self, weights: Float32[NDArray[np.float32], "n K"]) -> Int32[NDArray[np.int32], " n"]:
        """Pop (n,) symbols under weights (n, K) that sum to 2**24 - K: any bits mean symbols, `unsample` undoes it."""
        found: NDArray[np.int32] = self._coder.decode(_MODEL, _complete(weights))
        return found

    def unsample(self, weights: Float32[NDArray[np.float32], "n K"], symbols: Int32[NDArray[np.int32], " n"]) -> None:
        """Push the symbols back that `sample` popped under these weights."""
        self._coder.encode_reverse(symbols, _MODEL, _complete(weights))

    def _shifted(self, units: NDArray[np.int32], symbols: int) -> NDArray[np.int32]:
        # Damaged bytes may mean the two units that no symbol has.
        if units.size and not 1 <= units.min() <= units.max() <= symbols:
            raise FormatError("the symbols of a chunk are not valid")
        return units - np.int32(1)


def _complete(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Check weights that leave no unit over."""
    symbols = weights.shape[1]
    if weights.dtype != np.float32 or weights.min() < 0 or bool((weights.sum(axis=1) != TOTAL - symbols).any()):
        raise DvcodecError("the posterior yields no valid frequencies", "the weights file is damaged")
    return weights
