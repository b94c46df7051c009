"""The .dvq file: header with its table of sections, then the sections. docs/FORMAT.md is the specification.

Parsing needs neither torch nor weights, trusts nothing, and goes as far as a truncated file goes.
"""

import zlib
from dataclasses import dataclass, replace

from ...errors import FormatError, TruncatedFile
from ...image_io.limits import MAX_AREA as MAX_AREA
from ...image_io.limits import MAX_SIDE as MAX_SIDE
from . import header as fields
from . import tiling
from .header import ARCHIVE_VERSION, COLOURS, EXIF, FILTER, ICC, XMP
from .header import CODER_VERSION as CODER_VERSION
from .header import LOSSLESS_VERSION as LOSSLESS_VERSION
from .header import LOSSY_VERSION as LOSSY_VERSION
from .header import MAGIC as MAGIC
from .header import QUALITY_RANGE as QUALITY_RANGE
from .header import Header as Header
from .varint import Reader, write_varint

FORMAT_VERSION = ARCHIVE_VERSION
"""The newest format version that this release reads; a lossy image is of version 1, a lossless one of version 2."""
MAX_LAYERS = 4096
"""Most layers, and so most chunks, in a file."""
MAX_SECTION = 2**40
STRIP_AREA = 2**20
"""Pixels of a strip of a model's lossless pixels, about."""

ALPHA, PIXELS, PALETTE, IMAGE_FILTER = "the alpha channel", "the pixels", "the palette", "the image's filter"
"""Names of sections."""


@dataclass(frozen=True)
class Chunk:
    """The coded symbols of `layers` consecutive layers."""

    layers: int
    payload: bytes


@dataclass(frozen=True)
class Section:
    """One row of the table: where a part lies and what its CRC-32 must be."""

    name: str
    offset: int
    size: int
    crc: int
    layers: int = 0
    """Layers of a chunk; 0 for the other sections."""
    strip: bool = False
    """Whether it holds a strip of a model's lossless pixels."""


def strip_rows(width: int) -> int:
    """Return the rows of pixels of a strip: a multiple of 8."""
    return max(8, STRIP_AREA // width // 8 * 8)


def strips(height: int, width: int) -> list[slice]:
    """Return the rows of every strip of an image, from the top."""
    rows = strip_rows(width)
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]


def _row(payload: bytes) -> bytes:
    """Return a table row: the size, and the CRC-32 of what is not empty."""
    return write_varint(len(payload)) + (zlib.crc32(payload).to_bytes(4, "little") if payload else b"")


@dataclass(frozen=True)
class Parts:
    """The parts of a file after its header; empty metadata is absent, empty alpha (where there is one) opaque."""

    chunks: tuple[Chunk, ...] = ()
    alpha: bytes = b""
    icc: bytes = b""
    exif: bytes = b""
    xmp: bytes = b""
    image_filter: bytes = b""
    """Of lossy files: the filter that was fitted to the image; empty where there is none."""
    palette: bytes = b""
    """Of lossless files: palette and transparent colour; empty where there are none."""
    pixels: tuple[bytes, ...] = ()
    """Of lossless files: the samples, in strips where a model codes them."""


def assemble(header: Header, parts: Parts) -> bytes:
    """Return the whole file."""
    present = (
        (parts.icc, ICC),
        (parts.exif, EXIF),
        (parts.xmp, XMP),
        (parts.palette, COLOURS),
        (parts.image_filter, FILTER),
    )
    table = [_row(part) for part in (parts.icc, parts.palette) if part]
    coded = [chunk.payload for chunk in parts.chunks]
    if header.modelled:
        table.append(write_varint(len(parts.chunks)))
        table += [write_varint(chunk.layers) + _row(chunk.payload) for chunk in parts.chunks]
    table += [_row(parts.image_filter)] if parts.image_filter else []
    table += [_row(part) for part in parts.pixels]
    alpha = header.modelled and header.alpha
    table += [_row(parts.alpha)] if alpha else []
    table += [_row(part) for part in (parts.exif, parts.xmp) if part]
    head = fields.write(header, sum(flag for part, flag in present if part)) + b"".join(table)
    head += zlib.crc32(head).to_bytes(4, "little")
    after = [parts.image_filter, *parts.pixels, parts.alpha, parts.exif, parts.xmp]
    return b"".join([head, parts.icc, parts.palette, *coded, *after])


def pack(
    header: Header,
    chunks: tuple[Chunk, ...],
    *,
    icc: bytes = b"",
    alpha: bytes = b"",
    exif: bytes = b"",
    xmp: bytes = b"",
    image_filter: bytes = b"",
) -> bytes:
    """Return a whole lossy file: see Parts."""
    return assemble(header, Parts(chunks, alpha, icc, exif, xmp, image_filter))


class Container:
    """A parsed .dvq file: its header, and its sections as far as the bytes go."""

    def __init__(self, data: bytes) -> None:
        """Parse and check the header. FormatError if it is not valid, TruncatedFile if it is cut."""
        reader = Reader(data)
        self.data = data
        self.header, flags = fields.parse(reader)
        rows = self._parse_table(reader, flags)
        expected = zlib.crc32(data[: reader.position])
        if reader.number(4) != expected:
            raise FormatError("the header is damaged: its checksum does not match")
        self.header_bytes = reader.position
        self.sections = _place(rows, reader.position)
        self.total_bytes = self.header_bytes + sum(section.size for section in self.sections)

    def _parse_table(self, reader: Reader, flags: int) -> list[Section]:
        """Read the rows in file order; their offsets are not known yet."""
        rows = [_parse_row(reader, "the ICC profile")] if flags & ICC else []
        lossy = self.header.lossless is None
        rows += [_parse_row(reader, PALETTE)] if flags & COLOURS and not lossy else []
        rows += _parse_chunks(reader) if self.header.modelled else []
        rows += [_parse_row(reader, IMAGE_FILTER)] if flags & FILTER and lossy else []
        rows += self._parse_pixels(reader)
        rows += [_parse_row(reader, ALPHA)] if self.header.modelled and self.header.alpha else []
        rows += [_parse_row(reader, "EXIF")] if flags & EXIF else []
        rows += [_parse_row(reader, "XMP")] if flags & XMP else []
        if any(not row.size for row in rows if row.name != ALPHA):
            raise FormatError("the header is not valid: an empty section")
        return rows

    def _parse_pixels(self, reader: Reader) -> list[Section]:
        """Read the rows of a lossless file's pixels."""
        if self.header.lossless is None:
            return []
        size = self.header.height, self.header.width
        if self.header.lossless.method == "bilevel":
            count = len(tiling.sections(*size))
        elif self.header.modelled:
            count = len(strips(*size))
        else:
            return [_parse_row(reader, PIXELS)]
        return [_parse_row(reader, f"strip {i + 1} of {count}", strip=True) for i in range(count)]

    @property
    def chunks(self) -> tuple[Section, ...]:
        """The chunks of symbols, coarse first."""
        return tuple(section for section in self.sections if section.layers)

    @property
    def strips(self) -> tuple[Section, ...]:
        """The strips of lossless pixels that a model codes, from the top."""
        return tuple(section for section in self.sections if section.strip)

    @property
    def pixel_bytes(self) -> int:
        """Bytes of a lossless file's pixels, the hierarchy's symbols not counted."""
        return sum(section.size for section in self.sections if section.strip or section.name == PIXELS)

    def section(self, name: str) -> Section | None:
        """Return the section of that name (IMAGE_FILTER, ALPHA, PALETTE, "the ICC profile", "EXIF", "XMP"), if any."""
        return next((section for section in self.sections if section.name == name), None)

    def payload(self, section: Section) -> bytes | None:
        """Return a section's bytes, or None if they are cut or their CRC-32 does not match."""
        payload = self.data[section.offset : section.offset + section.size]
        whole = len(payload) == section.size and (not payload or zlib.crc32(payload) == section.crc)
        return payload if whole else None

    @property
    def whole_chunks(self) -> int:
        """How many chunks can be decoded: those that are whole and have only whole ones before them."""
        return next((i for i, chunk in enumerate(self.chunks) if self.payload(chunk) is None), len(self.chunks))

    @property
    def truncated(self) -> bool:
        """Whether the file ends before the table says it does."""
        return len(self.data) < self.total_bytes

    def fault(self) -> FormatError | None:
        """Return what is wrong with the file (cut, damaged, followed by other bytes), or None if it is whole."""
        whole, total = self.whole_chunks, len(self.chunks)
        broken = next((section for section in self.sections if self.payload(section) is None), None)
        if self.truncated and (broken is None or broken.offset + broken.size > len(self.data)):
            return TruncatedFile(whole, total, broken.name if broken and whole == total else "")
        if broken is not None:
            mend = f"--preview all decodes the {whole} whole chunks of {total}" if whole else ""
            return FormatError(f"{broken.name} is damaged: its checksum does not match", mend)
        surplus = len(self.data) - self.total_bytes
        return FormatError(f"{surplus} bytes follow the end of the image") if surplus else None


def _parse_chunks(reader: Reader) -> list[Section]:
    """Read the number of chunks and their rows."""
    count = reader.varint("the number of chunks", MAX_LAYERS)
    if not count:
        raise FormatError("the header is not valid: there are no chunks")
    rows = []
    for index in range(count):
        layers = reader.varint("the layers of a chunk", MAX_LAYERS)
        rows.append(_parse_row(reader, f"chunk {index + 1} of {count}", layers))
        if not layers:
            raise FormatError("the header is not valid: a chunk without layers")
    if sum(row.layers for row in rows) > MAX_LAYERS:
        raise FormatError("the header is not valid: too many layers")
    return rows


def _parse_row(reader: Reader, name: str, layers: int = 0, *, strip: bool = False) -> Section:
    """Read one row; its offset is filled in when the header's end is known."""
    size = reader.varint(f"the size of {name}", MAX_SECTION)
    return Section(name, 0, size, reader.number(4) if size else 0, layers, strip)


def _place(rows: list[Section], offset: int) -> tuple[Section, ...]:
    """Return the rows with their offsets: one after another from the header's end."""
    placed = []
    for row in rows:
        placed.append(replace(row, offset=offset))
        offset += row.size
    return tuple(placed)
