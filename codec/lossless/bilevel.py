"""Black and white pages to bytes and back: two symbol sources for the page model, and its tiles.

A section is one byte, which colour the paper has, and a chunk of pixels: wavefront after wavefront, the tiles of the
section side by side.
"""

import numpy as np
from numpy.typing import NDArray

from ...errors import FormatError
from ...models.interface.hierarchy import BilevelModel, PixelStep
from ..bitstream.tiling import Tile
from ..entropy.ans import ChunkDecoder, Recorder, Tables

_WHITE, _BLACK = 0, 1
"""What the paper is."""


class _Encoder:
    """Takes the image's pixels and gathers their intervals."""

    def __init__(self, tables: Tables) -> None:
        self._tables, self.recorder = tables, Recorder()

    def next(self, step: PixelStep) -> NDArray[np.int32]:
        """Return the image's pixels and remember their intervals."""
        pixels = step.residuals()
        self.recorder.take(self._tables.intervals(step.contexts, pixels), pixels)
        return pixels


class _Decoder:
    """Takes the pixels that a section says."""

    def __init__(self, chunk: bytes, tables: Tables) -> None:
        self._tables, self.stream = tables, ChunkDecoder(chunk)

    def next(self, step: PixelStep) -> NDArray[np.int32]:
        """Return the pixels that were coded."""
        return self.stream.decode_rows(self._tables, step.contexts)


def encode(image: NDArray[np.uint8], tiles: list[Tile], model: BilevelModel, tables: Tables) -> bytes:
    """Encode tiles of an image (H, W) of 0 and 255."""
    white = sum(int(np.count_nonzero(image[tile])) for tile in tiles)
    paper = _WHITE if 2 * white >= sum(image[tile].size for tile in tiles) else _BLACK
    encoder = _Encoder(tables)
    model.autoregressive_pass(tiles, (image != 0).astype(np.uint8) ^ np.uint8(paper), encoder, known=True)
    return bytes([paper]) + encoder.recorder.bytes()


def decode(section: bytes, image: NDArray[np.uint8], tiles: list[Tile], model: BilevelModel, tables: Tables) -> None:
    """Undo `encode`: fills the tiles of an image (H, W) with 0 and 255. FormatError if the section is not valid."""
    if not section or section[0] not in (_WHITE, _BLACK):
        raise FormatError("a strip is not valid: no such paper")
    decoder = _Decoder(section[1:], tables)
    model.autoregressive_pass(tiles, image, decoder, known=False)
    decoder.stream.finish()
    for tile in tiles:
        image[tile] = (image[tile] ^ np.uint8(section[0])) * np.uint8(255)
