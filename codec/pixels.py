"""A strip of lossless pixels to bytes and back: the two choosers of a pixel model's walk.

A group's tokens are coded in the order of their contexts (raster order where those are equal), so that symbols of one
distribution stand together: the coder then needs a table for each distribution, not for each pixel. What is left of
large residuals follows: first those of the fewest bits.
"""

import numpy as np
from numpy.typing import NDArray

from ..models.interface import PixelModel, PixelStep, Residuals
from . import entropy
from .entropy import ChunkDecoder, Stack, Tables
from .errors import FormatError


class Encoder:
    """Takes the image's pixels and gathers their intervals."""

    def __init__(self, model: Residuals, tables: Tables) -> None:
        self._model, self._tables = model, tables
        self.recorder = entropy.Recorder()

    def choose(self, step: PixelStep) -> NDArray[np.int32]:
        """Return the image's residuals and remember their intervals."""
        residuals, contexts = step.residuals(), step.contexts
        order = np.argsort(contexts, kind="stable")
        tokens, rest = self._model.split(residuals[order])
        self.recorder.take(self._tables.intervals(contexts[order], tokens), tokens)
        sizes = self._model.extra_bits(tokens)
        for size, table in enumerate(entropy.uniform(), 1):
            chosen = rest[sizes == size]
            if chosen.size:
                self.recorder.take(table.intervals(np.zeros_like(chosen), chosen), chosen)
        return residuals


class Decoder:
    """Takes the pixels that a stream of symbols says."""

    def __init__(self, stream: ChunkDecoder | Stack, model: Residuals, tables: Tables) -> None:
        self._stream, self._model, self._tables = stream, model, tables

    def choose(self, step: PixelStep) -> NDArray[np.int32]:
        """Return the residuals that were coded."""
        contexts = step.contexts
        order = np.argsort(contexts, kind="stable")
        tokens = self._stream.decode_shared(self._tables, contexts[order])
        sizes, rest = self._model.extra_bits(tokens), np.zeros_like(tokens)
        for size, table in enumerate(entropy.uniform(), 1):
            where = np.flatnonzero(sizes == size)
            if where.size:
                rest[where] = self._stream.decode_shared(table, np.zeros(len(where), np.int32))
        residuals = np.empty_like(tokens)
        residuals[order] = self._model.join(tokens, rest)
        return residuals


def encode(pixels: NDArray[np.uint8], predicted: NDArray[np.uint8], model: PixelModel, tables: Tables) -> bytes:
    """Encode a strip of (h, W) grey or (h, W, 3) pixels, given what the hierarchy predicts, (h, W, 3)."""
    encoder, transform = Encoder(model, tables), model.transform(pixels, predicted)
    model.walk(predicted, encoder, transform=transform, grey=pixels.ndim == 2, pixels=pixels)
    return bytes([transform]) + encoder.recorder.bytes()


def decode(
    strip: bytes, predicted: NDArray[np.uint8], model: PixelModel, tables: Tables, *, grey: bool
) -> NDArray[np.uint8]:
    """Undo `encode`. FormatError if the strip is not valid."""
    if strip[0] >= (1 if grey else model.transforms):
        raise FormatError("a strip is not valid: an unknown colour transform")
    stream = entropy.ChunkDecoder(strip[1:])
    decoder = Decoder(stream, model, tables)
    pixels = model.walk(predicted, decoder, transform=strip[0], grey=grey, pixels=None)
    stream.finish()
    return pixels
