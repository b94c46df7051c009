"""The bytes of a .dvq file to a picture: whole and strictly, or as a preview of what is there."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..models.interface import Hierarchy
from . import alpha, lossy, metadata
from .container import Chunk, Container
from .errors import DvcodecError, FormatError, InvalidArgument, TruncatedFile
from .images import Picture
from .metadata import Metadata

Preview = int | str | None
"""None: the whole file, strictly. N >= 1: the first N chunks. "all": every chunk that is whole."""


@dataclass(frozen=True)
class Decoded:
    """A decoded file."""

    picture: Picture
    chunks: int
    """Chunks that were decoded, of `total`."""
    total: int


def decompress(data: bytes, load: Callable[[bytes], Hierarchy], *, preview: Preview = None) -> Decoded:
    """Decode a file; `load` gives the network for a weights id. A preview forgives what comes after its chunks."""
    container, chunks = _select(data, preview)
    hierarchy = load(container.header.weights)
    state = _symbols(container, chunks, hierarchy)
    strict = preview is None
    kept = metadata_of(container, strict=strict)
    picture_alpha = _alpha(container, strict) if container.header.alpha else None
    pixels = lossy.render(state, hierarchy, grey=container.header.grey)
    return Decoded(Picture(pixels, picture_alpha, kept), len(chunks), len(container.chunks))


def verify(data: bytes, load: Callable[[bytes], Hierarchy]) -> Container:
    """Decode everything but the pixels and check every checksum; raise what is wrong, return the parsed file."""
    container, chunks = _select(data, None)
    _symbols(container, chunks, load(container.header.weights))
    metadata_of(container, strict=True)
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
    if fault is not None and (preview is None or wanted > whole):
        raise fault
    if not wanted:
        raise fault or TruncatedFile(0, total)
    payloads = [(section.layers, container.payload(section)) for section in container.chunks[:wanted]]
    return container, tuple(Chunk(layers, payload or b"") for layers, payload in payloads)


def _symbols(container: Container, chunks: tuple[Chunk, ...], hierarchy: Hierarchy) -> object:
    """Decode the symbols and return the walk's state."""
    header = container.header
    layers = sum(section.layers for section in container.chunks)
    if layers != len(hierarchy.layers):
        raise FormatError(f"the file has {layers} layers, its weights have {len(hierarchy.layers)}")
    try:
        return lossy.decode(chunks, hierarchy, header.height, header.width, header.quality, grey=header.grey)
    except MemoryError as error:
        raise DvcodecError(f"not enough memory for {header.width} x {header.height} pixels") from error


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
    header, section = container.header, container.section("the alpha channel")
    payload = container.payload(section) if section else b""
    try:
        return alpha.unpack(payload or b"", header.height, header.width)
    except FormatError:
        if strict:
            raise
        return alpha.unpack(b"", header.height, header.width)
