"""Encode and decode bilevel images: two symbol sources for the bilevel model.

A section is one byte, the colour of the background, and a chunk of pixels: wavefront after wavefront, the tiles of the
section side by side.
"""

import numpy as np
from numpy.typing import NDArray

from ...errors import FormatError
from ...models.interface.hierarchy import BilevelModel, PixelStep
from ..bitstream.tiling import Tile
from ..entropy.ans import Tables
from ..entropy.chunks import ChunkDecoder, Recorder

_WHITE, _BLACK = 0, 1
"""Colours of the background."""


class _Encoder:
    """The symbol source of compress: takes the pixels of the image and gathers their intervals."""

    def __init__(self, tables: Tables) -> None:
        self._tables, self.recorder = tables, Recorder()

    def next(self, step: PixelStep) -> NDArray[np.int32]:
        """Return the pixels of the image and keep their intervals."""
        pixels = step.residuals()
        self.recorder.take(self._tables.intervals(step.contexts, pixels), pixels)
        return pixels


class _Decoder:
    """The symbol source of decompress: decodes the pixels of a section."""

    def __init__(self, chunk: bytes, tables: Tables) -> None:
        self._tables, self.stream = tables, ChunkDecoder(chunk)

    def next(self, step: PixelStep) -> NDArray[np.int32]:
        """Return the next decoded pixels."""
        return self.stream.decode_rows(self._tables, step.contexts)


def encode(image: NDArray[np.uint8], tiles: list[Tile], model: BilevelModel, tables: Tables) -> bytes:
    """Encode tiles of a bilevel image.

    Args:
        image: (H, W) pixels of 0 and 255.
        tiles: The tiles of the section.
        model: The bilevel model.
        tables: Its probability tables.

    Returns:
        The section.
    """
    white = sum(int(np.count_nonzero(image[tile])) for tile in tiles)
    background = _WHITE if 2 * white >= sum(image[tile].size for tile in tiles) else _BLACK
    encoder = _Encoder(tables)
    model.autoregressive_pass(tiles, (image != 0).astype(np.uint8) ^ np.uint8(background), encoder, known=True)
    return bytes([background]) + encoder.recorder.bytes()


def decode(section: bytes, image: NDArray[np.uint8], tiles: list[Tile], model: BilevelModel, tables: Tables) -> None:
    """Undo `encode`.

    Args:
        section: The bytes of the section.
        image: (H, W) pixels, whose tiles are filled with 0 and 255.
        tiles: The tiles of the section.
        model: The bilevel model.
        tables: Its probability tables.

    Raises:
        FormatError: If the section is not valid.
    """
    if not section or section[0] not in (_WHITE, _BLACK):
        raise FormatError("a section is not valid: unknown background")
    decoder = _Decoder(section[1:], tables)
    model.autoregressive_pass(tiles, image, decoder, known=False)
    decoder.stream.finish()
    for tile in tiles:
        image[tile] = (image[tile] ^ np.uint8(section[0])) * np.uint8(255)
