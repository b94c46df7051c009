"""Encode and decode strips of lossless pixels, given what a hierarchy predicts."""

import numpy as np
from numpy.typing import NDArray

from ...errors import FormatError
from ...models.interface.hierarchy import PixelModel
from ..entropy import chunks
from ..entropy.ans import Tables
from ..entropy.residual_coding import Decoder, Encoder


def encode(pixels: NDArray[np.uint8], predicted: NDArray[np.uint8], model: PixelModel, tables: Tables) -> bytes:
    """Encode a strip of pixels.

    Args:
        pixels: (h, W) grey or (h, W, 3) RGB.
        predicted: (h, W, 3), the prediction of the hierarchy.
        model: The model of lossless pixels.
        tables: Its probability tables.

    Returns:
        The bytes of the strip: a colour transform, followed by a chunk.
    """
    encoder = Encoder(model, tables, by_context=False)
    transform = model.transform(pixels, predicted)
    model.autoregressive_pass(predicted, encoder, transform=transform, grey=pixels.ndim == 2, pixels=pixels)
    return bytes([transform]) + encoder.recorder.bytes()


def decode(
    strip: bytes, predicted: NDArray[np.uint8], model: PixelModel, tables: Tables, *, grey: bool
) -> NDArray[np.uint8]:
    """Undo `encode`: return (h, W) grey or (h, W, 3) pixels; raise FormatError if the strip is not valid."""
    if strip[0] >= (1 if grey else model.transforms):
        raise FormatError("a strip is not valid: an unknown colour transform")
    stream = chunks.ChunkDecoder(strip[1:])
    decoder = Decoder(stream, model, tables, by_context=False)
    pixels = model.autoregressive_pass(predicted, decoder, transform=strip[0], grey=grey, pixels=None)
    stream.finish()
    return pixels
