"""What an archive tells without being decoded, ready for `dvcodec info` and for JSON. Needs neither numpy nor torch."""

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
    """One image."""

    number: int
    """From 1 on."""
    name: str
    """Empty where it has none."""
    target: str
    """The file that it comes back as."""
    width: int
    height: int
    mode: str


@dataclass(frozen=True)
class SegmentInfo:
    """One whole segment."""

    number: int
    kind: str
    """files, mosaic or set."""
    images: tuple[ImageInfo, ...]
    bytes: int
    """In all, without the names."""
    overhead_bytes: int
    """Of these, what is not payload."""
    bpp: float
    """Bits per pixel of its images."""
    weights_id: str | None
    """Of a set: first 8 bytes of the SHA-256 of its weights, hexadecimal."""
    weights_name: str | None
    """Their name, if they are installed here."""


@dataclass(frozen=True)
class ArchiveInfo:
    """An archive: its whole segments and what is wrong with it."""

    format_version: int
    images: int
    """In whole segments."""
    segments: tuple[SegmentInfo, ...]
    pixels: int
    name_bytes: int
    total_bytes: int
    bpp: float
    """Bits per pixel of all but the names."""
    faults: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for json.dumps."""
        return asdict(self)


def describe(path: Path) -> ArchiveInfo:
    """Describe an archive. FormatError if it is none; damage is told, not refused."""
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
    sizes = [(head.width, head.height, head.mode)] * len(head.positions)
    if head.kind == FILES:
        headers = [parse(file).header for file in split_files(segment.payload, len(sizes))]
        sizes = [(header.width, header.height, header.mode) for header in headers]
    images = tuple(
        ImageInfo(position + 1, name, names.target(name, position), *size)
        for position, name, size in zip(head.positions, segment.names, sizes, strict=True)
    )
    pixels = sum(width * height for width, height, _ in sizes)
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
