"""Codes the residuals of a strip's planes with and without a memory of the colours so far: two sources of pixels.

A memory changes no prediction, so that an encoder codes every plane in both ways in one pass and keeps the shorter one.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...models.interface.hierarchy import PlaneStep, Residuals
from ...models.pixels.memory.colour_slots import NONE, ColourSlots
from ...models.pixels.memory.keys import KEYS, keys_of
from ...models.pixels.memory.value_counts import ValueCounts
from ...shapes import Int32
from ..entropy import ans
from ..entropy.ans import Intervals, Tables
from ..entropy.chunks import ChunkDecoder, Recorder
from ..entropy.residual_coding import remainders

LAST = 2
"""The plane whose memory are colours; that of the others are values."""
_WORTH = 0.99
"""Largest share of its bits that a plane keeps with a memory: decoding with one takes more time."""


class _Planes:
    """Follows the planes of the pixels of a wavefront: the keys of each are the values of those before."""

    def __init__(self, tables: Tables, channels: int, planes: frozenset[int]) -> None:
        self._channels, self._before = channels, list[NDArray[np.int32]]()
        self.values = {p: ValueCounts(tables.weights, KEYS[p]) for p in planes if p != LAST}
        self.colours = ColourSlots(tables.weights) if LAST in planes else None

    def enter(self, step: PlaneStep) -> tuple[int, NDArray[np.int32]]:
        """Return a step's plane and the keys of its pixels."""
        plane = step.layer % self._channels
        if not plane:
            self._before = []
        return plane, keys_of(self._before, len(step.contexts))

    def leave(self, step: PlaneStep, residuals: NDArray[np.int32]) -> None:
        """Remember the values of a plane until the last plane is done."""
        self._before.append(step.middles + residuals)


Part = tuple[Intervals, NDArray[np.uint8]]
"""Intervals of symbols, and the symbols."""


@dataclass
class _Plane:
    """A plane's symbols so far in one way, step by step."""

    steps: list[list[Part]] = field(default_factory=list)

    def add(self, parts: list[Part]) -> None:
        """Add the symbols of a step."""
        self.steps.append(parts)

    def bits(self) -> float:
        """Return what all symbols cost, in bits."""
        return ans.bits(np.concatenate([intervals[1] for parts in self.steps for intervals, _ in parts]))


class MemoryEncoder:
    """Takes the image's residuals, and gathers the intervals of their symbols with and without a memory.

    Args:
        model: Splits residuals into tokens and remainders.
        tables: Distributions of the tokens.
        channels: Number of planes.
        planes: The planes for which a memory is tried.
    """

    def __init__(self, model: Residuals, tables: Tables, *, channels: int, planes: frozenset[int]) -> None:
        self._model, self._tables, self._planes = model, tables, _Planes(tables, channels, planes)
        self._plain = [_Plane() for _ in range(channels)]
        self._kept = {plane: _Plane() for plane in planes}

    def next(self, step: PlaneStep) -> Int32[NDArray[np.int32], " n"]:
        """Return the image's residuals and remember their intervals."""
        residuals, (plane, keys) = step.residuals(), self._planes.enter(step)
        tokens, rest = self._model.split(residuals)
        plain = self._tables.intervals(step.contexts, tokens)
        more = list[Part]()
        for table, where in remainders(self._model.extra_bits(tokens)):
            chosen = rest[where]
            more.append(_part(table.intervals(np.zeros_like(chosen), chosen), chosen))
        self._plain[plane].add([_part(plain, tokens), *more])
        if plane in self._kept:
            of = self._by_colours if plane == LAST else self._by_values
            self._kept[plane].add([*of(step, keys, residuals, tokens, plain), *more])
        self._planes.leave(step, residuals)
        return residuals

    def _by_values(
        self,
        step: PlaneStep,
        keys: NDArray[np.int32],
        residuals: NDArray[np.int32],
        tokens: NDArray[np.int32],
        _: Intervals,
    ) -> list[Part]:
        """Return a step's tokens under counts of values."""
        values = self._planes.values[step.layer % len(self._plain)]
        rows = values.weights(step.contexts, step.middles, keys)
        values.note(residuals)
        return [_part(ans.framed_intervals(rows, tokens), tokens)]

    def _by_colours(
        self,
        step: PlaneStep,
        keys: NDArray[np.int32],
        residuals: NDArray[np.int32],
        tokens: NDArray[np.int32],
        plain: Intervals,
    ) -> list[Part]:
        """Return a step's candidates, and the tokens of the pixels that are none."""
        colours = self._planes.colours
        assert colours is not None
        asked, rows = colours.weights(step.contexts, step.middles, keys)
        symbols = colours.symbols(residuals)
        colours.note(symbols, residuals)
        left = np.ones(len(residuals), np.bool_)
        left[asked] = symbols == NONE
        found = _part(ans.framed_intervals(rows, symbols), symbols)
        return [found, _part((plain[0][left], plain[1][left]), tokens[left])]

    def finish(self) -> tuple[frozenset[int], bytes]:
        """Return the planes that have a memory, those for which it pays, and the bytes of the chunk."""
        chosen = {p for p, kept in self._kept.items() if kept.bits() < _WORTH * self._plain[p].bits()}
        ways = [self._kept[p] if p in chosen else plain for p, plain in enumerate(self._plain)]
        recorder = Recorder()
        for planes in zip(*(way.steps for way in ways), strict=True):
            for parts in planes:
                for intervals, symbols in parts:
                    recorder.take(intervals, symbols.astype(np.int32))
        return frozenset(chosen), recorder.bytes()


def _part(intervals: Intervals, symbols: NDArray[np.int32]) -> Part:
    return intervals, symbols.astype(np.uint8)


class MemoryDecoder:
    """Reads residuals from a stream of symbols.

    Args:
        stream: The stream.
        model: Joins tokens and remainders.
        tables: Distributions of the tokens.
        channels: Number of planes.
        planes: The planes that have a memory.
    """

    def __init__(
        self, stream: ChunkDecoder, model: Residuals, tables: Tables, *, channels: int, planes: frozenset[int]
    ) -> None:
        self._stream, self._model, self._tables = stream, model, tables
        self._planes, self._kept = _Planes(tables, channels, planes), planes

    def next(self, step: PlaneStep) -> Int32[NDArray[np.int32], " n"]:
        """Return the residuals that were coded."""
        plane, keys = self._planes.enter(step)
        if plane not in self._kept:
            residuals = self._joined(self._stream.decode_rows(self._tables, step.contexts))
        elif plane == LAST:
            residuals = self._by_colours(step, keys)
        else:
            values = self._planes.values[plane]
            rows = values.weights(step.contexts, step.middles, keys)
            residuals = self._joined(self._stream.decode_framed(rows))
            values.note(residuals)
        self._planes.leave(step, residuals)
        return residuals

    def _by_colours(self, step: PlaneStep, keys: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the residuals of the last plane: candidates, and those that are none."""
        colours = self._planes.colours
        assert colours is not None
        asked, rows = colours.weights(step.contexts, step.middles, keys)
        symbols = self._stream.decode_framed(rows)
        residuals, left = np.zeros_like(step.contexts), np.ones(len(step.contexts), np.bool_)
        residuals[asked] = colours.residuals(symbols)
        left[asked] = symbols == NONE
        residuals[left] = self._joined(self._stream.decode_rows(self._tables, step.contexts[left]))
        colours.note(symbols, residuals)
        return residuals

    def _joined(self, tokens: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the residuals of tokens and of their remainders, which follow in the stream."""
        rest = np.zeros_like(tokens)
        for table, where in remainders(self._model.extra_bits(tokens)):
            rest[where] = self._stream.decode_shared(table, np.zeros(len(where), np.int32))
        return self._model.join(tokens, rest)
