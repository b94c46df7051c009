"""Decode a .dvq file to a picture: the whole file, with every fault an error, or a preview.

parse -> load weights -> decode symbols -> reconstruct -> picture
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from numbers import Integral
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import FormatError, InvalidArgument, TruncatedFile
from ..image_io import metadata, orientation, views
from ..image_io.bounds import DEFAULT, Bounds
from ..image_io.floating_point import numpy_defaults
from ..image_io.images import Picture
from ..image_io.memory import enough_memory
from ..image_io.metadata import Metadata
from ..models.interface.adaptive_filter import ImageFilter
from ..models.interface.hierarchy import Hierarchy, PassSettings
from ..models.interface.photo import PhotoModel, Region
from ..progress import OnProgress, ignore, part
from .bitstream import alpha, properties
from .bitstream.container import DvqFile, Section, parse, payload_of
from .bitstream.header import FILE
from .loaders import Loaders
from .lossless import kept_file, reconstruction
from .lossy import adaptive_filter, symbol_chunks
from .memory_estimates import check_header
from .settings import Preview
from .view import WHOLE, View

T = TypeVar("T")

_SYMBOLS = 0.5
"""The share of the time of decoding that the symbols take, about; rendering takes the rest."""


@dataclass(frozen=True)
class Decoded:
    """A decoded file."""

    picture: Picture
    chunks: int
    """Chunks that were decoded, of `total`; a lossless file without symbols has none."""
    total: int
    exact: bool = False
    """Whether the pixels are those of the original."""


def decompress(
    data: bytes,
    loaders: Loaders,
    *,
    preview: Preview = None,
    view: View = WHOLE,
    on_progress: OnProgress = ignore,
    bounds: Bounds = DEFAULT,
) -> Decoded:
    """Decode a file.

    Args:
        data: The bytes of a .dvq file of one image.
        loaders: Where the models come from.
        preview: How much to decode. A preview ignores faults after its chunks, and gives the lossy image of a lossless
            file.
        view: Which part of the image to decode, and how large.
        on_progress: Called with the share that is done.
        bounds: How large the image may be.

    Returns:
        The picture with its metadata, and how many chunks were decoded.

    Raises:
        FormatError: If the file is damaged, or TruncatedFile if it is cut short, and the preview does not ignore that.
        WeightsNotFound: If its weights are not installed.
        InvalidArgument: If `preview` is not valid, or the region is not inside the image.
        LimitExceeded: If the image is larger than `bounds` allow.
    """
    return decode(parse(data), loaders, preview=preview, view=view, on_progress=on_progress, bounds=bounds)


@numpy_defaults
def decode(
    file: DvqFile,
    loaders: Loaders,
    *,
    preview: Preview = None,
    view: View = WHOLE,
    on_progress: OnProgress = ignore,
    bounds: Bounds = DEFAULT,
) -> Decoded:
    """Decode a parsed file: see `decompress`."""
    check_header(file.header, bounds)
    count = _chunks_to_decode(file, preview)
    total, strict = len(file.chunks), preview is None
    if file.header.kind == FILE:
        return Decoded(part_of(kept_file.picture(file), view), 0, 0, view.denominator == 1)
    kept, header = metadata_of(file, strict=strict), file.header
    region = view.stored(header.height, header.width, orientation.of(kept))
    with enough_memory(header.height, header.width):
        if _wants_exact(file, preview):
            picture, exact, count = _part(reconstruction.decode(file, loaders, on_progress), view, region), True, total
        else:
            picture, exact = _Decoding(file, count, loaders, on_progress, strict).shown(view, region), False
    on_progress(1.0)
    return Decoded(replace(picture, metadata=kept), count, total, exact and view.denominator == 1)


def part_of(picture: Picture, view: View) -> Picture:
    """Return what a view shows of a whole picture; raise InvalidArgument if its region is not inside."""
    height, width = picture.pixels.shape[:2]
    return _part(picture, view, view.stored(height, width, orientation.of(picture.metadata)))


def _part(picture: Picture, view: View, region: Region | None) -> Picture:
    """Return the part of a whole picture that a view shows."""
    return views.reduced(picture, view.denominator) if region is None else views.cropped(picture, region)


@numpy_defaults
def verify(data: bytes, loaders: Loaders, bounds: Bounds = DEFAULT) -> DvqFile:
    """Decode everything but lossy pixels and check every checksum.

    Args:
        data: The bytes of a .dvq file of one image.
        loaders: Where the models come from.
        bounds: How large the image may be.

    Returns:
        The parsed file.

    Raises:
        DvcodecError: The first fault of the file.
    """
    file = parse(data)
    check_header(file.header, bounds)
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
    """Return a file's metadata, which an image file that it keeps has itself.

    Unless `strict`, parts that are cut or damaged count as absent.
    """
    icc, exif, xmp = (_metadata(part, strict=strict) for part in (file.icc, file.exif, file.xmp))
    kept = _unpacked(properties.unpack, file.properties, strict)
    return replace(kept, icc=icc, exif=exif, xmp=xmp)


def _chunks_to_decode(file: DvqFile, preview: Preview) -> int:
    """Return how many chunks a preview decodes; raise the file's fault unless the preview ignores it."""
    numbered = isinstance(preview, Integral) and not isinstance(preview, bool) and preview >= 1
    if not (preview is None or numbered or (isinstance(preview, str) and preview == "all")):
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
    whole = all(section is None or section.whole for section in needed)
    return preview is None or not file.chunks or (preview == "all" and whole)


@dataclass(frozen=True)
class _Decoding:
    """How to decode the pixels of the first `count` chunks of a file."""

    file: DvqFile
    count: int
    loaders: Loaders
    on_progress: OnProgress
    strict: bool
    """Whether a fault of the adaptive filter or of alpha is an error."""

    def shown(self, view: View, region: Region | None) -> Picture:
        """Decode a view of the image, with its alpha channel."""
        header, hierarchy = self.file.header, self.loaders.hierarchy(self.file.header.weights)
        transparent = _alpha(self.file, strict=self.strict)
        if header.lossless or not isinstance(hierarchy, PhotoModel):
            pixels = reconstruction.full_size(self._pixels(hierarchy, None), header)
            return _part(Picture(pixels, transparent), view, region)
        if view.denominator == 1:
            pixels = self._pixels(hierarchy, region)
            return Picture(pixels, transparent if transparent is None or region is None else transparent[region])
        smaller = None if transparent is None else views.reduced_channel(transparent, view.denominator)
        return Picture(self._reduced(hierarchy, view.denominator), smaller)

    def _pixels(self, hierarchy: Hierarchy, region: Region | None) -> NDArray[np.uint8]:
        """Decode pixels, which the adaptive filter corrects if the chunks are all."""
        file = self.file
        state = _symbols(file, self.count, hierarchy, on_progress=part(self.on_progress, 0.0, _SYMBOLS))
        found = _filter(file, hierarchy, strict=self.strict) if self.count == len(file.chunks) else None
        report = part(self.on_progress, _SYMBOLS, 1.0)
        return symbol_chunks.render(
            state, hierarchy, grey=file.header.grey, image_filter=found, region=region, on_progress=report
        )

    def _reduced(self, model: PhotoModel, denominator: int) -> NDArray[np.uint8]:
        """Decode a smaller picture by those of the chunks that it needs."""
        state = _symbols(self.file, self.count, model, model.reduced_layers(denominator), on_progress=self.on_progress)
        return symbol_chunks.shown(model.render_reduced(state, denominator), grey=self.file.header.grey)


def _symbols(
    file: DvqFile, count: int, hierarchy: Hierarchy, stop: int | None = None, *, on_progress: OnProgress = ignore
) -> object:
    """Decode the symbols of the first `count` chunks and return the state that the pass has built.

    Args:
        file: The file.
        count: Number of chunks.
        hierarchy: The model that the file names.
        stop: Number of layers that a smaller picture needs; None for all, and a state of full size.
        on_progress: Called with the share that is done.
    """
    header = file.header
    layers = sum(section.layers for section in file.chunks)
    if layers != len(hierarchy.layers):
        raise FormatError(f"the file has {layers} layers, its weights have {len(hierarchy.layers)}")
    partial = stop is not None
    settings = PassSettings(
        *header.symbols_size,
        header.quality,
        grey=header.grey,
        stop=stop,
        partial=partial,
        perceptual=header.perceptual,
    )
    return symbol_chunks.decode(file.selected(count), hierarchy, settings, on_progress)


def _filter(file: DvqFile, hierarchy: Hierarchy, *, strict: bool) -> ImageFilter | None:
    """Return the adaptive filter of a file, or None. Unless `strict`, one that is cut counts as absent."""
    if file.adaptive_filter is None:
        return None
    if not isinstance(hierarchy, PhotoModel):
        raise FormatError(f"the file has an adaptive filter, which its weights {hierarchy.name} do not support")
    if not file.adaptive_filter.whole and not strict:
        return None
    return adaptive_filter.unpack(payload_of(file.adaptive_filter), hierarchy, file.header.height, file.header.width)


def _alpha(file: DvqFile, *, strict: bool) -> "alpha.Channel | None":
    """Return the alpha channel of a file with symbols. Unless `strict`, a damaged one counts as opaque."""
    if file.alpha is None:
        return None
    return _unpacked(lambda payload: alpha.unpack(payload, file.header.height, file.header.width), file.alpha, strict)


def _metadata(section: Section | None, *, strict: bool) -> bytes:
    """Return the metadata of a section. Unless `strict`, those of a damaged one count as absent."""
    name = "" if section is None else section.name
    return _unpacked(lambda payload: metadata.unpack(payload, name), section, strict)


def _unpacked(unpack: Callable[[bytes], T], section: Section | None, strict: bool) -> T:
    """Unpack a section. Unless `strict`, one that is cut, damaged or not valid counts as empty."""
    try:
        return unpack(payload_of(section))
    except FormatError:
        if strict:
            raise
        return unpack(b"")
