"""Describe an archive without decoding it, for `dvcodec info` and JSON. This needs neither numpy nor torch."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...errors import FormatError, WeightsNotFound
from ..bitstream.container import parse
from ..bitstream.header import VERSION
from . import names
from .layout import FILES, SET
from .reader import Archive, Loss, Segment
from .splitting import split_files


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
    """What is damaged or missing, one line each."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for json.dumps."""
        return asdict(self)


def describe(path: Path) -> ArchiveInfo:
    """Describe an archive.

    Args:
        path: The archive.

    Returns:
        Its segments and images. Damage is described, not refused.

    Raises:
        FormatError: If the file cannot be read or is not an archive.
    """
    segments, faults, name_bytes = [], [], 0
    with Archive(path) as archive:
        for part in archive.parts():
            if isinstance(part, Loss):
                faults.append(str(part))
                continue
            faults += [part.names_fault] if part.names_fault else []
            name_bytes += part.name_bytes
            try:
                segments.append(_segment(part))
            except FormatError as error:
                faults.append(f"segment {part.number}: {error}")
        size = archive.size
    count = sum(len(segment.images) for segment in segments)
    pixels = sum(image.width * image.height for segment in segments for image in segment.images)
    bpp = 8 * (size - name_bytes) / pixels if pixels else 0.0
    return ArchiveInfo(VERSION, count, tuple(segments), pixels, name_bytes, size, bpp, tuple(faults))


def _segment(segment: Segment) -> SegmentInfo:
    head = segment.head
    sizes = [(head.width, head.height, head.mode, True)] * len(head.positions)
    suffixes = [names.SUFFIX] * len(head.positions)
    if head.kind == FILES:
        files = [parse(file) for file in split_files(segment.payload, len(sizes))]
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
