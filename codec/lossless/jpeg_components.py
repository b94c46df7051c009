"""Encode and decode the coefficients of components: means as deep samples, then what a pass over the others codes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...errors import FormatError
from ...models.pixels.adaptive_counts import AdaptiveCounts
from ...models.pixels.jpeg import tokens
from ...models.pixels.jpeg.borders import MOST_WEIGHT
from ...models.pixels.jpeg.coefficients import DIAGONALS, Coefficients, Component, Pass, weights_of
from ...models.pixels.jpeg.frame import SIDE
from ...models.pixels.jpeg.transform import LARGEST
from ..bitstream.varint import Reader, write_varint
from ..entropy.ans import Tables
from ..entropy.chunks import ChunkDecoder, Recorder
from ..entropy.raw_bits import BitReader, pack
from . import deep_strips

Numbers = NDArray[np.int32]
_MIDDLE = 2**15
"""Means are coded as deep samples, with this added."""
_PREDICTED = {1: 9, 2: 4}
"""Diagonals whose frequencies are predicted, for one component and for both of chroma."""
_DIAGONALS = len(DIAGONALS) - 1


class _Adaptive:
    """A table of distributions that adapts batch by batch."""

    def __init__(self, first: NDArray[np.int64]) -> None:
        self._counts = AdaptiveCounts(first, 0)
        self.tables = Tables(self._counts.weights())

    @property
    def size(self) -> int:
        """Most tokens of the next batch."""
        return self._counts.patience

    def note(self, contexts: Numbers, symbols: Numbers) -> None:
        """Adapt to a batch."""
        if not self._counts.note(contexts, symbols):
            self._counts.renew()
        self.tables = Tables(self._counts.weights())


class _Encoder:
    """The source of compress: gathers intervals and raw bits."""

    def __init__(self) -> None:
        self._sizes, self._signs = _Adaptive(tokens.first_counts()), _Adaptive(tokens.first_sign_counts())
        self._recorder, self._raw = Recorder(), list[tuple[NDArray[np.int64], NDArray[np.int64]]]()

    def rests(self, contexts: Numbers, sign_contexts: Numbers, rests: Numbers) -> Numbers:
        """Take the rests of a stage."""
        sizes = np.abs(rests).astype(np.int64)
        symbols, raw, bits = tokens.split(sizes)
        self._raw.append((raw, bits))
        self._take(self._sizes, contexts, symbols.astype(np.int32))
        there = rests != 0
        own = sign_contexts[there] + np.minimum(sizes[there], tokens.SIGN_SIZES).astype(np.int32) - np.int32(1)
        self._take(self._signs, own, (rests[there] < 0).astype(np.int32))
        return rests

    def _take(self, adaptive: _Adaptive, contexts: Numbers, symbols: Numbers) -> None:
        at = 0
        while at < len(symbols):
            batch = slice(at, at + adaptive.size)
            at = batch.stop
            self._recorder.take(adaptive.tables.intervals(contexts[batch], symbols[batch]), symbols[batch])
            adaptive.note(contexts[batch], symbols[batch])

    def bytes(self) -> bytes:
        """Return raw bits and the chunk; nothing if no pass had anything to code."""
        if not self._raw:
            return b""
        bits = pack(*(np.concatenate(parts) for parts in zip(*self._raw, strict=True)))
        return write_varint(len(bits)) + bits + self._recorder.bytes()


class _Decoder:
    """The source of decompress."""

    def __init__(self, raw: bytes, chunk: bytes) -> None:
        self._sizes, self._signs = _Adaptive(tokens.first_counts()), _Adaptive(tokens.first_sign_counts())
        self._bits, self._stream = BitReader(raw), ChunkDecoder(chunk)

    def rests(self, contexts: Numbers, sign_contexts: Numbers, rests: Numbers) -> Numbers:
        """Decode the rests of a stage."""
        symbols = self._symbols(self._sizes, contexts).astype(np.int64)
        sizes = tokens.join(symbols, self._bits.read(tokens.raw_bits(symbols)))
        there = sizes != 0
        own = sign_contexts[there] + np.minimum(sizes[there], tokens.SIGN_SIZES).astype(np.int32) - np.int32(1)
        sizes[there] *= 1 - 2 * self._symbols(self._signs, own).astype(np.int64)
        return sizes.astype(np.int32)

    def _symbols(self, adaptive: _Adaptive, contexts: Numbers) -> Numbers:
        found, at = np.empty(len(contexts), np.int32), 0
        while at < len(found):
            batch = slice(at, at + adaptive.size)
            at = batch.stop
            found[batch] = self._stream.decode_rows(adaptive.tables, contexts[batch])
            adaptive.note(contexts[batch], found[batch])
        return found

    def finish(self) -> None:
        """Raise FormatError unless everything was used."""
        self._stream.finish()
        self._bits.finish()


def encode(components: Sequence[Coefficients], steps: NDArray[np.int64]) -> bytes:
    """Return the section of luma, or of both components of chroma, which have the same size.

    Args:
        components: Their coefficients.
        steps: Their quantisation steps, (64,).
    """
    means = deep_strips.encode(np.stack([one[0, 0] for one in components]).astype(np.int64) + _MIDDLE)
    every = [Component(steps, (one != 0).any(axis=(2, 3)), {}) for one in components]
    present = [np.packbits(one.present, bitorder="little").tobytes() for one in every]
    diagonals = _PREDICTED[len(components)]
    head = write_varint(len(means)) + means + b"".join(present) + bytes([diagonals])
    source, before = _Encoder(), None
    for one, coefficients in zip(every, components, strict=True):
        one.weights.update(weights_of(coefficients, one, diagonals))
        head += b"".join(weight.astype(np.int8).tobytes() for weight in one.weights.values())
    for one, coefficients in zip(every, components, strict=True):
        made = Pass(coefficients, one, before)
        made.run(source)
        before = made.surroundings
    return head + source.bytes()


def decode(section: bytes, blocks: tuple[int, int], count: int, steps: NDArray[np.int64]) -> list[Coefficients]:
    """Undo `encode`; raise FormatError if the section is not valid.

    Args:
        section: The bytes.
        blocks: Rows and columns of blocks.
        count: Number of components.
        steps: Their quantisation steps, (64,).
    """
    reader = Reader(section)
    means = deep_strips.decode(reader.take(reader.varint("the means", len(section))), *blocks, count) - _MIDDLE
    if np.abs(means).max() > LARGEST // int(steps[0]):
        raise FormatError("the pixels are not valid: a mean is too large")
    every = _components(reader, count, steps)
    coded = any(one.present.ravel()[1:].any() for one in every)
    raw = reader.take(reader.varint("the raw bits", len(section))) if coded else b""
    source, before, found = _Decoder(raw, section[reader.position :]), None, list[Coefficients]()
    for mean, one in zip(means, every, strict=True):
        coefficients = np.zeros((SIDE, SIDE, *blocks), np.int32)
        coefficients[0, 0] = mean
        made = Pass(coefficients, one, before)
        made.run(source)
        found.append(coefficients)
        before = made.surroundings
    source.finish()
    return found


def _components(reader: Reader, count: int, steps: NDArray[np.int64]) -> list[Component]:
    """Read which frequencies are present, and the weights of gaps."""
    bits = [np.unpackbits(np.frombuffer(reader.take(8), np.uint8), bitorder="little") for _ in range(count)]
    every = [Component(steps, one.astype(bool).reshape(SIDE, SIDE), {}) for one in bits]
    diagonals = reader.number(1)
    if diagonals > _DIAGONALS:
        raise FormatError("the pixels are not valid: more frequencies than there are")
    for one in every:
        for place in (place for every in DIAGONALS[1 : diagonals + 1] for place in every if one.present[place]):
            read = np.frombuffer(reader.take(2), np.int8).astype(np.int64)
            if np.abs(read).max() > MOST_WEIGHT:
                raise FormatError("the pixels are not valid: a weight is too large")
            one.weights[place] = read
    return every
