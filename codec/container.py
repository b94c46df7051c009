"""The .dvq file: header with its table of sections, then the sections. docs/FORMAT.md is the specification.

Parsing needs neither torch nor weights, trusts nothing, and goes as far as a truncated file goes.
"""

import zlib
from dataclasses import dataclass

from .errors import FormatError, TruncatedFile
from .varint import Reader, write_varint

MAGIC = b"\x8bDVQ"
FORMAT_VERSION = 1
CODER_VERSION = 1
MAX_SIDE = 2**20 - 1
"""Largest width and height, in pixels."""
MAX_AREA = 2**28
"""Largest width * height: 268 megapixels."""
MAX_LAYERS = 4096
"""Most layers, and so most chunks, in a file."""
MAX_SECTION = 2**40
QUALITY_RANGE = (1 * 256, 100 * 256)

_FLAG_ICC, _FLAG_EXIF, _FLAG_XMP = 1, 2, 4
_LAYOUT_RGB, _LAYOUT_ALPHA = 1, 4


@dataclass(frozen=True)
class Header:
    """What the pixels need: everything in the header but the table."""

    width: int
    height: int
    grey: bool
    alpha: bool
    quality: int
    """Fixed point: round(256 q), q in [1, 100]."""
    weights: bytes
    """First 8 bytes of the SHA-256 of the weights file."""

    @property
    def mode(self) -> str:
        """The Pillow mode that comes back: L, LA, RGB or RGBA."""
        return ("L" if self.grey else "RGB") + ("A" if self.alpha else "")


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


def _fixed_fields(header: Header, flags: int) -> bytes:
    layout = (0 if header.grey else _LAYOUT_RGB) | (_LAYOUT_ALPHA if header.alpha else 0)
    fields = bytes([FORMAT_VERSION, layout, flags, CODER_VERSION]) + header.quality.to_bytes(2, "little")
    return MAGIC + fields + header.weights + write_varint(header.width) + write_varint(header.height)


def _row(payload: bytes) -> bytes:
    """Return a table row: the size, and the CRC-32 of what is not empty."""
    return write_varint(len(payload)) + (zlib.crc32(payload).to_bytes(4, "little") if payload else b"")


def pack(
    header: Header,
    chunks: tuple[Chunk, ...],
    *,
    icc: bytes = b"",
    alpha: bytes = b"",
    exif: bytes = b"",
    xmp: bytes = b"",
) -> bytes:
    """Return the whole file. Empty metadata is absent; empty alpha (of a header that has alpha) is opaque."""
    if not (1 <= header.width <= MAX_SIDE and 1 <= header.height <= MAX_SIDE):
        raise ValueError("image side out of range")
    if header.width * header.height > MAX_AREA or len(header.weights) != 8:
        raise ValueError("image area or weights hash out of range")
    flags = (_FLAG_ICC if icc else 0) | (_FLAG_EXIF if exif else 0) | (_FLAG_XMP if xmp else 0)
    table = [_row(icc)] if icc else []
    table.append(write_varint(len(chunks)))
    table += [write_varint(chunk.layers) + _row(chunk.payload) for chunk in chunks]
    table += [_row(alpha)] if header.alpha else []
    table += [_row(part) for part in (exif, xmp) if part]
    head = _fixed_fields(header, flags) + b"".join(table)
    head += zlib.crc32(head).to_bytes(4, "little")
    return b"".join([head, icc, *(chunk.payload for chunk in chunks), alpha, exif, xmp])


class Container:
    """A parsed .dvq file: its header, and its sections as far as the bytes go."""

    def __init__(self, data: bytes) -> None:
        """Parse and check the header. FormatError if it is not valid, TruncatedFile if it is cut."""
        reader = Reader(data)
        self.data = data
        flags = self._parse_fixed(reader)
        rows = self._parse_table(reader, flags)
        expected = zlib.crc32(data[: reader.position])
        if reader.number(4) != expected:
            raise FormatError("the header is damaged: its checksum does not match")
        self.header_bytes = reader.position
        self.sections = _place(rows, reader.position)
        self.total_bytes = self.header_bytes + sum(section.size for section in self.sections)

    def _parse_fixed(self, reader: Reader) -> int:
        """Read the fields before the table into self.header; return the flags."""
        _check_versions(reader)
        layout, flags, coder = reader.take(3)
        quality, weights = reader.number(2), reader.take(8)
        width, height = reader.varint("the width", MAX_SIDE), reader.varint("the height", MAX_SIDE)
        if layout & ~(_LAYOUT_RGB | _LAYOUT_ALPHA) or flags & ~(_FLAG_ICC | _FLAG_EXIF | _FLAG_XMP):
            raise FormatError("the header asks for features that this release does not know", "upgrade dvcodec")
        if coder != CODER_VERSION:
            raise FormatError(f"entropy coder version {coder} is unknown to this release", "upgrade dvcodec")
        if not QUALITY_RANGE[0] <= quality <= QUALITY_RANGE[1]:
            raise FormatError("the header is not valid: quality out of range")
        if not width * height:
            raise FormatError("the header is not valid: the image has no pixels")
        if width * height > MAX_AREA:
            raise FormatError(f"the header claims {width} x {height} pixels; the format's limit is {MAX_AREA} in all")
        grey, alpha = not layout & _LAYOUT_RGB, bool(layout & _LAYOUT_ALPHA)
        self.header = Header(width, height, grey, alpha, quality, weights)
        return flags

    def _parse_table(self, reader: Reader, flags: int) -> list[Section]:
        """Read the rows in file order; their offsets are not known yet."""
        rows = [_parse_row(reader, "the ICC profile")] if flags & _FLAG_ICC else []
        count = reader.varint("the number of chunks", MAX_LAYERS)
        if not count:
            raise FormatError("the header is not valid: there are no chunks")
        for index in range(count):
            layers = reader.varint("the layers of a chunk", MAX_LAYERS)
            rows.append(_parse_row(reader, f"chunk {index + 1} of {count}", layers))
            if not layers:
                raise FormatError("the header is not valid: a chunk without layers")
        if sum(row.layers for row in rows) > MAX_LAYERS:
            raise FormatError("the header is not valid: too many layers")
        rows += [_parse_row(reader, "the alpha channel")] if self.header.alpha else []
        rows += [_parse_row(reader, "EXIF")] if flags & _FLAG_EXIF else []
        rows += [_parse_row(reader, "XMP")] if flags & _FLAG_XMP else []
        if any(not row.size for row in rows if row.name != "the alpha channel"):
            raise FormatError("the header is not valid: an empty section")
        return rows

    @property
    def chunks(self) -> tuple[Section, ...]:
        """The chunks of symbols, coarse first."""
        return tuple(section for section in self.sections if section.layers)

    def section(self, name: str) -> Section | None:
        """Return the section of that name ("the ICC profile", "the alpha channel", "EXIF", "XMP"), if there is one."""
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


def _check_versions(reader: Reader) -> None:
    """Check the magic and the format version."""
    magic = reader.data[: len(MAGIC)]
    if not magic or magic != MAGIC[: len(magic)]:
        raise FormatError("not a .dvq file")
    reader.take(len(MAGIC))
    version = reader.number(1)
    if version != FORMAT_VERSION:
        raise FormatError(f"format version {version} is not one this release reads", "upgrade dvcodec")


def _parse_row(reader: Reader, name: str, layers: int = 0) -> Section:
    """Read one row; its offset is filled in when the header's end is known."""
    size = reader.varint(f"the size of {name}", MAX_SECTION)
    return Section(name, 0, size, reader.number(4) if size else 0, layers)


def _place(rows: list[Section], offset: int) -> tuple[Section, ...]:
    """Return the rows with their offsets: one after another from the header's end."""
    placed = []
    for row in rows:
        placed.append(Section(row.name, offset, row.size, row.crc, row.layers))
        offset += row.size
    return tuple(placed)
