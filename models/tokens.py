"""Whole numbers as tokens of a small alphabet, each followed by a number of raw bits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..shapes import Float32, Float64, Int32

Integers = NDArray[np.int32]


@dataclass(frozen=True)
class TokenAlphabet:
    """An alphabet that is symmetric about 0.

    Args:
        direct: numbers of at most this magnitude have a token each.
        buckets: bits that follow the further tokens, growing outwards on each side.
    """

    direct: int
    buckets: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of tokens, K."""
        return 2 * (self.direct + len(self.buckets)) + 1

    @property
    def largest(self) -> int:
        """The largest magnitude that a token and its bits can hold."""
        return self.direct + sum(1 << bits for bits in self.buckets)

    @cached_property
    def starts(self) -> Int32[NDArray[np.int32], " magnitudes"]:
        """The smallest magnitude of every token, by |token|."""
        sizes = [1] * (self.direct + 1) + [2**bits for bits in self.buckets]
        return np.cumsum([0, *sizes])[:-1].astype(np.int32)

    @cached_property
    def bits(self) -> Int32[NDArray[np.int32], " magnitudes"]:
        """The number of bits that follow a token, by |token|."""
        return np.array([0] * (self.direct + 1) + list(self.buckets), np.int32)

    def edges(self) -> Float64[NDArray[np.float64], " edges"]:
        """Return the bounds of every token's numbers, halfway between whole numbers: K + 1."""
        outer = np.append(self.starts[1:], self.largest + 1) - 0.5
        return np.concatenate([-outer[::-1], outer])

    @cached_property
    def _split(self) -> NDArray[np.int32]:
        """The token and the remainder of every number from -largest to largest. (2, 2 largest + 1)"""
        numbers = np.arange(-self.largest, self.largest + 1, dtype=np.int32)
        size = np.abs(numbers)
        magnitude = (np.searchsorted(self.starts, size, side="right") - 1).astype(np.int32)
        tokens = np.where(numbers < 0, -magnitude, magnitude) + self.size // 2
        return np.stack([tokens, size - self.starts[magnitude]]).astype(np.int32)

    @cached_property
    def _parts(self) -> NDArray[np.int32]:
        """Each token's number nearest to 0, the direction from there, and the number of raw bits. (3, K)"""
        signed = np.arange(self.size, dtype=np.int32) - self.size // 2
        sign = np.where(signed < 0, -1, 1)
        return np.stack([sign * self.starts[np.abs(signed)], sign, self.bits[np.abs(signed)]]).astype(np.int32)

    def split(
        self, numbers: Int32[NDArray[np.int32], "*shape"]
    ) -> tuple[Int32[NDArray[np.int32], "*shape"], Int32[NDArray[np.int32], "*shape"]]:
        """Return the tokens of numbers, and the remainders that raw bits hold.

        Args:
            numbers: integers (n,) from -largest to largest.

        Returns:
            Tokens (n,) from 0 to K - 1, and remainders (n,) in [0, 2**bits).
        """
        places = numbers + np.int32(self.largest)
        tokens, rest = self._split
        return tokens.take(places), rest.take(places)

    def join(
        self, tokens: Int32[NDArray[np.int32], "*shape"], rest: Int32[NDArray[np.int32], "*shape"]
    ) -> Int32[NDArray[np.int32], "*shape"]:
        """Return the numbers (n,) of tokens (n,) and their remainders (n,); the inverse of `split`."""
        start, sign, _ = self._parts
        joined: Integers = start.take(tokens) + sign.take(tokens) * rest
        return joined

    def extra_bits(self, tokens: Int32[NDArray[np.int32], "*shape"]) -> Int32[NDArray[np.int32], "*shape"]:
        """Return the number of bits that follow each token (n,)."""
        found: Integers = self._parts[2].take(tokens)
        return found


class TokenTables:
    """Tables of distributions and the tokens that they are over, as `interface.hierarchy.Residuals`.

    Args:
        alphabet: the tokens.
        tables: integer weights of each context.
    """

    def __init__(self, alphabet: TokenAlphabet, tables: Float32[NDArray[np.float32], "contexts tokens"]) -> None:
        self.alphabet, self.tables = alphabet, tables

    def split(
        self, residuals: Int32[NDArray[np.int32], " n"]
    ) -> tuple[Int32[NDArray[np.int32], " n"], Int32[NDArray[np.int32], " n"]]:
        """Return the tokens of residuals (n,) and their remainders; see `TokenAlphabet.split`."""
        return self.alphabet.split(residuals)

    def extra_bits(self, tokens: Int32[NDArray[np.int32], " n"]) -> Int32[NDArray[np.int32], " n"]:
        """Return the number of bits that hold each token's remainder (n,)."""
        return self.alphabet.extra_bits(tokens)

    def join(
        self, tokens: Int32[NDArray[np.int32], " n"], remainders: Int32[NDArray[np.int32], " n"]
    ) -> Int32[NDArray[np.int32], " n"]:
        """Return the residuals of tokens (n,) and their remainders; see `TokenAlphabet.join`."""
        return self.alphabet.join(tokens, remainders)


def logistic_mass(edges: Float64[NDArray[np.float64], "... edges"]) -> Float64[NDArray[np.float64], "... cells"]:
    """Return a standard logistic's probability between neighbouring edges, from the side on which it is precise."""
    low, high = edges[..., :-1], edges[..., 1:]
    flip = low + high > 0
    a, b = np.where(flip, -high, low), np.where(flip, -low, high)
    return np.asarray(0.5 * (1 + np.tanh(b / 2)) - 0.5 * (1 + np.tanh(a / 2)))
