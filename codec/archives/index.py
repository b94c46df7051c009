"""Find the images of a whole archive by its heads alone, so that each can be read by itself. This needs no numpy."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...errors import FormatError
from . import names
from .layout import HEADER, ArchiveHead, End
from .places import Places
from .reader import Archive, Segment

_HINT = "`dvcodec verify` lists what is damaged, and `decompress_archive` gives every image that is whole"
_NAMES = 2**26
"""The most characters of all names together."""


@dataclass(frozen=True)
class Index:
    """Where the images of an archive are. Images are numbered as they went in, from 0 on."""

    path: Path
    offsets: "array[int]"
    """Where each segment begins."""
    segments: "array[int]"
    """Of each image: the number of its segment."""
    places: "array[int]"
    """Of each image: its place in the segment."""
    names: dict[int, str]
    """The names of the images that have one."""

    def name(self, position: int) -> str:
        """Return the name of an image; for one without, the file that extraction writes."""
        return self.names.get(position) or names.target("", position)

    def segment(self, number: int) -> Segment:
        """Read a segment; raise FormatError if it is damaged, or the file has changed since it was indexed."""
        with Archive(self.path) as archive:
            part = archive.segment_at(self.offsets[number], number + 1)
        if not isinstance(part, Segment):
            raise FormatError(part.reason, _HINT)
        return part


def index_of(path: Path) -> Index:
    """Index an archive.

    Args:
        path: The archive.

    Returns:
        The places of its images. Payloads are not read.

    Raises:
        FormatError: If the file cannot be read, is not an archive, or has damaged heads or names.
    """
    with Archive(path) as archive:
        if archive.end is None:
            raise FormatError("the archive is cut short or damaged: it has no end mark", _HINT)
        return _filled(archive, archive.end)


def _filled(archive: Archive, end: End) -> Index:
    """Return the index of an open archive."""
    blank = array("I", bytes(4 * end.images)), array("B", bytes(end.images))
    index, taken, characters = Index(archive.path, array("Q"), *blank, {}), Places(), 0
    for at, head, own in _heads(archive, end):
        if head.positions[-1] >= end.images or not taken.take(head.positions):
            raise FormatError("the archive is damaged: a segment holds images of another, or too many", _HINT)
        for place, (position, name) in enumerate(zip(head.positions, own, strict=True)):
            index.segments[position], index.places[position] = len(index.offsets), place
            if name:
                index.names[position] = name
                characters += len(name)
        index.offsets.append(at)
        if characters > _NAMES:
            raise FormatError("the names of the images are too long together")
    if taken.missing(end.images):
        raise FormatError("the archive is damaged: images are missing", _HINT)
    return index


def _heads(archive: Archive, end: End) -> Iterator[tuple[int, ArchiveHead, tuple[str, ...]]]:
    """Yield the offset, the head and the names of every segment; raise FormatError for what is not whole."""
    at = len(HEADER)
    for _ in range(end.segments):
        try:
            head, size = archive.head_at(at)
        except FormatError as error:
            raise FormatError(f"the archive is damaged: {error.reason}", error.hint or _HINT) from error
        if not isinstance(head, ArchiveHead) or at + size + head.names_size + head.payload_size > archive.size:
            raise FormatError("the archive is damaged: segments are missing", _HINT)
        own, fault = archive.names_of(head, at + size)
        if fault:
            raise FormatError(f"the archive is damaged: {fault}", _HINT)
        yield at, head, own
        at += size + head.names_size + head.payload_size
