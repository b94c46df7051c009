"""Pack what metadata have beside ICC, EXIF and XMP: resolution and texts. docs/FORMAT.md is the specification."""

from dataclasses import replace

from ...errors import FormatError, TruncatedFile
from ...image_io import metadata
from ...image_io.metadata import LIMIT, MOST_TEXTS, Metadata
from .assembly import Parts
from .varint import Reader, write_varint

_LARGEST = 2**32 - 1
"""Most pixels per metre."""


def packed_metadata(kept: Metadata) -> Parts:
    """Return the sections of all metadata."""
    icc, exif, xmp = (metadata.pack(raw) for raw in (kept.icc, kept.exif, kept.xmp))
    return Parts(icc=icc, exif=exif, xmp=xmp, properties=pack(kept))


def pack(kept: Metadata) -> bytes:
    """Return the section; none if there is neither a resolution nor a text."""
    if kept.resolution is None and not kept.texts:
        return b""
    numbers = b"".join(map(write_varint, kept.resolution or (0, 0)))
    strings = (one.encode("utf-8", "replace") for text in kept.texts for one in text)
    return metadata.pack(numbers + b"".join(write_varint(len(one)) + one for one in strings))


def unpack(section: bytes) -> Metadata:
    """Return metadata with the resolution and the texts of a section.

    Raises:
        FormatError: If it is not valid.
    """
    if not section:
        return metadata.NO_METADATA
    reader = Reader(metadata.unpack(section, "resolution and texts"))
    try:
        across, down = (reader.varint("a resolution", _LARGEST) for _ in range(2))
        texts = _texts(reader)
    except (TruncatedFile, UnicodeDecodeError) as error:
        raise FormatError("the resolution and the texts are not valid") from error
    if (across == 0) != (down == 0):
        raise FormatError("the resolution is not valid: only one side has one")
    return replace(metadata.NO_METADATA, resolution=(across, down) if across else None, texts=texts)


def _texts(reader: Reader) -> tuple[tuple[str, str], ...]:
    texts = []
    while reader.position < len(reader.data):
        keyword, text = (reader.take(reader.varint("a text", LIMIT)).decode() for _ in range(2))
        texts.append((keyword, text))
        if len(texts) > MOST_TEXTS:
            raise FormatError(f"the file has more than {MOST_TEXTS} texts")
    return tuple(texts)
