"""The .dvq file of one image: header with its table of sections, then the sections. docs/FORMAT.md specifies it.

`parse` reads a file once, into an object whose sections are verified. It needs neither torch nor weights, trusts
nothing, and goes as far as a truncated file goes.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from ...errors import FormatError, TruncatedFile
from ...image_io.suffixes import suffix_of_data
from . import header as fields
from . import tiling
from .assembly import Chunk
from .header import DEEP, FILE, JPEG, MODEL, Header
from .varint import Reader

MAX_LAYERS = 4096
"""Most layers, and so most chunks, in a file."""
MAX_SECTION = 2**40
"""Largest size of a section, in bytes."""

_NAMES = {
    "icc": "the ICC profile",
    "palette": "the palette",
    "adaptive_filter": "the adaptive filter",
    "pixels": "the pixels",
    "alpha": "the alpha channel",
    "exif": "EXIF",
    "xmp": "XMP",
    "properties": "resolution and texts",
}
"""What messages call the sections that a file has once, by the names of Parts."""


@dataclass(frozen=True)
class Section:
    """A part of a parsed file."""

    part: str
    """The field of Parts that it belongs to."""
    name: str
    """What messages call it."""
    offset: int
    size: int
    """Bytes that the table promises."""
    file: bytes | memoryview = field(repr=False)
    """The bytes of the file."""
    whole: bool
    """Whether all bytes are there and match their checksum."""
    layers: int = 0
    """Of a chunk: how many layers it holds."""

    @property
    def payload(self) -> bytes | None:
        """The bytes, taken from those of the file; None if they are cut or do not match their checksum."""
        return bytes(self.file[self.offset : self.offset + self.size]) if self.whole else None


@dataclass(frozen=True)
class _Row:
    """A row of the table."""

    part: str
    name: str
    size: int
    crc: int
    layers: int = 0


@dataclass(frozen=True)
class DvqFile:
    """A parsed file: its header, and its sections as far as the bytes go."""

    header: Header
    header_bytes: int
    actual_bytes: int
    """Bytes that are there; those of a whole file are `total_bytes`."""
    sections: tuple[Section, ...]
    """All sections, in the order of the file."""

    @cached_property
    def total_bytes(self) -> int:
        """Bytes of the whole file."""
        return self.header_bytes + sum(section.size for section in self.sections)

    @cached_property
    def chunks(self) -> tuple[Section, ...]:
        """The chunks of symbols, coarse first."""
        return self._all("chunks")

    @cached_property
    def pixels(self) -> tuple[Section, ...]:
        """The samples of a lossless image: one section, or as many as its method has."""
        return self._all("pixels")

    @property
    def icc(self) -> Section | None:
        """The ICC profile."""
        return self._one("icc")

    @property
    def palette(self) -> Section | None:
        """The palette of a lossless image."""
        return self._one("palette")

    @property
    def adaptive_filter(self) -> Section | None:
        """The adaptive filter of a lossy image."""
        return self._one("adaptive_filter")

    @property
    def alpha(self) -> Section | None:
        """The alpha channel of a file that has it in a section of its own."""
        return self._one("alpha")

    @property
    def exif(self) -> Section | None:
        """The EXIF data."""
        return self._one("exif")

    @property
    def xmp(self) -> Section | None:
        """The XMP data."""
        return self._one("xmp")

    @property
    def properties(self) -> Section | None:
        """Resolution and texts."""
        return self._one("properties")

    @property
    def kept(self) -> memoryview:
        """The image file that a file of the kind `file` keeps; none of other kinds, or if it is cut or damaged."""
        return view_of(self.pixels[0] if self.header.kind == FILE else None)

    @property
    def kept_suffix(self) -> str | None:
        """The suffix of that image file, with its dot; None if there is none of a known format."""
        return suffix_of_data(self.kept) or None

    def _all(self, part: str) -> tuple[Section, ...]:
        return tuple(section for section in self.sections if section.part == part)

    def _one(self, part: str) -> Section | None:
        return next((section for section in self.sections if section.part == part), None)

    @cached_property
    def whole_chunks(self) -> int:
        """How many chunks can be decoded: those that are whole and have only whole ones before them."""
        return next((i for i, chunk in enumerate(self.chunks) if not chunk.whole), len(self.chunks))

    @cached_property
    def fault(self) -> FormatError | None:
        """What is wrong with the file: cut short, damaged or followed by other bytes; None if it is whole."""
        whole, total = self.whole_chunks, len(self.chunks)
        broken = next((section for section in self.sections if not section.whole), None)
        if self.actual_bytes < self.total_bytes and (broken is None or broken.offset + broken.size > self.actual_bytes):
            return TruncatedFile(whole, total, broken.name if broken and whole == total else "")
        if broken is not None:
            chunks = f"the {whole} whole chunks" if whole > 1 else "the one whole chunk"
            hint = f'`preview="all"` decodes {chunks} of {total}' if whole else ""
            return FormatError(f"{broken.name} is damaged: its checksum does not match", hint)
        surplus = self.actual_bytes - self.total_bytes
        return FormatError(f"{surplus} bytes follow the end of the image") if surplus else None

    def selected(self, count: int) -> tuple[Chunk, ...]:
        """Return the first `count` chunks, which must be whole."""
        return tuple(Chunk(section.layers, payload_of(section)) for section in self.chunks[:count])


def payload_of(section: Section | None) -> bytes:
    """Return the bytes of a section; none where there is no such section, or it is cut or damaged."""
    return (section.payload or b"") if section else b""


def view_of(section: Section | None) -> memoryview:
    """Return the bytes of a section as `payload_of` does, as a view of the file's: large sections are not copied."""
    if section is None or not section.whole:
        return memoryview(b"")
    return memoryview(section.file)[section.offset : section.offset + section.size]


def parse(data: bytes | memoryview) -> DvqFile:
    """Parse a file and verify the checksums of all that is there.

    Args:
        data: The bytes of a .dvq file of one image, perhaps cut short.

    Returns:
        The file; `fault` says what is wrong after its header.

    Raises:
        FormatError: If the header is not valid; TruncatedFile if it is cut.
    """
    reader = Reader(data)
    header, flags = fields.parse(reader)
    rows = [row for part in fields.sections(header, flags) for row in _parse_rows(reader, part, header)]
    if any(row.size == 0 for row in rows if row.part != "alpha"):
        raise FormatError("the header is not valid: an empty section")
    expected = zlib.crc32(data[: reader.position])
    if reader.number(4) != expected:
        raise FormatError("the header is damaged: its checksum does not match")
    return DvqFile(header, reader.position, len(data), tuple(_placed(rows, reader.position, data)))


def _parse_rows(reader: Reader, part: str, header: Header) -> list[_Row]:
    """Read the rows of a part."""
    if part == "chunks":
        return _parse_chunks(reader)
    if part == "pixels" and (header.has_pixel_model or header.kind == DEEP):
        count = _strips(header)
        first = [_parse_row(reader, part, "the levels")] if header.kind == DEEP else []
        return first + [_parse_row(reader, part, f"strip {i + 1} of {count}") for i in range(count)]
    if part == "pixels" and header.kind == JPEG:
        names = ("the frame", "luma", *(() if header.grey else ("chroma",)), "the corrections")
        return [_parse_row(reader, part, f"{name} of the pixels") for name in names]
    return [_parse_row(reader, part, _NAMES[part])]


def _strips(header: Header) -> int:
    """Return the number of sections in which a model codes the pixels."""
    size = header.height, header.width
    return len(tiling.strips(*size)) if header.kind in (MODEL, DEEP) else len(tiling.sections(*size))


def _parse_chunks(reader: Reader) -> list[_Row]:
    """Read the number of chunks and their rows."""
    count = reader.varint("the number of chunks", MAX_LAYERS)
    if not count:
        raise FormatError("the header is not valid: there are no chunks")
    rows = []
    for index in range(count):
        layers = reader.varint("the layers of a chunk", MAX_LAYERS)
        rows.append(_parse_row(reader, "chunks", f"chunk {index + 1} of {count}", layers))
        if not layers:
            raise FormatError("the header is not valid: a chunk without layers")
    if sum(row.layers for row in rows) > MAX_LAYERS:
        raise FormatError("the header is not valid: too many layers")
    return rows


def _parse_row(reader: Reader, part: str, name: str, layers: int = 0) -> _Row:
    size = reader.varint(f"the size of {name}", MAX_SECTION)
    return _Row(part, name, size, reader.number(4) if size else 0, layers)


def _placed(rows: list[_Row], offset: int, data: bytes | memoryview) -> Iterator[Section]:
    """Give the sections of the rows, one after another from the header's end."""
    for row in rows:
        found = memoryview(data)[offset : offset + row.size]
        whole = len(found) == row.size and (not row.size or zlib.crc32(found) == row.crc)
        yield Section(row.part, row.name, offset, row.size, data, whole, row.layers)
        offset += row.size
