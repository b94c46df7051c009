"""Pack and unpack the section of an adaptive filter, which is fitted to the image (models.interface.adaptive_filter).

The first byte holds the size of the regions and the precision of the coefficients. The words of the entropy coder
follow, as in a chunk: for each region and output a density and, unless that is 0, the steps of its coefficients.
"""

import numpy as np
from numpy.typing import NDArray

from ...errors import FormatError
from ...models.interface.adaptive_filter import SMALLEST_SIDE, ImageFilter
from ...models.interface.photo import PhotoModel
from ..entropy import ans
from ..entropy.chunks import ChunkDecoder, Recorder

LARGEST_EXPONENT = 12
"""The largest exponent of two: regions have at most 2**20 pixels a side, coefficients are multiples of 2**-12."""

Steps = NDArray[np.int32]


def pack(found: ImageFilter, model: PhotoModel) -> bytes:
    """Return the section of a filter, coded by the model's probability tables."""
    tables, recorder = ans.Tables(model.filter_tables), Recorder()
    kinds, most = _kinds(tables), tables.weights.shape[1] // 2
    costs = -np.log2((tables.weights.astype(np.float64) + 1) / ans.TOTAL)
    for steps in found.steps.reshape(-1, model.filter_shape[1]):
        symbols = steps + np.int32(most)
        density = 1 + int(costs[:, symbols].sum(axis=1).argmin()) if steps.any() else 0
        _take(recorder, kinds, 0, np.array([density], np.int32))
        if density:
            _take(recorder, tables, density - 1, symbols)
    exponent = (found.side // SMALLEST_SIDE).bit_length() - 1
    return bytes([exponent | found.precision << 4]) + recorder.bytes()


def _take(recorder: Recorder, tables: ans.Tables, row: int, symbols: Steps) -> None:
    recorder.take(tables.intervals(np.full(len(symbols), row, np.int32), symbols), symbols)


def unpack(section: bytes, model: PhotoModel, height: int, width: int) -> ImageFilter:
    """Undo `pack` for an image of `height` x `width` pixels; raise FormatError if the section is not valid."""
    try:
        return _unpacked(section, model, height, width)
    except FormatError as error:
        raise FormatError(f"the adaptive filter is not valid: {error.reason}", error.hint) from error


def _unpacked(section: bytes, model: PhotoModel, height: int, width: int) -> ImageFilter:
    if not section:
        raise FormatError("it is empty")
    exponent, precision = section[0] & 15, section[0] >> 4
    if max(exponent, precision) > LARGEST_EXPONENT:
        raise FormatError("this release does not know its kind", "upgrade dvcodec")
    side = SMALLEST_SIDE << exponent
    tables, decoder = ans.Tables(model.filter_tables), ChunkDecoder(section[1:])
    kinds, most = _kinds(tables), tables.weights.shape[1] // 2
    outputs, terms = model.filter_shape
    steps = np.zeros((-(-height // side), -(-width // side), outputs, terms), np.int32)
    for row in steps.reshape(-1, terms):
        density = int(decoder.decode_rows(kinds, np.zeros(1, np.int32))[0])
        if density:
            row[:] = decoder.decode_shared(tables, np.full(terms, density - 1, np.int32)) - np.int32(most)
    decoder.finish()
    return ImageFilter(side, precision, steps)


def _kinds(tables: ans.Tables) -> ans.Tables:
    """Return the uniform distribution of densities: 0 for an output without coefficients, then the rows of `tables`."""
    return ans.even(len(tables.weights) + 1)
