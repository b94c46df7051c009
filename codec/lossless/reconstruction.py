"""Decode the samples of a lossless file by its method, and verify their checksum."""

import numpy as np
from numpy.typing import NDArray

from ...errors import FormatError, WeightsNotFound
from ...image_io.images import Picture
from ...models.interface.hierarchy import PassSettings
from ...models.interface.photo import PhotoModel
from ...models.pixels.wavefront.half_size import doubled
from ...progress import OnProgress, ignore, part
from ..bitstream import alpha, tiling
from ..bitstream.container import DvqFile, payload_of, view_of
from ..bitstream.header import BILEVEL, DEEP, FILE, JPEG, MODEL, WEBP, Header
from ..entropy.ans import Tables
from ..loaders import Loaders
from ..lossy import symbol_chunks
from . import bilevel, deep, jpeg, kept_file, pixel_strips, raw_samples

_SYMBOLS = 0.2
"""The share of the time of decoding that the symbols take, about; the pixels given them take the rest."""


def decode(file: DvqFile, loaders: Loaders, on_progress: OnProgress = ignore) -> Picture:
    """Decode the picture of a lossless file, without its metadata.

    Args:
        file: A parsed file whose pixels, alpha and palette are whole.
        loaders: Where the models come from.
        on_progress: Called with the share that is done.

    Returns:
        The picture.

    Raises:
        FormatError: If the file is not valid, or the checksum of the samples does not match.
        WeightsNotFound: If its weights are not installed.
    """
    header = file.header
    if header.kind == FILE:
        return kept_file.picture(file)
    palette = raw_samples.unpack_palette(payload_of(file.palette), header.mode)
    if header.kind == MODEL:
        values = _decode_model(file, loaders, on_progress)
    elif header.kind == BILEVEL:
        values = _decode_bilevel(file, loaders, on_progress)
    elif header.kind == DEEP:
        values = deep.decode([payload_of(section) for section in file.pixels], header)
    elif header.kind == JPEG:
        values = _with_alpha(jpeg.decode([payload_of(section) for section in file.pixels], header), file)
    elif header.kind == WEBP:
        values = raw_samples.from_webp(view_of(file.pixels[0]), header.height, header.width, header.mode)
    else:
        size = header.height, header.width
        values = raw_samples.unstore(view_of(file.pixels[0]), *size, header.mode, deep=header.deep)
    if header.deep and values.max() > header.white:
        raise FormatError("the decoded pixels are brighter than white")
    if raw_samples.checksum(values) != header.samples_crc:
        raise FormatError("the decoded pixels do not match their checksum")
    return raw_samples.picture(values, header.mode, palette, white=header.white)


def full_size(pixels: NDArray[np.uint8], header: Header) -> NDArray[np.uint8]:
    """Return the image of a hierarchy's symbols at the size of the file's image, doubling it if necessary."""
    size = header.height, header.width
    return pixels if header.symbols_size == size else doubled(pixels, *size)


def _decode_model(file: DvqFile, loaders: Loaders, on_progress: OnProgress) -> NDArray[np.uint8]:
    """Decode the samples under the method `model`: symbols, the image that they predict, the pixels given that."""
    header, hierarchy = file.header, loaders.hierarchy(file.header.weights)
    if not (isinstance(hierarchy, PhotoModel) and hierarchy.exact_pixels):
        raise WeightsNotFound(f"the weights {hierarchy.name} cannot decode lossless files")
    model, chunks = loaders.pixels(header.pixel_weights), file.selected(len(file.chunks))
    layers = sum(chunk.layers for chunk in chunks)
    if layers != len(hierarchy.layers):
        raise FormatError(f"the file has {layers} layers, its weights have {len(hierarchy.layers)}")
    settings = PassSettings(*header.symbols_size, header.quality, grey=header.grey)
    state = symbol_chunks.decode(chunks, hierarchy, settings, part(on_progress, 0.0, _SYMBOLS))
    predicted, tables = full_size(hierarchy.render(state), header), Tables(model.tables)
    values = np.empty(predicted.shape[: 2 if header.grey else 3], np.uint8)
    for section, rows in zip(file.pixels, tiling.strips(header.height, header.width), strict=True):
        strip = payload_of(section)
        values[rows] = pixel_strips.decode(strip, predicted[rows], model, tables, grey=header.grey)
        part(on_progress, _SYMBOLS, 1.0)(rows.stop / header.height)
    return _with_alpha(values, file)


def _with_alpha(values: NDArray[np.uint8], file: DvqFile) -> NDArray[np.uint8]:
    """Return samples with the alpha channel that a file has in a section of its own, if it has one."""
    if not file.header.alpha_apart:
        return values
    return np.dstack([values, alpha.unpack(payload_of(file.alpha), file.header.height, file.header.width)])


def _decode_bilevel(file: DvqFile, loaders: Loaders, on_progress: OnProgress) -> NDArray[np.uint8]:
    """Decode the samples under the method `bilevel`."""
    size, model = (file.header.height, file.header.width), loaders.bilevel(file.header.pixel_weights)
    tables, values = Tables(model.tables), np.zeros(size, np.uint8)
    sections = tiling.sections(*size)
    for index, (section, tiles) in enumerate(zip(file.pixels, sections, strict=True)):
        bilevel.decode(payload_of(section), values, tiles, model, tables)
        on_progress((index + 1) / len(sections))
    return values
