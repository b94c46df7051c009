"""Write and parse the bytes of an archive around its payloads: header, segment heads and end mark.

This needs no numpy. docs/FORMAT.md is the specification.
"""

import zlib
from dataclasses import dataclass

from ...errors import FormatError
from ...image_io.limits import MAX_SIDE, MODES
from ..bitstream.header import ARCHIVE, head
from ..bitstream.varint import Reader, write_varint

HEADER = head(ARCHIVE)
"""The first bytes of every archive."""
MARKER = b"\xd1S"
"""The first bytes of every segment, by which the next one is found after damage."""
FILES, MOSAIC, SET = KINDS = ("files", "mosaic", "set")
"""Kinds of segments, as the format numbers them: single files, one mosaic, or one bits-back set."""
MAX_COUNT = 256
"""The largest number of images in a segment."""
MAX_IMAGES = 2**24
"""The largest number of images in an archive."""
MAX_PIXELS = 2**24
"""The largest number of pixels in a mosaic or a set."""
MAX_PAYLOAD = 2**31
"""The largest payload of a segment, in bytes."""
MAX_NAMES = 2**19
"""The most bytes of a segment's names."""
MAX_WEIGHTS = 16
"""The largest number of bits-back models in one archive."""
HEAD_LIMIT = 2048
"""An upper bound of the bytes of a head or an end mark."""
_END = 3
_LISTED, _NAMES, _EXTRA = 4, 8, 16
_MODE = 5


@dataclass(frozen=True)
class ArchiveHead:
    """The head of a segment, which precedes its names and its payload."""

    kind: str
    """One of KINDS."""
    positions: tuple[int, ...]
    """Places of its 1 to MAX_COUNT images in the archive, from 0 on, in rising order."""
    payload_size: int
    payload_crc: int
    names_size: int = 0
    """Bytes of the names; 0 if there are none."""
    names_crc: int = 0
    mode: str = ""
    """The mode of all images of a mosaic or a set. It and the fields below are unset for files."""
    height: int = 0
    width: int = 0
    samples_crc: int = 0
    """CRC-32 of the samples of all images, one after the other."""
    palette: bool = False
    """Whether a mosaic's payload begins with a palette."""
    weights: int = 0
    """The number that stands for a set's weights in this archive."""
    weights_id: bytes = b""
    """The id of a set's weights, 8 bytes; empty if another head or the end mark holds it."""


@dataclass(frozen=True)
class End:
    """The end mark of an archive: how much it must hold."""

    images: int
    segments: int
    weights: tuple[bytes, ...] = ()
    """Ids of the weights of sets, 8 bytes each, by their numbers."""


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
    """Parse the head or end mark with which `data` begins.

    Returns:
        The head or end mark, and its size in bytes.

    Raises:
        FormatError: If `data` begins with neither, or it is damaged or not valid.
    """
    reader = Reader(data)
    if reader.take(len(MARKER)) != MARKER:
        raise FormatError("the marker of a segment is missing")
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
    """Raise FormatError for values that a head can hold but no archive may."""
    if head.positions[-1] >= MAX_IMAGES or not head.payload_size:
        raise FormatError("the head of a segment is not valid")
    if head.kind == FILES:
        return
    if head.kind == SET and head.mode in ("P", "PA"):
        raise FormatError("the head of a segment is not valid: a set of indices")
    rows = len(head.positions) * head.height
    if not rows * head.width or rows > MAX_SIDE or rows * head.width > MAX_PIXELS:
        raise FormatError("the head of a segment is not valid: its images are too large together, or empty")
