"""Read EXIF, ICC profile and XMP from an image, pack them into a .dvq file, and write them to another image."""

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import FormatError, UnsupportedImage

if TYPE_CHECKING:
    from PIL import Image

LIMIT = 2**24
"""Largest piece of metadata, in bytes, before compression: 16 MiB."""
_RAW, _DEFLATE, _COLOUR = 0, 1, 2
_EXIF_PREFIX = b"Exif\0\0"
_PNG_PROFILE = 2**20  # largest profile in bytes, before compression, with which Pillow opens a PNG file again
_JPEG_SEGMENT = 65000  # bytes of EXIF or XMP that fit one JPEG marker, with a margin for its identifier
_XMP_TAG = 700
# What describes how a TIFF file lies on disk, or is kept elsewhere (XMP, ICC): meaningless in another file.
_TIFF_LAYOUT = frozenset(
    (*range(254, 260), 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320, *range(322, 326), 330, 332, 338, 339, 347)
).union(range(512, 534), (_XMP_TAG, 33723, 34377, 34675))


@dataclass(frozen=True)
class Metadata:
    """The three kinds of metadata that are kept; empty bytes if there is none of a kind."""

    icc: bytes = b""
    exif: bytes = b""
    """A TIFF structure without the "Exif" prefix of JPEG."""
    xmp: bytes = b""


NO_METADATA = Metadata()


def pack(raw: bytes) -> bytes:
    """Return the section of a piece of metadata: a method byte, and the smaller of raw and deflate-compressed bytes.

    A profile that was made from a few bytes is packed as these.
    """
    if not raw:
        return b""
    from . import colour

    if (made_from := colour.of_profile(raw)) is not None:
        return bytes([_COLOUR]) + made_from.code()
    if len(raw) > LIMIT:
        raise UnsupportedImage(f"a piece of metadata has {len(raw)} bytes; the limit is {LIMIT}", "use `strip`")
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = deflate.compress(raw) + deflate.flush()
    return bytes([_DEFLATE]) + packed if len(packed) < len(raw) else bytes([_RAW]) + raw


def unpack(section: bytes) -> bytes:
    """Return the metadata of a section, at most LIMIT bytes; raise FormatError if it is not valid."""
    if not section:
        return b""
    method, body = section[0], section[1:]
    if method == _RAW:
        return body
    if method == _COLOUR:
        return _described(body)
    if method != _DEFLATE:
        raise FormatError("the metadata is not valid: unknown method")
    return inflate(body, LIMIT)


def _described(code: bytes) -> bytes:
    """Return the profile of a description of colours; raise FormatError if it is not valid."""
    from . import colour

    if (found := colour.of_code(code)) is None or not (profile := found.profile()):
        raise FormatError("the metadata is not valid: unknown description of colours")
    return profile


def inflate(packed: bytes, limit: int) -> bytes:
    """Undo raw deflate; raise FormatError for more than `limit` bytes, data cut short, or bytes that follow."""
    stream = zlib.decompressobj(-15)
    try:
        raw = stream.decompress(packed, limit + 1)
    except zlib.error as error:
        raise FormatError("compressed data are not valid") from error
    if len(raw) > limit or not stream.eof or stream.unused_data or stream.unconsumed_tail:
        raise FormatError("compressed data do not have the right length")
    return raw


def read(image: "Image.Image") -> Metadata:
    """Return the metadata of a loaded image. Values of broken files, neither bytes nor text, count as absent."""
    icc, xmp = (normalise(image.info.get(key)) for key in ("icc_profile", "xmp"))
    return Metadata(icc, _read_exif(image), xmp)


def normalise(value: object) -> bytes:
    """Return metadata as this package keeps it: bytes, EXIF without prefix; b"" for what is neither text nor bytes."""
    raw = value.encode() if isinstance(value, str) else value if isinstance(value, bytes) else b""
    return raw.removeprefix(_EXIF_PREFIX)


def _read_exif(image: "Image.Image") -> bytes:
    """Return the EXIF bytes as they are where the format has such a block, else (TIFF) rebuilt from its tags."""
    raw = normalise(image.info.get("exif"))
    if raw or not (image.format == "TIFF" or "Raw profile type exif" in image.info):
        return raw
    try:
        tags = _without_layout(image.getexif().tobytes())  # a copy: the image keeps its own
        return normalise(tags.tobytes()) if len(tags) else b""
    except Exception:  # Pillow raises many kinds on broken tags; broken metadata do not justify refusing an image
        return b""


def _without_layout(exif: bytes) -> "Image.Exif":
    """Drop the tags of an EXIF block that describe a TIFF's pixels. Pillow raises many kinds of errors here."""
    from PIL import Image

    tags = Image.Exif()
    tags.load(exif)
    for tag in _TIFF_LAYOUT.intersection(tags):
        del tags[tag]
    return tags


def attach(metadata: Metadata, image: "Image.Image") -> None:
    """Put the metadata where Pillow users look for it: image.info."""
    values = {"icc_profile": metadata.icc, "exif": metadata.exif and _EXIF_PREFIX + metadata.exif, "xmp": metadata.xmp}
    image.info.update({key: value for key, value in values.items() if value})


def save_arguments(metadata: Metadata, format: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return Pillow's save() arguments that write the metadata, and the names of what `format` cannot hold."""
    kept = Metadata(
        metadata.icc if _holds_icc(format, metadata.icc) else b"",
        metadata.exif if _holds_exif(format, metadata.exif) else b"",
        metadata.xmp if _holds(format, metadata.xmp) else b"",
    )
    dropped = tuple(name for name in ("icc", "exif", "xmp") if getattr(metadata, name) and not getattr(kept, name))
    arguments: dict[str, Any] = {"icc_profile": kept.icc} if kept.icc else {}
    if format == "TIFF":
        arguments |= _tiff_arguments(kept)
    else:
        arguments |= {"exif": _EXIF_PREFIX + kept.exif} if kept.exif else {}
        arguments |= _xmp_arguments(kept.xmp, format) if kept.xmp else {}
    return arguments, tuple(name.upper() for name in dropped)


_HOLDS_ICC = frozenset({"PNG", "JPEG", "WEBP", "TIFF", "AVIF", "JXL"})
_HOLDS_EXIF_AND_XMP = _HOLDS_ICC
_PARSES_EXIF = frozenset({"TIFF", "AVIF"})
"""Formats that Pillow writes EXIF to tag by tag, or not at all."""


def _holds(format: str, part: bytes) -> bool:
    return format in _HOLDS_EXIF_AND_XMP and not (format == "JPEG" and len(part) > _JPEG_SEGMENT)


def _holds_icc(format: str, icc: bytes) -> bool:
    return format in _HOLDS_ICC and not (format == "PNG" and len(icc) > _PNG_PROFILE)


def _holds_exif(format: str, exif: bytes) -> bool:
    if exif and format in _PARSES_EXIF:
        try:
            _without_layout(_EXIF_PREFIX + exif).tobytes()
        except Exception:  # Pillow raises many kinds on broken tags; the picture is written without them
            return False
    return _holds(format, exif)


def _xmp_arguments(xmp: bytes, format: str) -> dict[str, Any]:
    """Return Pillow's arguments for XMP: a text chunk for PNG, the bytes for other formats."""
    if format != "PNG":
        return {"xmp": xmp}
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
    return {"pnginfo": chunks}


_SUB_DIRECTORIES = (0x8769, 0x8825, 0xA005)  # Exif, GPS, interoperability


def _tiff_arguments(metadata: Metadata) -> dict[str, Any]:
    """Return Pillow's arguments for TIFF, which keeps EXIF and XMP as tags of its own directory."""
    from PIL import Image

    tags = _without_layout(_EXIF_PREFIX + metadata.exif) if metadata.exif else Image.Exif()
    if metadata.xmp:
        tags[_XMP_TAG] = metadata.xmp
    # libtiff, which compresses, cannot write directories inside the directory; Pillow's own writer can
    plain: dict[str, Any] = {"compression": None} if any(tag in tags for tag in _SUB_DIRECTORIES) else {}
    return {"exif": tags, **plain} if len(tags) else {}
