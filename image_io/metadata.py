"""The metadata of a picture, and how they are packed into a .dvq file and attached to a Pillow image."""

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import FormatError, UnsupportedImage

if TYPE_CHECKING:
    from PIL import Image

LIMIT = 2**24
"""Largest piece of metadata, in bytes, before compression: 16 MiB."""
_RAW, _DEFLATE, _COLOUR = 0, 1, 2
INCH = 0.0254
"""In metres."""
COMMENT = "Comment"
"""The keyword of comments among texts, as PNG has it."""
MOST_TEXTS = 4096


@dataclass(frozen=True)
class Metadata:
    """The kinds of metadata that are kept; empty if there is none of a kind."""

    icc: bytes = b""
    exif: bytes = b""
    """A TIFF structure without the "Exif" prefix of JPEG."""
    xmp: bytes = b""
    """A packet in UTF-8."""
    resolution: tuple[int, int] | None = None
    """Pixels per metre, across and down."""
    texts: tuple[tuple[str, str], ...] = ()
    """Keywords and texts; a comment is the text of the keyword COMMENT."""

    @property
    def dpi(self) -> tuple[float, float] | None:
        """The resolution in pixels per inch: a whole number where that rounds to the same number per metre."""
        if self.resolution is None:
            return None
        across, down = (per_inch(value) for value in self.resolution)
        return across, down


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


def unpack(section: bytes, name: str = "the metadata") -> bytes:
    """Return the metadata of a section, at most LIMIT bytes; raise FormatError, which names it, if it is not valid."""
    if not section:
        return b""
    method, body = section[0], section[1:]
    if method == _RAW:
        return body
    if method == _COLOUR:
        return _described(body)
    if method != _DEFLATE:
        raise FormatError(f"{name}: the method is unknown")
    return inflate(body, LIMIT, name)


def _described(code: bytes) -> bytes:
    """Return the profile of a description of colours; raise FormatError if it is not valid."""
    from . import colour

    if (found := colour.of_code(code)) is None or not (profile := found.profile()):
        raise FormatError("the metadata is not valid: unknown description of colours")
    return profile


def inflate(packed: bytes | memoryview, limit: int, name: str) -> bytes:
    """Undo raw deflate of what is called a name.

    Raises:
        FormatError: For more than `limit` bytes, data that are cut short or not valid, or bytes that follow.
    """
    stream = zlib.decompressobj(-15)
    try:
        raw = stream.decompress(packed, limit + 1)
    except zlib.error as error:
        raise FormatError(f"{name}: compressed data are not valid") from error
    if len(raw) > limit or not stream.eof or stream.unused_data or stream.unconsumed_tail:
        raise FormatError(f"{name}: compressed data do not have the right length")
    return raw


def per_inch(per_metre: int) -> float:
    """Return a resolution in pixels per inch, a whole number where that rounds to the same number per metre."""
    exact = per_metre * INCH
    return round(exact) if per_metre_of(round(exact)) == per_metre else exact


def per_metre_of(per_inch: float) -> int:
    """Return a resolution in pixels per metre."""
    return int(per_inch / INCH + 0.5)


RESERVED = frozenset(
    (
        "icc_profile",
        "exif",
        "xmp",
        "XML:com.adobe.xmp",
        "Raw profile type exif",
        "dpi",
        "comment",
        "transparency",
        "quality",
        "lossless",
        "background",
        "loop",
        "duration",
        "timestamp",
        "gamma",
        "chromaticity",
        "srgb",
        "aspect",
        "interlace",
        "default_image",
        "compression",
        "photoshop",
        "mp",
        "adobe",
        "extension",
        "version",
        "resolution",
    )
)
"""Keys of Pillow's `info` that are no keywords of texts."""


def attach(metadata: Metadata, image: "Image.Image") -> None:
    """Put the metadata where Pillow users look for it: image.info."""
    from . import exif  # which needs numpy, as a listing of an archive does not

    texts = dict(metadata.texts)
    values = {
        "icc_profile": metadata.icc,
        "exif": metadata.exif and exif.PREFIX + metadata.exif,
        "xmp": metadata.xmp,
        "dpi": metadata.dpi,
        "comment": texts.pop(COMMENT, "").encode(),
    }
    image.info.update({key: value for key, value in values.items() if value})
    image.info.update({key: value for key, value in texts.items() if key not in RESERVED})
