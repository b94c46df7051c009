"""Decode a .dvq file to a picture: the whole file, with every fault an error, or a preview.

parse -> load weights -> decode symbols -> reconstruct -> picture
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from ..errors import FormatError, InvalidArgument, TruncatedFile
from ..image_io import metadata
from ..image_io.images import Picture
from ..image_io.memory import enough_memory
from ..image_io.metadata import Metadata
from ..models.interface.adaptive_filter import ImageFilter
from ..models.interface.hierarchy import Hierarchy, PassSettings
from ..models.interface.photo import PhotoModel
from .bitstream import alpha, properties
from .bitstream.container import DvqFile, Section, parse, payload_of
from .loaders import Loaders
from .lossless import reconstruction
from .lossy import adaptive_filter, symbol_chunks
from .settings import Preview

T = TypeVar("T")


@dataclass(frozen=True)
class Decoded:
    """A decoded file."""

    picture: Picture
    chunks: int
    """Chunks that were decoded, of `total`; a lossless file without symbols has none."""
    total: int
    exact: bool = False
    """Whether the pixels are those of the original."""


def decompress(data: bytes, loaders: Loaders, *, preview: Preview = None) -> Decoded:
    """Decode a file.

    Args:
        data: The bytes of a .dvq file of one image.
        loaders: Where the models come from.
        preview: How much to decode. A preview ignores faults after its chunks, and gives the lossy image of a lossless
            file.

    Returns:
        The picture with its metadata, and how many chunks were decoded.

    Raises:
        FormatError: If the file is damaged, or TruncatedFile if it is cut short, and the preview does not ignore that.
        WeightsNotFound: If its weights are not installed.
        InvalidArgument: If `preview` is not valid.
    """
    return decode(parse(data), loaders, preview=preview)


def decode(file: DvqFile, loaders: Loaders, *, preview: Preview = None) -> Decoded:
    """Decode a parsed file: see `decompress`."""
    count = _chunks_to_decode(file, preview)
    total, strict = len(file.chunks), preview is None
    kept = metadata_of(file, strict=strict)
    with enough_memory(file.header.height, file.header.width):
        if _wants_exact(file, preview):
            picture = reconstruction.decode(file, loaders)
            return Decoded(replace(picture, metadata=kept), total, total, True)
        picture = _shown(file, count, loaders, strict=strict)
        return Decoded(replace(picture, metadata=kept), count, total)


def verify(data: bytes, loaders: Loaders) -> DvqFile:
    """Decode everything but lossy pixels and check every checksum.

    Args:
        data: The bytes of a .dvq file of one image.
        loaders: Where the models come from.

    Returns:
        The parsed file.

    Raises:
        DvcodecError: The first fault of the file.
    """
    file = parse(data)
    count = _chunks_to_decode(file, None)
    metadata_of(file, strict=True)
    with enough_memory(file.header.height, file.header.width):
        if file.header.lossless:
            reconstruction.decode(file, loaders)
            return file
        hierarchy = loaders.hierarchy(file.header.weights)
        _symbols(file, count, hierarchy)
        _filter(file, hierarchy, strict=True)
        _alpha(file, strict=True)
    return file


def metadata_of(file: DvqFile, *, strict: bool) -> Metadata:
    """Return a file's metadata. Unless `strict`, parts that are cut or damaged count as absent."""
    icc, exif, xmp = (_unpacked(metadata.unpack, part, strict) for part in (file.icc, file.exif, file.xmp))
    kept = _unpacked(properties.unpack, file.properties, strict)
    return replace(kept, icc=icc, exif=exif, xmp=xmp)


def _chunks_to_decode(file: DvqFile, preview: Preview) -> int:
    """Return how many chunks a preview decodes; raise the file's fault unless the preview ignores it."""
    if not (preview is None or preview == "all" or (type(preview) is int and preview >= 1)):
        raise InvalidArgument(f"preview {preview!r} is not a number of chunks", "1 or more, or all")
    fault, whole, total = file.fault, file.whole_chunks, len(file.chunks)
    wanted = whole if preview == "all" else min(int(preview), total) if preview is not None else total
    if fault is not None and (preview is None or wanted > whole or not total):
        raise fault
    if not wanted and total:
        raise fault or TruncatedFile(0, total)
    return wanted


def _wants_exact(file: DvqFile, preview: Preview) -> bool:
    """Tell whether to decode lossless pixels: a preview does so only if there are no chunks, or all is whole."""
    if not file.header.lossless:
        return False
    needed = (*file.pixels, file.alpha, file.palette)
    whole = all(section is None or section.payload is not None for section in needed)
    return preview is None or not file.chunks or (preview == "all" and whole)


def _shown(file: DvqFile, count: int, loaders: Loaders, *, strict: bool) -> Picture:
    """Decode the image of the first `count` chunks, with its alpha channel, and filter it if these are all."""
    header, hierarchy = file.header, loaders.hierarchy(file.header.weights)
    state = _symbols(file, count, hierarchy)
    transparent = _alpha(file, strict=strict)
    found = _filter(file, hierarchy, strict=strict) if count == len(file.chunks) else None
    pixels = symbol_chunks.render(state, hierarchy, grey=header.grey, image_filter=found)
    return Picture(reconstruction.full_size(pixels, header), transparent)


def _symbols(file: DvqFile, count: int, hierarchy: Hierarchy) -> object:
    """Decode the symbols of the first `count` chunks and return the state that the pass has built."""
    header = file.header
    layers = sum(section.layers for section in file.chunks)
    if layers != len(hierarchy.layers):
        raise FormatError(f"the file has {layers} layers, its weights have {len(hierarchy.layers)}")
    settings = PassSettings(*header.symbols_size, header.quality, grey=header.grey)
    return symbol_chunks.decode(file.selected(count), hierarchy, settings)


def _filter(file: DvqFile, hierarchy: Hierarchy, *, strict: bool) -> ImageFilter | None:
    """Return the adaptive filter of a file, or None. Unless `strict`, one that is cut counts as absent."""
    if file.adaptive_filter is None:
        return None
    if not isinstance(hierarchy, PhotoModel):
        raise FormatError(f"the file has an adaptive filter, which its weights {hierarchy.name} do not support")
    if file.adaptive_filter.payload is None and not strict:
        return None
    return adaptive_filter.unpack(payload_of(file.adaptive_filter), hierarchy, file.header.height, file.header.width)


def _alpha(file: DvqFile, *, strict: bool) -> "alpha.Channel | None":
    """Return the alpha channel of a file with symbols. Unless `strict`, a damaged one counts as opaque."""
    if file.alpha is None:
        return None
    return _unpacked(lambda payload: alpha.unpack(payload, file.header.height, file.header.width), file.alpha, strict)


def _unpacked(unpack: Callable[[bytes], T], section: Section | None, strict: bool) -> T:
    """Unpack a section. Unless `strict`, one that is cut, damaged or not valid counts as empty."""
    try:
        return unpack(payload_of(section))
    except FormatError:
        if strict:
            raise
        return unpack(b"")
