"""Lossless files: a picture under each method, and the smallest of them.

stored   the samples, raw or deflated
webp     lossless WebP
model    symbols of a hierarchy for the image at half size, then the pixels given what these predict and those before
bilevel  black and white pixels, each given those before it
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import UnsupportedImage
from ...image_io import metadata, webp
from ...image_io.images import Picture
from ...models.interface.hierarchy import BilevelModel, PixelModel
from ...models.interface.photo import PhotoModel
from ...models.pixels.wavefront.half_size import doubled, halved
from ..bitstream import alpha, tiling
from ..bitstream.assembly import Parts, assemble
from ..bitstream.header import BILEVEL, MODEL, STORED, WEBP, Header
from ..entropy.ans import Tables
from ..lossy import symbol_chunks
from ..settings import AUTO
from . import bilevel, pixel_strips, raw_samples

BASE_QUALITY = 20 * 256
"""Quality of the lossy image that a model's lossless file holds: a useful preview for few bytes."""
MODELLED = ("L", "LA", "RGB", "RGBA")
"""Modes whose samples a model can predict."""


@dataclass(frozen=True)
class Model:
    """Networks of the method `model`, and the ids that a file names them by."""

    hierarchy: PhotoModel
    weights: bytes
    pixels: PixelModel
    pixel_weights: bytes


@dataclass(frozen=True)
class BilevelNetworks:
    """The network of the method `bilevel`, and the id that a file names it by."""

    model: BilevelModel
    weights: bytes


LoadModel = Callable[[], Model | None]
LoadBilevel = Callable[[], BilevelNetworks | None]
"""Give the networks, or None where none are installed."""


@dataclass(frozen=True)
class Coded:
    """A lossless file and how it came about."""

    data: bytes
    method: str
    chunks: int = 0
    layer_bits: tuple[tuple[str, float], ...] = ()
    """(layer name, bits) of the hierarchy's symbols."""
    weights: str | None = None
    """The name of the hierarchy, or of the model of pages."""
    pixel_bytes: int = 0
    """Bytes of the pixels and the hierarchy's symbols; the rest is header, alpha and metadata."""


def compress(
    picture: Picture,
    method: str,
    load: LoadModel,
    *,
    strip: bool = False,
    load_bilevel: LoadBilevel = lambda: None,
) -> Coded:
    """Compress under a method of METHODS, or AUTO: the smallest file. `strip` drops EXIF, ICC and XMP.

    `load` and `load_bilevel` give the models, or None where none is installed; they are not called where no model could
    be used.
    """
    kept = metadata.NO_METADATA if strip else picture.metadata
    icc, exif, xmp = (metadata.pack(raw) for raw in (kept.icc, kept.exif, kept.xmp))
    common = Parts(icc=icc, exif=exif, xmp=xmp, palette=raw_samples.pack_palette(picture.palette))
    cheap = {STORED: _stored, WEBP: _webp}
    made = [coder(picture, common) for name, coder in cheap.items() if wanted(picture, name, method)]
    if wanted(picture, MODEL, method) and (model := load()) is not None:
        made.append(_model(picture, common, model))
    if wanted(picture, BILEVEL, method) and (found := load_bilevel()) is not None:
        made.append(_bilevel(picture, common, found))
    return min(made, key=lambda coded: len(coded.data))


def wanted(picture: Picture, name: str, method: str) -> bool:
    """Tell whether to try a method. UnsupportedImage if it is the one asked for and cannot hold the picture."""
    modelled = {MODEL: picture.mode in MODELLED, BILEVEL: picture.mode == "1"}
    able = {STORED: True, WEBP: webp.holds(picture.pixels), **modelled}[name]
    if method == name and not able:
        height, width = picture.pixels.shape[:2]
        raise UnsupportedImage(
            f"method {name} cannot hold {width} x {height} pixels of mode {picture.mode}", "use auto"
        )
    return able and method in (AUTO, name)


def _header(picture: Picture, method: str) -> Header:
    """Return the header of a picture under a method, without weights."""
    height, width = picture.pixels.shape[:2]
    crc = raw_samples.checksum(raw_samples.of(picture))
    return Header(kind=method, width=width, height=height, mode=picture.mode, samples_crc=crc)


def _stored(picture: Picture, common: Parts) -> Coded:
    section = raw_samples.store(raw_samples.of(picture), picture.mode)
    data = assemble(_header(picture, STORED), replace(common, pixels=(section,)))
    return Coded(data, STORED, pixel_bytes=len(section))


def _webp(picture: Picture, common: Parts) -> Coded:
    section = raw_samples.to_webp(raw_samples.of(picture))
    data = assemble(_header(picture, WEBP), replace(common, pixels=(section,)))
    return Coded(data, WEBP, pixel_bytes=len(section))


def _bilevel(picture: Picture, common: Parts, found: BilevelNetworks) -> Coded:
    """Black and white pixels, in sections of tiles."""
    tables, image = Tables(found.model.tables), picture.pixels
    parts = tuple(bilevel.encode(image, tiles, found.model, tables) for tiles in tiling.sections(*image.shape))
    header = replace(_header(picture, BILEVEL), pixel_weights=found.weights)
    data = assemble(header, replace(common, pixels=parts))
    return Coded(data, BILEVEL, weights=found.model.name, pixel_bytes=sum(map(len, parts)))


def _model(picture: Picture, common: Parts, model: Model) -> Coded:
    """Symbols of the hierarchy, then the pixels given the image that they make."""
    symbols, predicted = base_of(picture.pixels, model.hierarchy)
    tables = Tables(model.pixels.tables)
    parts = tuple(
        pixel_strips.encode(picture.pixels[rows], predicted[rows], model.pixels, tables)
        for rows in tiling.strips(*picture.pixels.shape[:2])
    )
    plain = _header(picture, MODEL)
    header = replace(plain, quality=BASE_QUALITY, weights=model.weights, pixel_weights=model.pixel_weights)
    packed_alpha = b"" if picture.alpha is None else alpha.pack(picture.alpha)
    data = assemble(header, replace(common, chunks=symbols.chunks, alpha=packed_alpha, pixels=parts))
    size = sum(map(len, parts)) + sum(len(chunk.payload) for chunk in symbols.chunks)
    names = (layer.name for layer in model.hierarchy.layers)
    bits = tuple(zip(names, symbols.layer_bits, strict=True))
    return Coded(data, MODEL, len(symbols.chunks), bits, model.hierarchy.name, size)


def base_of(values: NDArray[np.uint8], hierarchy: PhotoModel) -> tuple[symbol_chunks.Encoded, NDArray[np.uint8]]:
    """Choose the hierarchy's symbols for (H, W) or (H, W, 3) pixels; return them and the image that they predict."""
    symbols = symbol_chunks.encode_exact(halved(values), hierarchy, BASE_QUALITY)
    return symbols, doubled(hierarchy.exact_reconstruction(symbols.state), *values.shape[:2])
