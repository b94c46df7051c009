"""Compress a picture to a lossless file by each method that can, and keep the smallest.

stored   the samples, raw or compressed by deflate
webp     lossless WebP
model    symbols of a hierarchy for the image at half size, then each pixel given their prediction and earlier pixels
bilevel  bilevel pixels, each given earlier ones
file     the image file that was read, byte for byte
deep     samples of more than 8 bits, each given earlier ones
jpeg     the coefficients of the JPEG image that pixels were decoded from
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import UnsupportedImage
from ...image_io import webp
from ...image_io.floating_point import numpy_defaults
from ...image_io.images import Picture
from ...models.interface.hierarchy import BilevelModel, PixelModel
from ...models.interface.photo import PhotoModel
from ...models.pixels.wavefront.half_size import doubled, halved
from ...models.runtime import kernels
from ...progress import OnProgress, ignore, part
from ..bitstream import alpha, tiling
from ..bitstream.assembly import Parts, assemble
from ..bitstream.header import BILEVEL, DEEP, FILE, JPEG, MODEL, STORED, WEBP, Header
from ..bitstream.properties import packed_metadata
from ..entropy.ans import Tables
from ..lossy import symbol_chunks
from ..settings import AUTO
from . import bilevel, deep, jpeg, kept_file, pixel_strips, raw_samples

BASE_QUALITY = 30 * 256
"""Quality, in fixed point, of the lossy image in a file of the method `model`, at which files are smallest."""
MODELLED = ("L", "LA", "RGB", "RGBA")
"""Modes that the methods `model` and `jpeg` can code."""
_CHEAP, _SYMBOLS = 0.1, 0.3
"""Shares of the time, about: of methods without a model beside one, and of the symbols under the method `model`."""


@dataclass(frozen=True)
class Model:
    """The networks of the method `model`, and the ids of their weights, 8 bytes each."""

    hierarchy: PhotoModel
    weights: bytes
    pixels: PixelModel
    pixel_weights: bytes


@dataclass(frozen=True)
class BilevelNetworks:
    """The network of the method `bilevel`, and the id of its weights, 8 bytes."""

    model: BilevelModel
    weights: bytes


LoadModel = Callable[[], Model | None]
LoadBilevel = Callable[[], BilevelNetworks | None]
"""Functions that return the networks, or None if none are installed."""


@dataclass(frozen=True)
class Coded:
    """A lossless file, and how it was made."""

    data: bytes
    method: str
    chunks: int = 0
    layer_bits: tuple[tuple[str, float], ...] = ()
    """The name of each layer of the hierarchy and the bits of its symbols."""
    weights: str | None = None
    """The name of the hierarchy or of the bilevel model; None for methods without weights."""
    pixel_bytes: int = 0
    """Bytes of the pixels and the hierarchy's symbols; the rest is header, alpha and metadata."""


@numpy_defaults
def compress(
    picture: Picture,
    method: str,
    load: LoadModel,
    *,
    load_bilevel: LoadBilevel = lambda: None,
    on_progress: OnProgress = ignore,
    original: bytes = b"",
) -> Coded:
    """Compress a picture to a lossless file.

    Args:
        picture: The picture, read exactly.
        method: One of METHODS, or AUTO for the smallest file.
        load: Returns the networks of the method `model`; called only if they can be used.
        load_bilevel: Returns the network of the method `bilevel`; called only if it can be used.
        on_progress: Called with the share that is done.
        original: The image file that the picture was read from, if there is one, for the method `file`.

    Returns:
        The file, and how it was made.

    Raises:
        UnsupportedImage: If the method cannot code the picture.
        WeightsNotFound: If the method needs weights that are not installed.
    """
    common = replace(packed_metadata(picture.metadata), palette=raw_samples.pack_palette(picture.palette))
    made = [_file(picture, original)] if wanted(picture, FILE, method, original) else []
    if wanted(picture, JPEG, method):
        made += _jpeg(picture, common, required=method == JPEG)
    with ThreadPoolExecutor(1) as pool:
        cheap = _without_models(picture, common, method, pool)
        if made or kernels.threads() == 1:  # the sizes tell whether to try a model, or no processor would be left
            wait(cheap)
        report = part(on_progress, _CHEAP if cheap else 0.0, 1.0)
        report(0.0)
        hopeless = bool(made) and _hopeless([*made, *(coding.result() for coding in cheap)])
        if wanted(picture, MODEL, method) and not hopeless and (model := load()) is not None:
            made.append(_model(picture, common, model, report))
        if wanted(picture, BILEVEL, method) and (found := load_bilevel()) is not None:
            made.append(_bilevel(picture, common, found, report))
        made = [*(coding.result() for coding in cheap), *made]
    return min(made, key=lambda coded: len(coded.data))


def _without_models(picture: Picture, common: Parts, method: str, pool: ThreadPoolExecutor) -> list["Future[Coded]"]:
    """Begin to compress by the methods without models: their libraries leave Python to others while they work."""
    cheap = {STORED: _stored, WEBP: _webp, DEEP: _deep}
    return [pool.submit(coder, picture, common) for name, coder in cheap.items() if wanted(picture, name, method)]


def _hopeless(made: list[Coded]) -> bool:
    """Tell whether pixels cannot become as small as the file that they come from.

    The pixels of a JPEG file take several times its bytes. A model saves at most about a third of lossless WebP, and
    takes its time.
    """
    small = [len(coded.data) for coded in made if coded.method in (FILE, JPEG)]
    others = [len(coded.data) for coded in made if coded.method not in (FILE, JPEG)]
    return bool(small and others) and 2 * min(small) < min(others)


def wanted(picture: Picture, name: str, method: str, original: bytes = b"") -> bool:
    """Tell whether to try the method `name`; raise UnsupportedImage if it was asked for and cannot code the picture."""
    if name == FILE:
        able = method in (AUTO, FILE) and not picture.deep and kept_file.suits(picture, original)
        if method == FILE and not able:
            raise UnsupportedImage(
                "the method file keeps an image file of a known format, and there is none", 'use `method="auto"`'
            )
        return able
    shallow = {
        MODEL: picture.mode in MODELLED,
        JPEG: picture.mode in MODELLED,
        BILEVEL: picture.mode == "1",
        WEBP: webp.holds(picture.pixels),
    }
    able = {STORED: True, DEEP: picture.deep, **{one: fits and not picture.deep for one, fits in shallow.items()}}[name]
    if method == name and not able:
        height, width = picture.pixels.shape[:2]
        raise UnsupportedImage(
            f"the method {name} cannot code {width} x {height} pixels of mode {picture.mode}", 'use `method="auto"`'
        )
    return able and method in (AUTO, name)


def _header(picture: Picture, method: str) -> Header:
    """Return the header of a picture under a method, without weights."""
    height, width = picture.pixels.shape[:2]
    crc = raw_samples.checksum(raw_samples.of(picture))
    return Header(kind=method, width=width, height=height, mode=picture.mode, samples_crc=crc, white=picture.white)


def _stored(picture: Picture, common: Parts) -> Coded:
    section = raw_samples.store(raw_samples.of(picture), picture.mode)
    data = assemble(_header(picture, STORED), replace(common, pixels=(section,)))
    return Coded(data, STORED, pixel_bytes=len(section))


def _webp(picture: Picture, common: Parts) -> Coded:
    section = raw_samples.to_webp(raw_samples.of(picture))
    data = assemble(_header(picture, WEBP), replace(common, pixels=(section,)))
    return Coded(data, WEBP, pixel_bytes=len(section))


def _file(picture: Picture, original: bytes) -> Coded:
    height, width = picture.pixels.shape[:2]
    data = assemble(Header(kind=FILE, width=width, height=height, mode=picture.mode), Parts(pixels=(original,)))
    return Coded(data, FILE, pixel_bytes=len(original))


def _deep(picture: Picture, common: Parts) -> Coded:
    sections = deep.encode(raw_samples.of(picture), picture.white)
    data = assemble(_header(picture, DEEP), replace(common, pixels=sections))
    return Coded(data, DEEP, pixel_bytes=sum(map(len, sections)))


def _jpeg(picture: Picture, common: Parts, *, required: bool) -> list[Coded]:
    """Compress by the method `jpeg`, if the pixels were decoded from a JPEG image; if not, raise if it is required."""
    sections = jpeg.encode(picture.pixels)
    if sections is None and required:
        raise UnsupportedImage("the pixels do not seem to come from a JPEG image", 'use `method="auto"`')
    if sections is None:
        return []
    packed_alpha = b"" if picture.alpha is None else alpha.pack(picture.alpha)
    data = assemble(_header(picture, JPEG), replace(common, alpha=packed_alpha, pixels=sections))
    return [Coded(data, JPEG, pixel_bytes=sum(map(len, sections)))]


def _bilevel(picture: Picture, common: Parts, found: BilevelNetworks, on_progress: OnProgress) -> Coded:
    """Compress by the method `bilevel`, in sections of tiles."""
    tables, image = Tables(found.model.tables), picture.pixels
    sections, parts = tiling.sections(*image.shape), list[bytes]()
    for tiles in sections:
        parts.append(bilevel.encode(image, tiles, found.model, tables))
        on_progress(len(parts) / len(sections))
    header = replace(_header(picture, BILEVEL), pixel_weights=found.weights)
    data = assemble(header, replace(common, pixels=tuple(parts)))
    return Coded(data, BILEVEL, weights=found.model.name, pixel_bytes=sum(map(len, parts)))


def _model(picture: Picture, common: Parts, model: Model, on_progress: OnProgress) -> Coded:
    """Compress by the method `model`: symbols of the hierarchy, then the pixels given the image that they predict."""
    symbols, predicted = base_of(picture.pixels, model.hierarchy, part(on_progress, 0.0, _SYMBOLS))
    tables, parts = Tables(model.pixels.tables), list[bytes]()
    for rows in tiling.strips(*picture.pixels.shape[:2]):
        parts.append(pixel_strips.encode(picture.pixels[rows], predicted[rows], model.pixels, tables))
        part(on_progress, _SYMBOLS, 1.0)(rows.stop / len(picture.pixels))
    plain = _header(picture, MODEL)
    header = replace(plain, quality=BASE_QUALITY, weights=model.weights, pixel_weights=model.pixel_weights)
    packed_alpha = b"" if picture.alpha is None else alpha.pack(picture.alpha)
    data = assemble(header, replace(common, chunks=symbols.chunks, alpha=packed_alpha, pixels=tuple(parts)))
    size = sum(map(len, parts)) + sum(len(chunk.payload) for chunk in symbols.chunks)
    names = (layer.name for layer in model.hierarchy.layers)
    bits = tuple(zip(names, symbols.layer_bits, strict=True))
    return Coded(data, MODEL, len(symbols.chunks), bits, model.hierarchy.name, size)


def base_of(
    values: NDArray[np.uint8], hierarchy: PhotoModel, on_progress: OnProgress = ignore
) -> tuple[symbol_chunks.Encoded, NDArray[np.uint8]]:
    """Encode (H, W) or (H, W, 3) pixels at half size; return the symbols and the image that they predict, (H, W, 3)."""
    symbols = symbol_chunks.encode_unfiltered(halved(values), hierarchy, BASE_QUALITY, on_progress)
    return symbols, doubled(hierarchy.render(symbols.state), *values.shape[:2])
