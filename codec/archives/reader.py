"""Read an archive segment after segment, and continue after damage. This needs neither numpy nor torch."""

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from ...errors import DvcodecError, FormatError
from ..bitstream.header import ARCHIVE, MAGIC, parse_kind
from ..bitstream.varint import Reader
from . import names
from .layout import HEAD_LIMIT, HEADER, MARKER, SET, ArchiveHead, End, parse, write_head
from .places import Places, in_words, runs_of

_BLOCK = 2**16
_END_LIMIT = 256
_TRIES, _BYTES_PER_TRY = 2**15, 2**12
"""How many markers are tried as heads in the search for the next segment: so many, and one more for so many bytes of
the file. Random bytes hold a marker in 2**16."""
_NAMES, _NAMES_PER_BYTE = 2**24, 16
"""The most bytes of the names of all segments, inflated: so many, and so many more for each byte of the file."""
_WASTE = 2**28
"""Bytes of damaged payloads that are read at most, beside eight times the file; each head may claim all the rest."""

_LONG = "the names of the archive are too long in all"


@dataclass(frozen=True)
class Segment:
    """A whole segment of an archive."""

    number: int
    """Its number among those that were found, from 1 on."""
    head: ArchiveHead
    names: tuple[str, ...]
    """The names of its images; empty for those without."""
    payload: bytes
    weights_id: bytes = b""
    """The id of a set's weights, 8 bytes; empty if it is lost to damage."""
    names_fault: str = ""
    """The reason if there are names that cannot be used; else empty."""

    @property
    def size(self) -> int:
        """Bytes of the segment without its names."""
        return len(write_head(replace(self.head, names_size=0))) + self.head.payload_size

    @property
    def name_bytes(self) -> int:
        """Bytes of its names, including their fields in the head."""
        head = self.head
        return len(write_head(head)) + head.names_size + head.payload_size - self.size


@dataclass(frozen=True)
class Loss:
    """A fault of an archive, and the images that are lost by it as far as they are known."""

    reason: str
    places: tuple[range, ...] = ()
    """Places of the lost images, from 0 on."""
    names: tuple[str, ...] = ()
    """Names of the lost images."""

    def __str__(self) -> str:
        """Return the reason and the lost images in one line."""
        if not self.places:
            return self.reason
        verb = "is" if len(self.places) == len(self.places[0]) == 1 else "are"
        known = [name for name in self.names if name]
        listed = ", ".join(known if len(known) <= 4 else [*known[:2], "...", known[-1]])
        return f"{self.reason}: {in_words(self.places)} {verb} lost{f' ({listed})' if known else ''}"


def is_archive(path: Path) -> bool:
    """Tell whether a path is a plain file that begins as archives do."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(len(HEADER)) == HEADER
    except OSError:
        return False


class Archive:
    """An open archive, to be used as a context manager. `parts` yields its segments and its losses by damage."""

    def __init__(self, path: Path) -> None:
        """Open a file; raise FormatError if it cannot be read or is not an archive."""
        self.path = path
        try:
            self._file = path.open("rb")
        except (OSError, ValueError) as error:  # paths with a zero byte raise ValueError
            raise FormatError(f"cannot read the file: {getattr(error, 'strerror', None) or error}") from error
        try:
            self.size = os.fstat(self._file.fileno()).st_size
            self._check_header()
            self.end, self._end_at = self._find_end()
        except BaseException:
            self._file.close()
            raise
        self._weights = dict(enumerate(self.end.weights)) if self.end else {}
        self._tries, self._waste = _TRIES + self.size // _BYTES_PER_TRY, _WASTE + 8 * self.size
        self._name_bytes = _NAMES + _NAMES_PER_BYTE * self.size

    def __enter__(self) -> "Archive":
        """Return the archive."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the file."""
        self._file.close()

    def _check_header(self) -> None:
        found = self._read(0, len(HEADER))
        if not found.startswith(MAGIC[: len(found)]):
            raise FormatError("not an archive")
        if parse_kind(Reader(found)) != ARCHIVE:
            raise FormatError("not an archive", "the file holds one image")

    def _find_end(self) -> tuple[End | None, int]:
        """Return the end mark and where it begins; None and the file's size if it is cut off or damaged.

        It is read first: it holds weights ids.
        """
        start = max(len(HEADER), self.size - _END_LIMIT)
        tail = self._read(start, self.size - start)
        at = tail.find(MARKER)
        while at >= 0:
            found = _parsed(tail[at:])
            if found and isinstance(found[0], End) and at + found[1] == len(tail):
                return found[0], start + at
            at = tail.find(MARKER, at + 1)
        return None, self.size

    def parts(self) -> Iterator[Segment | Loss]:
        """Yield every whole segment, and the losses by damage, in the order of the file."""
        at, number, skipped, places = len(HEADER), 0, 0, Places()
        while at < self.size:
            found = _parsed(self._read(at, HEAD_LIMIT))
            if found is None:
                beyond = self._next_head(at + 1)
                skipped, at = skipped + beyond - at, beyond
                continue
            if isinstance(found[0], End):
                yield from self._at_end(found[0], at + found[1], number, skipped, places)
                return
            number += 1
            part, at = self._segment(found[0], at + found[1], number)
            yield (
                part if places.take(found[0].positions) else Loss(f"segment {number} repeats images of another segment")
            )
        missing = places.missing(self.end.images if self.end else places.top)
        damage = f"{skipped} bytes are damaged, and " if skipped else ""
        yield Loss(f"{damage}the archive is cut short: it has no end mark", missing)

    def head_at(self, at: int) -> tuple[ArchiveHead | End, int]:
        """Return the head or end mark that begins at an offset, and its size; raise FormatError if none does."""
        return parse(self._read(at, HEAD_LIMIT))

    def names_of(self, head: ArchiveHead, at: int) -> tuple[tuple[str, ...], str]:
        """Return the names behind a head, which begin at an offset, and the reason if they cannot be used."""
        return self._names(head, at)

    def segment_at(self, at: int, number: int) -> Segment | Loss:
        """Return the segment that begins at an offset; raise FormatError if none does.

        Args:
            at: The offset of its head.
            number: Its number, from 1 on.
        """
        head, size = self.head_at(at)
        if not isinstance(head, ArchiveHead):
            raise FormatError("the archive has ended")
        return self._segment(head, at + size, number)[0]

    def _at_end(self, end: End, size: int, number: int, skipped: int, places: Places) -> Iterator[Loss]:
        """Yield the losses that the end mark shows."""
        missing = places.missing(end.images)
        if skipped:
            yield Loss(f"{skipped} bytes are damaged", missing)
        elif number != end.segments:
            yield Loss(f"there are {number} segments instead of {end.segments}", missing)
        elif places.top > end.images:
            yield Loss(f"image {places.top} is beyond the {end.images} that the end mark counts", missing)
        elif missing:
            yield Loss(f"there are {places.count} images instead of {end.images}", missing)
        if size < self.size:
            yield Loss(f"{self.size - size} bytes follow the end of the archive")

    def _segment(self, head: ArchiveHead, at: int, number: int) -> tuple[Segment | Loss, int]:
        """Return a segment and where to continue: after it, or inside it if it is damaged."""
        if head.weights_id:
            self._weights[head.weights] = head.weights_id
        names_at, payload_at = at, at + head.names_size
        own, fault = self._names(head, names_at)
        behind = payload_at + head.payload_size
        if behind <= self.size and self._waste >= 0:
            payload = self._read(payload_at, head.payload_size)
            if zlib.crc32(payload) == head.payload_crc:
                known = self._weights.get(head.weights, b"") if head.kind == SET else b""
                return Segment(number, head, own, payload, known, fault), behind
            self._waste -= len(payload)
        what = "is damaged" if behind <= self.size else "is cut short"
        go_on = behind if behind <= self.size and _parsed(self._read(behind, HEAD_LIMIT)) else self._next_head(at)
        return Loss(f"segment {number} {what}", runs_of(head.positions), own), go_on

    def _names(self, head: ArchiveHead, at: int) -> tuple[tuple[str, ...], str]:
        """Return the names of a segment's images, and the reason if they cannot be used."""
        nameless = ("",) * len(head.positions)
        if not head.names_size:
            return nameless, ""
        if self._name_bytes < 0:
            return nameless, _LONG
        section = self._read(at, head.names_size)
        if zlib.crc32(section) != head.names_crc:
            return nameless, "the names of a segment are damaged"
        try:
            found = names.unpack(section, len(head.positions))
            self._name_bytes -= sum(map(len, found))
            return (found, "") if self._name_bytes >= 0 else (nameless, _LONG)
        except DvcodecError as error:
            return nameless, str(error)

    def _next_head(self, at: int) -> int:
        """Return where the next head or end mark begins, from `at` on; the file's size if there is none.

        Where too many markers begin none, it is the end mark that was found at first.
        """
        while at < self.size:
            block = self._read(at, _BLOCK + HEAD_LIMIT)
            found = block.find(MARKER)
            while 0 <= found < _BLOCK:
                # Each try costs time: a file made of nothing but markers must not take hours.
                self._tries -= 1
                if self._tries < 0:
                    return self._end_at if at + found <= self._end_at else self.size
                if _parsed(block[found : found + HEAD_LIMIT]):
                    return at + found
                found = block.find(MARKER, found + 1)
            at += _BLOCK
        return self.size

    def _read(self, at: int, count: int) -> bytes:
        self._file.seek(at)
        return self._file.read(count)


def _parsed(data: bytes) -> tuple[ArchiveHead | End, int] | None:
    try:
        return parse(data)
    except FormatError:
        return None
