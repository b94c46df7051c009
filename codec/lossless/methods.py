"""Lossless files: a picture under each method, the smallest of them, and back.

stored   the samples, raw or deflated
webp     lossless WebP
model    symbols of a hierarchy for the image at half size, then the pixels given what these predict and those before
lattice  the same at full size, the pixels from coarse to fine: older files
bilevel  black and white pixels, each given those before it
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import FormatError, InvalidArgument, UnsupportedImage, WeightsNotFound
from ...image_io import metadata, webp
from ...image_io.images import Picture
from ...models.interface.hierarchy import PageModel, PixelModel, Predictive
from ...models.wavefront.base import doubled, halved
from ..bitstream import alpha, tiling
from ..bitstream.container import ALPHA, PALETTE, PIXELS, Chunk, Container, Parts, assemble, strips
from ..bitstream.header import METHODS, Header, Lossless, lossless_header
from ..entropy.ans import Tables
from ..lossy import symbol_chunks
from . import bilevel, pixel_strips, raw_samples

AUTO = "auto"
WRITTEN = tuple(method for method in METHODS if method != "lattice")
"""Methods that files are written with."""
BASE_QUALITY = 20 * 256
"""Quality of the lossy image that a model's lossless file holds: a useful preview for few bytes."""
MODELLED = ("L", "LA", "RGB", "RGBA")
"""Modes whose samples a model can predict."""


@dataclass(frozen=True)
class Model:
    """Networks of the method `model`, and the ids that a file names them by."""

    hierarchy: Predictive
    weights: bytes
    pixels: PixelModel
    pixel_weights: bytes


@dataclass(frozen=True)
class Pages:
    """The network of the method `bilevel`, and the id that a file names it by."""

    model: PageModel
    weights: bytes


LoadModel = Callable[[], Model | None]
LoadPages = Callable[[], Pages | None]
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
    load_pages: LoadPages = lambda: None,
) -> Coded:
    """Compress under a method of WRITTEN, or AUTO: the smallest file. `strip` drops EXIF, ICC and XMP.

    `load` and `load_pages` give the models, or None where none is installed; they are not called where no model could
    be used.
    """
    if method not in (AUTO, *WRITTEN):
        raise InvalidArgument(f"unknown method {method!r}", f"one of {', '.join((AUTO, *WRITTEN))}")
    kept = metadata.NO_METADATA if strip else picture.metadata
    icc, exif, xmp = (metadata.pack(raw) for raw in (kept.icc, kept.exif, kept.xmp))
    common = Parts(icc=icc, exif=exif, xmp=xmp, palette=raw_samples.pack_palette(picture.palette))
    cheap = {"stored": _stored, "webp": _webp}
    made = [coder(picture, common) for name, coder in cheap.items() if wanted(picture, name, method)]
    if wanted(picture, "model", method) and (model := load()) is not None:
        made.append(_model(picture, common, model))
    if wanted(picture, "bilevel", method) and (found := load_pages()) is not None:
        made.append(_bilevel(picture, common, found))
    return min(made, key=lambda coded: len(coded.data))


def wanted(picture: Picture, name: str, method: str) -> bool:
    """Tell whether to try a method. UnsupportedImage if it is the one asked for and cannot hold the picture."""
    modelled = {"model": picture.mode in MODELLED, "bilevel": picture.mode == "1"}
    able = {"stored": True, "webp": webp.holds(picture.pixels), **modelled}[name]
    if method == name and not able:
        height, width = picture.pixels.shape[:2]
        raise UnsupportedImage(
            f"method {name} cannot hold {width} x {height} pixels of mode {picture.mode}", "use auto"
        )
    return able and method in (AUTO, name)


def _header(picture: Picture, method: str) -> Header:
    values, (height, width) = raw_samples.of(picture), picture.pixels.shape[:2]
    return lossless_header(height, width, Lossless(picture.mode, method, raw_samples.checksum(values)))


def _stored(picture: Picture, common: Parts) -> Coded:
    section = raw_samples.store(raw_samples.of(picture), picture.mode)
    data = assemble(_header(picture, "stored"), replace(common, pixels=(section,)))
    return Coded(data, "stored", pixel_bytes=len(section))


def _webp(picture: Picture, common: Parts) -> Coded:
    section = raw_samples.to_webp(raw_samples.of(picture))
    data = assemble(_header(picture, "webp"), replace(common, pixels=(section,)))
    return Coded(data, "webp", pixel_bytes=len(section))


def _bilevel(picture: Picture, common: Parts, found: Pages) -> Coded:
    """Black and white pixels, in sections of tiles."""
    tables, image = Tables(found.model.tables), picture.pixels
    parts = tuple(bilevel.encode(image, tiles, found.model, tables) for tiles in tiling.sections(*image.shape))
    header = _header(picture, "bilevel")
    assert header.lossless is not None
    header = replace(header, lossless=replace(header.lossless, pixel_weights=found.weights))
    data = assemble(header, replace(common, pixels=parts))
    return Coded(data, "bilevel", weights=found.model.name, pixel_bytes=sum(map(len, parts)))


def _model(picture: Picture, common: Parts, model: Model) -> Coded:
    """Symbols of the hierarchy, then the pixels given the image that they make."""
    symbols, predicted = base_of(picture.pixels, model.hierarchy)
    tables = Tables(model.pixels.tables)
    parts = tuple(
        pixel_strips.encode(picture.pixels[rows], predicted[rows], model.pixels, tables)
        for rows in strips(*picture.pixels.shape[:2])
    )
    header = _header(picture, "model")
    assert header.lossless is not None
    named = replace(header.lossless, pixel_weights=model.pixel_weights)
    header = replace(header, lossless=named, quality=BASE_QUALITY, weights=model.weights)
    packed_alpha = b"" if picture.alpha is None else alpha.pack(picture.alpha)
    data = assemble(header, replace(common, chunks=symbols.chunks, alpha=packed_alpha, pixels=parts))
    size = sum(map(len, parts)) + sum(len(chunk.payload) for chunk in symbols.chunks)
    names = (layer.name for layer in model.hierarchy.layers)
    bits = tuple(zip(names, symbols.layer_bits, strict=True))
    return Coded(data, "model", len(symbols.chunks), bits, model.hierarchy.name, size)


def base_of(values: NDArray[np.uint8], hierarchy: Predictive) -> tuple[symbol_chunks.Encoded, NDArray[np.uint8]]:
    """Choose the hierarchy's symbols for (H, W) or (H, W, 3) pixels; return them and the image that they predict."""
    symbols = symbol_chunks.encode(halved(values), hierarchy, BASE_QUALITY, exact=True)
    return symbols, doubled(hierarchy.predict(symbols.state), *values.shape[:2])


def full_size(pixels: NDArray[np.uint8], header: Header) -> NDArray[np.uint8]:
    """Bring what a hierarchy's symbols show to the size of a file's image."""
    size = header.height, header.width
    return pixels if header.walked == size else doubled(pixels, *size)


def decode(
    container: Container, load: Callable[[Header], Model], load_pages: Callable[[bytes], PageModel] | None = None
) -> Picture:
    """Return the picture of a file without fault, but for its metadata. FormatError if a checksum does not match."""
    header, kept = container.header, container.header.lossless
    assert kept is not None
    palette = raw_samples.unpack_palette(_payload(container, PALETTE), kept.mode)
    if header.modelled:
        values = _decode_model(container, load(header))
    elif kept.method == "bilevel":
        if load_pages is None:
            raise WeightsNotFound("no model of black and white pages was given")
        values = _decode_pages(container, load_pages(kept.pixel_weights))
    else:
        undo = raw_samples.unstore if kept.method == "stored" else raw_samples.from_webp
        values = undo(_payload(container, PIXELS), header.height, header.width, kept.mode)
    if raw_samples.checksum(values) != kept.checksum:
        raise FormatError("the decoded pixels do not match their checksum")
    return raw_samples.picture(values, kept.mode, palette)


def _decode_model(container: Container, model: Model) -> NDArray[np.uint8]:
    """The samples of a file of the method `model`."""
    header = container.header
    payloads = [(section.layers, container.payload(section) or b"") for section in container.chunks]
    layers = sum(count for count, _ in payloads)
    if layers != len(model.hierarchy.layers):
        raise FormatError(f"the file has {layers} layers, its weights have {len(model.hierarchy.layers)}")
    if header.lossless is None or model.pixels.method != header.lossless.method:
        raise FormatError(f"its pixels are of another method than its weights {model.pixels.name}")
    chunks = tuple(Chunk(*pair) for pair in payloads)
    state = symbol_chunks.decode(chunks, model.hierarchy, *header.walked, header.quality, grey=header.grey, exact=True)
    predicted, tables = full_size(model.hierarchy.predict(state), header), Tables(model.pixels.tables)
    values = np.empty(predicted.shape[: 2 if header.grey else 3], np.uint8)
    for section, rows in zip(container.strips, strips(header.height, header.width), strict=True):
        strip = container.payload(section) or b""
        values[rows] = pixel_strips.decode(strip, predicted[rows], model.pixels, tables, grey=header.grey)
    if not header.alpha:
        return values
    return np.dstack([values, alpha.unpack(_payload(container, ALPHA), header.height, header.width)])


def _decode_pages(container: Container, model: PageModel) -> NDArray[np.uint8]:
    """The samples of a file of the method `bilevel`."""
    size, tables = (container.header.height, container.header.width), Tables(model.tables)
    values = np.zeros(size, np.uint8)
    for section, tiles in zip(container.strips, tiling.sections(*size), strict=True):
        bilevel.decode(container.payload(section) or b"", values, tiles, model, tables)
    return values


def _payload(container: Container, name: str) -> bytes:
    section = container.section(name)
    return (container.payload(section) or b"") if section else b""
