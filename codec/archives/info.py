"""Describe an archive without decoding it, for `dvcodec info` and JSON. This needs neither numpy nor torch."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...errors import FormatError, WeightsNotFound
from ...image_io.bounds import DEFAULT, Bounds
from ..bitstream.container import parse
from ..bitstream.header import VERSION
from . import names
from .layout import FILES, SET
from .reader import Archive, Loss, Segment
from .splitting import split_files

MOST_FAULTS = 20
"""Faults that are listed; those beyond are counted."""
_IMAGE_BYTES, _SEGMENT_BYTES = 700, 1000
"""About what the descriptions of an image, with its name, and of a segment take in memory."""


@dataclass(frozen=True)
class ImageInfo:
    """One image of an archive."""

    number: int
    """Its number, from 1 on."""
    name: str
    """Its name; empty if it has none."""
    target: str
    """The file that extraction writes."""
    width: int
    height: int
    mode: str
    lossless: bool
    """Whether its pixels are those of the original."""


@dataclass(frozen=True)
class SegmentInfo:
    """One whole segment of an archive."""

    number: int
    kind: str
    """What it holds: files, mosaic or set."""
    images: tuple[ImageInfo, ...]
    bytes: int
    """Bytes of the segment without its names."""
    overhead_bytes: int
    """Those of `bytes` that are not payload."""
    bpp: float
    """Bits per pixel of its images."""
    weights_id: str | None
    """The id of a set's weights, 8 bytes in hexadecimal; None for other kinds."""
    weights_name: str | None
    """The name of a set's weights if they are installed."""


@dataclass(frozen=True)
class ArchiveInfo:
    """An archive: its whole segments and what is wrong with it."""

    format_version: int
    images: int
    """The number of images in whole segments."""
    segments: tuple[SegmentInfo, ...]
    pixels: int
    name_bytes: int
    total_bytes: int
    bpp: float
    """Bits per pixel of the file without the names."""
    faults: tuple[str, ...]
    """What is damaged or missing, one line each; the last one counts those beyond the first 20."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for json.dumps."""
        return asdict(self)


class ListingTotals:
    """The sums over an archive, and its first faults."""

    def __init__(self) -> None:
        self.segments = self.images = self.pixels = self.name_bytes = self._faults = 0
        self._first: list[str] = []

    def add(self, segment: SegmentInfo) -> None:
        """Count a segment."""
        self.segments += 1
        self.images += len(segment.images)
        self.pixels += sum(image.width * image.height for image in segment.images)

    def fault(self, text: str) -> None:
        """Count a fault; the first ones are kept."""
        self._faults += 1
        if len(self._first) < MOST_FAULTS:
            self._first.append(text)

    @property
    def faults(self) -> tuple[str, ...]:
        """The first faults, and how many there are beyond them."""
        more = self._faults - len(self._first)
        return (*self._first, *((f"and {more} more",) if more else ()))

    def bpp(self, size: int) -> float:
        """Return the bits per pixel of an archive of `size` bytes without its names."""
        return 8 * (size - self.name_bytes) / self.pixels if self.pixels else 0.0


def segments(archive: Archive, totals: ListingTotals) -> Iterator[SegmentInfo]:
    """Yield the whole segments of an open archive, one at a time, and sum them and the faults up in `totals`."""
    for part in archive.parts():
        if isinstance(part, Loss):
            totals.fault(str(part))
            continue
        if part.names_fault:
            totals.fault(part.names_fault)
        totals.name_bytes += part.name_bytes
        try:
            found = _segment(part)
        except FormatError as error:
            totals.fault(f"segment {part.number}: {error}")
            continue
        totals.add(found)
        yield found


def describe(path: Path, bounds: Bounds = DEFAULT) -> ArchiveInfo:
    """Describe an archive.

    Args:
        path: The archive.
        bounds: How much memory the description may take.

    Returns:
        Its segments and images. Damage is described, not refused.

    Raises:
        FormatError: If the file cannot be read or is not an archive.
        LimitExceeded: If there are too many images for the memory.
    """
    totals, found, most = ListingTotals(), [], bounds.memory
    with Archive(path) as archive:
        for segment in segments(archive, totals):
            found.append(segment)
            bounds.check_memory(
                _IMAGE_BYTES * totals.images + _SEGMENT_BYTES * totals.segments, "the images of the archive", most
            )
        size = archive.size
    return ArchiveInfo(
        VERSION,
        totals.images,
        tuple(found),
        totals.pixels,
        totals.name_bytes,
        size,
        totals.bpp(size),
        totals.faults,
    )


def _segment(segment: Segment) -> SegmentInfo:
    head = segment.head
    sizes = [(head.width, head.height, head.mode, True)] * len(head.positions)
    suffixes = [names.SUFFIX] * len(head.positions)
    if head.kind == FILES:
        payload = memoryview(segment.payload)
        files = [parse(payload[at]) for at in split_files(segment.payload, len(sizes))]
        headers = [file.header for file in files]
        sizes = [(header.width, header.height, header.mode, header.lossless) for header in headers]
        suffixes = [file.kept_suffix or names.SUFFIX for file in files]
    images = tuple(
        ImageInfo(position + 1, name, names.target(name, position, suffix), *size)
        for position, name, suffix, size in zip(head.positions, segment.names, suffixes, sizes, strict=True)
    )
    pixels = sum(width * height for width, height, *_ in sizes)
    known = segment.weights_id if head.kind == SET else b""
    return SegmentInfo(
        segment.number,
        head.kind,
        images,
        segment.size,
        segment.size - head.payload_size,
        8 * segment.size / pixels,
        known.hex() or None,
        _weights_name(known) if known else None,
    )


def _weights_name(prefix: bytes) -> str | None:
    from ... import weights

    try:
        return weights.by_id(prefix).name
    except WeightsNotFound:
        return None
