"""The bytes of a .dvq file to a picture: whole and strictly, or as a preview of what is there."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import numpy as np

from ..errors import FormatError, InvalidArgument, TruncatedFile, WeightsNotFound
from ..image_io import metadata
from ..image_io.images import Picture
from ..image_io.memory import enough_memory
from ..image_io.metadata import Metadata
from ..models.interface.adaptive_filter import Filtering, ImageFilter
from ..models.interface.hierarchy import Hierarchy, PageModel, PixelModel, Predictive
from .bitstream import alpha
from .bitstream.container import ALPHA, IMAGE_FILTER, PALETTE, Chunk, Container
from .bitstream.header import Header
from .lossless import methods
from .lossy import adaptive_filter, symbol_chunks

_EXACT_NEEDS = (ALPHA, PALETTE)

Preview = int | str | None
"""None: the whole file, strictly. N >= 1: the first N chunks. "all": every chunk that is whole."""


@dataclass(frozen=True)
class Decoded:
    """A decoded file."""

    picture: Picture
    chunks: int
    """Chunks that were decoded, of `total`; a lossless file without a model has none."""
    total: int
    exact: bool = False
    """Whether the pixels are those of the original."""


Load = Callable[[bytes], Hierarchy]
"""Gives the network for a weights id."""
LoadPixels = Callable[[bytes], PixelModel]
"""Gives the model of lossless pixels for a weights id."""
LoadPages = Callable[[bytes], PageModel]
"""Gives the model of black and white pages for a weights id."""


def decompress(
    data: bytes,
    load: Load,
    *,
    preview: Preview = None,
    load_pixels: LoadPixels | None = None,
    load_pages: LoadPages | None = None,
) -> Decoded:
    """Decode a file. A preview forgives what comes after its chunks, and shows a lossless file's lossy image."""
    container, chunks = _select(data, preview)
    total, strict = len(container.chunks), preview is None
    kept = metadata_of(container, strict=strict)
    with _enough_memory(container):
        if _wants_exact(container, preview):
            picture = methods.decode(container, _models(load, load_pixels), load_pages)
            return Decoded(replace(picture, metadata=kept), total, total, True)
        picture = replace(_shown(container, chunks, load, strict=strict), metadata=kept)
        return Decoded(picture, len(chunks), total)


def _shown(container: Container, chunks: tuple[Chunk, ...], load: Load, *, strict: bool) -> Picture:
    """What the symbols show, with the filter where they are all there, and the alpha channel."""
    header, hierarchy = container.header, load(container.header.weights)
    state = _symbols(container, chunks, hierarchy)
    transparent = _alpha(container, strict) if header.alpha else None
    found = _filter(container, hierarchy, strict=strict) if len(chunks) == len(container.chunks) else None
    shown = symbol_chunks.render(state, hierarchy, grey=header.grey, image_filter=found)
    return Picture(methods.full_size(shown, header), transparent)


def _enough_memory(container: Container) -> AbstractContextManager[None]:
    return enough_memory(container.header.height, container.header.width)


def _wants_exact(container: Container, preview: Preview) -> bool:
    """Whether to decode lossless pixels: always where there is nothing else, in a preview of all if all is whole."""
    if container.header.lossless is None:
        return False
    whole = all(container.payload(s) is not None for s in container.sections if s.strip or s.name in _EXACT_NEEDS)
    return preview is None or not container.chunks or (preview == "all" and whole)


def _models(load: Load, load_pixels: LoadPixels | None) -> Callable[[Header], methods.Model]:
    """What gives the networks that a lossless file's header names."""

    def model(header: Header) -> methods.Model:
        hierarchy = load(header.weights)
        if load_pixels is None or header.lossless is None or not isinstance(hierarchy, Predictive):
            raise WeightsNotFound("these weights cannot decode lossless files")
        ids = header.weights, header.lossless.pixel_weights
        return methods.Model(hierarchy, ids[0], load_pixels(ids[1]), ids[1])

    return model


def verify(
    data: bytes, load: Load, *, load_pixels: LoadPixels | None = None, load_pages: LoadPages | None = None
) -> Container:
    """Decode everything but lossy pixels and check every checksum; raise what is wrong, return the parsed file."""
    container, chunks = _select(data, None)
    metadata_of(container, strict=True)
    with _enough_memory(container):
        if container.header.lossless is not None:
            methods.decode(container, _models(load, load_pixels), load_pages)
            return container
        hierarchy = load(container.header.weights)
        _symbols(container, chunks, hierarchy)
        _filter(container, hierarchy, strict=True)
        if container.header.alpha:
            _alpha(container, True)
    return container


def _select(data: bytes, preview: Preview) -> tuple[Container, tuple[Chunk, ...]]:
    """Parse the file and return the chunks to decode."""
    if not (preview is None or preview == "all" or (type(preview) is int and preview >= 1)):
        raise InvalidArgument(f"preview {preview!r} is no number of chunks", "1 or more, or all")
    container = Container(data)
    fault, whole, total = container.fault(), container.whole_chunks, len(container.chunks)
    wanted = whole if preview == "all" else min(int(preview), total) if preview is not None else total
    if fault is not None and (preview is None or wanted > whole or not total):
        raise fault
    if not wanted and total:
        raise fault or TruncatedFile(0, total)
    payloads = [(section.layers, container.payload(section)) for section in container.chunks[:wanted]]
    return container, tuple(Chunk(layers, payload or b"") for layers, payload in payloads)


def _symbols(container: Container, chunks: tuple[Chunk, ...], hierarchy: Hierarchy) -> object:
    """Decode the symbols and return the walk's state."""
    header = container.header
    layers = sum(section.layers for section in container.chunks)
    if layers != len(hierarchy.layers):
        raise FormatError(f"the file has {layers} layers, its weights have {len(hierarchy.layers)}")
    return symbol_chunks.decode(chunks, hierarchy, *header.walked, header.quality, grey=header.grey)


def _filter(container: Container, hierarchy: Hierarchy, *, strict: bool) -> ImageFilter | None:
    """The image's filter, if the file has one; unless `strict`, none where it is cut or damaged."""
    section = container.section(IMAGE_FILTER)
    if section is None:
        return None
    if not isinstance(hierarchy, Filtering):
        raise FormatError(f"the file has a filter, which its weights {hierarchy.name} do not know")
    payload, header = container.payload(section), container.header
    if payload is None and not strict:
        return None
    return adaptive_filter.unpack(payload or b"", hierarchy, header.height, header.width)


def metadata_of(container: Container, *, strict: bool) -> Metadata:
    """Return a file's metadata; unless `strict`, without what is cut or damaged."""
    return Metadata(*(_metadata(container, name, strict) for name in ("the ICC profile", "EXIF", "XMP")))


def _metadata(container: Container, name: str, strict: bool) -> bytes:
    """Return a piece of metadata; a preview goes without what is cut or damaged."""
    section = container.section(name)
    payload = container.payload(section) if section else b""
    try:
        return metadata.unpack(payload or b"")
    except FormatError:
        if strict:
            raise
        return b""


def _alpha(container: Container, strict: bool) -> np.ndarray:
    """Return the alpha channel; in a preview, one that is cut or damaged counts as opaque."""
    header, section = container.header, container.section(ALPHA)
    payload = container.payload(section) if section else b""
    try:
        return alpha.unpack(payload or b"", header.height, header.width)
    except FormatError:
        if strict:
            raise
        return alpha.unpack(b"", header.height, header.width)
