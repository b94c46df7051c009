"""Encode and decode strips of lossless pixels, given what a hierarchy predicts.

The first byte of a strip is the colour transform, and which planes have a memory: 16 for the first, 32, 64.
"""

import numpy as np
from numpy.typing import NDArray

from ...errors import FormatError
from ...models.interface.hierarchy import PixelModel
from ...models.pixels import colours
from ..entropy import chunks
from ..entropy.ans import Tables
from .colour_coding import MemoryDecoder, MemoryEncoder

_TRANSFORM = 16
_GAPS = 0.75
"""Largest share of the levels between the smallest and the largest that the first plane has where a memory is tried."""


def encode(pixels: NDArray[np.uint8], predicted: NDArray[np.uint8], model: PixelModel, tables: Tables) -> bytes:
    """Encode a strip of pixels.

    Args:
        pixels: (h, W) grey or (h, W, 3) RGB.
        predicted: (h, W, 3), the prediction of the hierarchy.
        model: The model of lossless pixels.
        tables: Its probability tables.

    Returns:
        The bytes of the strip: a colour transform and the planes with a memory, followed by a chunk.
    """
    transform, grey = model.transform(pixels, predicted), pixels.ndim == 2
    channels = 1 if grey else 3
    tried = frozenset(range(0 if _has_gaps(pixels, transform) else 1, channels))
    encoder = MemoryEncoder(model, tables, channels=channels, planes=tried)
    model.autoregressive_pass(predicted, encoder, transform=transform, grey=grey, pixels=pixels)
    planes, chunk = encoder.finish()
    return bytes([transform + sum(_TRANSFORM << plane for plane in planes)]) + chunk


def _has_gaps(pixels: NDArray[np.uint8], transform: int) -> bool:
    """Tell whether many levels of the first plane do not occur."""
    first = pixels
    if pixels.ndim == 3:
        first = colours.separated(np.moveaxis(pixels.astype(np.int16), 2, 0), transform)[0].astype(np.uint8)
    used = np.flatnonzero(np.bincount(first.ravel(), minlength=256))
    return bool(len(used) < _GAPS * (used[-1] - used[0] + 1))


def decode(
    strip: bytes, predicted: NDArray[np.uint8], model: PixelModel, tables: Tables, *, grey: bool
) -> NDArray[np.uint8]:
    """Undo `encode`: return (h, W) grey or (h, W, 3) pixels; raise FormatError if the strip is not valid."""
    memories, transform = divmod(strip[0], _TRANSFORM)
    channels = 1 if grey else 3
    if transform >= (1 if grey else model.transforms):
        raise FormatError("a strip is not valid: an unknown colour transform")
    if memories >> channels:
        raise FormatError("a strip is not valid: a memory of a plane that it does not have")
    planes = frozenset(plane for plane in range(channels) if memories >> plane & 1)
    stream = chunks.ChunkDecoder(strip[1:])
    decoder = MemoryDecoder(stream, model, tables, channels=channels, planes=planes)
    pixels = model.autoregressive_pass(predicted, decoder, transform=transform, grey=grey, pixels=None)
    stream.finish()
    return pixels
