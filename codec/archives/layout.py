"""The bytes of an archive around its payloads: header, segment heads, end mark.

Needs no numpy. docs/FORMAT.md is the specification.
"""

import zlib
from dataclasses import dataclass

from ...errors import FormatError
from ...image_io.limits import MAX_SIDE, MODES
from ..bitstream.header import ARCHIVE, head
from ..bitstream.varint import Reader, write_varint

HEADER = head(ARCHIVE)
"""How every archive begins."""
MARKER = b"\xd1S"
"""How every segment begins, so that one can be found again behind damage."""
FILES, MOSAIC, SET = KINDS = ("files", "mosaic", "set")
"""Kinds of segments, as the format numbers them."""
MAX_COUNT = 256
"""Most images of a segment."""
MAX_IMAGES = 2**24
"""Most images of an archive."""
MAX_PIXELS = 2**24
"""Most pixels of all images of a mosaic or a set together."""
MAX_PAYLOAD = 2**31
MAX_NAMES = 2**19
MAX_WEIGHTS = 16
"""Most weights that the sets of one archive name."""
HEAD_LIMIT = 2048
"""More bytes than any head or end mark has."""
_END = 3
_LISTED, _NAMES, _EXTRA = 4, 8, 16
_MODE = 5


@dataclass(frozen=True)
class ArchiveHead:
    """What a segment says before its names and its payload."""

    kind: str
    """One of KINDS."""
    positions: tuple[int, ...]
    """Places of its images in the archive, from 0 on, rising; 1 to MAX_COUNT."""
    payload_size: int
    payload_crc: int
    names_size: int = 0
    """0 where the images have no names."""
    names_crc: int = 0
    mode: str = ""
    """Of all images of a mosaic or a set; likewise the next five."""
    height: int = 0
    width: int = 0
    samples_crc: int = 0
    """CRC-32 of the samples of all images, one after the other."""
    palette: bool = False
    """Whether a mosaic's payload begins with a palette."""
    weights: int = 0
    """Of a set: the number of its weights in this archive."""
    weights_id: bytes = b""
    """Of a set: the id that the number stands for, or nothing where another place of the archive tells it."""


@dataclass(frozen=True)
class End:
    """What an archive says at its end: how much there must be."""

    images: int
    segments: int
    weights: tuple[bytes, ...] = ()
    """Ids of the weights of sets, by their numbers."""


def write_head(head: ArchiveHead) -> bytes:
    """Return the bytes of a segment's head."""
    first, count = head.positions[0], len(head.positions)
    listed = head.positions != tuple(range(first, first + count))
    form = KINDS.index(head.kind) | listed * _LISTED | bool(head.names_size) * _NAMES
    form |= (head.palette or bool(head.weights_id)) * _EXTRA
    form |= 0 if head.kind == FILES else MODES.index(head.mode) << _MODE
    parts = [MARKER, bytes([form, count - 1]), write_varint(first)]
    if listed:
        parts += [write_varint(b - a - 1) for a, b in zip(head.positions, head.positions[1:], strict=False)]
    if head.kind != FILES:
        parts += [write_varint(head.width), write_varint(head.height)]
    if head.kind == SET:
        parts += [write_varint(head.weights), head.weights_id]
    if head.names_size:
        parts += [write_varint(head.names_size), _crc(head.names_crc)]
    parts += [write_varint(head.payload_size), _crc(head.payload_crc)]
    parts += [] if head.kind == FILES else [_crc(head.samples_crc)]
    return _sealed(b"".join(parts))


def write_end(end: End) -> bytes:
    """Return the bytes of the end mark."""
    counts = b"".join(map(write_varint, (end.images, end.segments, len(end.weights))))
    return _sealed(MARKER + bytes([_END]) + counts + b"".join(end.weights))


def _crc(value: int) -> bytes:
    return value.to_bytes(4, "little")


def _sealed(data: bytes) -> bytes:
    return data + _crc(zlib.crc32(data))


def parse(data: bytes) -> tuple[ArchiveHead | End, int]:
    """Read the head or end mark that `data` begins with; return it and its size. FormatError if there is none."""
    reader = Reader(data)
    if reader.take(len(MARKER)) != MARKER:
        raise FormatError("a segment does not begin where it should")
    form = reader.number(1)
    found = _parse_end(reader, form) if form & 3 == _END else _parse_head(reader, form)
    expected = zlib.crc32(data[: reader.position])
    if reader.number(4) != expected:
        raise FormatError("the head of a segment is damaged: its checksum does not match")
    if isinstance(found, ArchiveHead):
        _check(found)
    return found, reader.position


def _parse_end(reader: Reader, form: int) -> End:
    if form != _END:
        raise FormatError("the end mark is not valid")
    images, segments = (reader.varint(f"the number of {what}", MAX_IMAGES) for what in ("images", "segments"))
    count = reader.varint("the number of weights", MAX_WEIGHTS)
    return End(images, segments, tuple(reader.take(8) for _ in range(count)))


def _parse_head(reader: Reader, form: int) -> ArchiveHead:
    kind, mode = KINDS[form & 3], form >> _MODE
    if mode >= len(MODES) or (kind == FILES and form & ~(_LISTED | _NAMES)):
        raise FormatError("a segment asks for features that this release does not know", "upgrade dvcodec")
    extra, plain = bool(form & _EXTRA), kind == FILES
    positions = _parse_positions(reader, bool(form & _LISTED))
    width, height = (0 if plain else reader.varint(f"the {side}", MAX_SIDE) for side in ("width", "height"))
    weights = reader.varint("the number of the weights", MAX_WEIGHTS - 1) if kind == SET else 0
    weights_id = reader.take(8) if kind == SET and extra else b""
    names_size = reader.varint("the size of the names", MAX_NAMES) if form & _NAMES else 0
    names_crc = reader.number(4) if form & _NAMES else 0
    size, payload_crc = reader.varint("the size of a payload", MAX_PAYLOAD), reader.number(4)
    samples_crc = 0 if plain else reader.number(4)
    return ArchiveHead(
        kind,
        positions,
        size,
        payload_crc,
        names_size,
        names_crc,
        "" if plain else MODES[mode],
        height,
        width,
        samples_crc,
        kind == MOSAIC and extra,
        weights,
        weights_id,
    )


def _parse_positions(reader: Reader, listed: bool) -> tuple[int, ...]:
    count, first = reader.number(1) + 1, reader.varint("the place of an image", MAX_IMAGES - 1)
    if not listed:
        return tuple(range(first, first + count))
    positions = [first]
    for _ in range(count - 1):
        positions.append(positions[-1] + 1 + reader.varint("the place of an image", MAX_IMAGES - 1))
    return tuple(positions)


def _check(head: ArchiveHead) -> None:
    """Refuse what the bytes of a head can say and no archive may."""
    if head.positions[-1] >= MAX_IMAGES or not head.payload_size:
        raise FormatError("the head of a segment is not valid")
    if head.kind == FILES:
        return
    if head.kind == SET and head.mode in ("P", "PA"):
        raise FormatError("the head of a segment is not valid: a set of indices")
    rows = len(head.positions) * head.height
    if not rows * head.width or rows > MAX_SIDE or rows * head.width > MAX_PIXELS:
        raise FormatError("the head of a segment is not valid: its images are too large together, or empty")
