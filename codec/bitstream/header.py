"""What stands at the head of a .dvq file before its table: fixed fields, in format versions 1 (lossy) and 2 (lossless).

Archives (version 3) hold such files and more: archives.layout has their bytes.

docs/FORMAT.md is the specification.
"""

from dataclasses import dataclass, replace

from ...errors import FormatError
from ...image_io.limits import MAX_AREA, MAX_SIDE, MODES
from .varint import Reader, write_varint

MAGIC = b"\x8bDVQ"
LOSSY_VERSION = 1
LOSSLESS_VERSION = 2
ARCHIVE_VERSION = 3
CODER_VERSION = 1
QUALITY_RANGE = (1 * 256, 100 * 256)

METHODS = ("stored", "webp", "lattice", "bilevel", "model")
"""Ways of coding lossless pixels, as format version 2 numbers them; `lattice` is read, no longer written."""
MODELLED = ("lattice", "model")
"""Those that begin with a hierarchy's symbols."""

ICC, EXIF, XMP, COLOURS = 1, 2, 4, 8
FILTER = 8
"""Of lossy files, which have no palette."""
_LAYOUT_RGB, _LAYOUT_ALPHA = 1, 4


@dataclass(frozen=True)
class Lossless:
    """What a lossless file says beside its size."""

    mode: str
    """One of MODES."""
    method: str
    """One of METHODS."""
    checksum: int
    """CRC-32 of the samples in raster order, channels interleaved, a byte each."""
    pixel_weights: bytes = b""
    """First 8 bytes of the SHA-256 of the weights of the pixels' model; empty unless the method has one."""


@dataclass(frozen=True)
class Header:
    """What the pixels need: everything in the header but the table."""

    width: int
    height: int
    grey: bool
    alpha: bool
    quality: int
    """Fixed point: round(256 q), q in [1, 100]; 0 in lossless files without a hierarchy's symbols."""
    weights: bytes
    """First 8 bytes of the SHA-256 of the weights file; empty in lossless files without a hierarchy's symbols."""
    lossless: Lossless | None = None
    """None in lossy files."""

    @property
    def mode(self) -> str:
        """The Pillow mode that comes back: L, LA, RGB or RGBA, and from a lossless file also 1, P or PA."""
        if self.lossless is not None:
            return self.lossless.mode
        return ("L" if self.grey else "RGB") + ("A" if self.alpha else "")

    @property
    def modelled(self) -> bool:
        """Whether the file holds symbols of a hierarchy."""
        return self.lossless is None or self.lossless.method in MODELLED

    @property
    def walked(self) -> tuple[int, int]:
        """Height and width of the image that the hierarchy's symbols tell: halved under the method `model`."""
        halved = self.lossless is not None and self.lossless.method == "model"
        return (-(-self.height // 2), -(-self.width // 2)) if halved else (self.height, self.width)


def lossless_header(height: int, width: int, lossless: Lossless, quality: int = 0, weights: bytes = b"") -> Header:
    """Return the header of a lossless file; quality and weights are a hierarchy's."""
    grey, alpha = lossless.mode in ("1", "L", "LA"), lossless.mode in ("LA", "RGBA", "PA")
    return Header(width, height, grey, alpha, quality, weights, lossless)


def write(header: Header, flags: int) -> bytes:
    """Return the fixed fields."""
    if not (1 <= header.width <= MAX_SIDE and 1 <= header.height <= MAX_SIDE):
        raise ValueError("image side out of range")
    if header.width * header.height > MAX_AREA or (header.modelled and len(header.weights) != 8):
        raise ValueError("image area or weights hash out of range")
    size = write_varint(header.width) + write_varint(header.height)
    model = header.quality.to_bytes(2, "little") + header.weights
    if header.lossless is None:
        layout = (0 if header.grey else _LAYOUT_RGB) | (_LAYOUT_ALPHA if header.alpha else 0)
        return MAGIC + bytes([LOSSY_VERSION, layout, flags, CODER_VERSION]) + model + size
    kept = header.lossless
    layout = MODES.index(kept.mode) | METHODS.index(kept.method) << 3
    fields = bytes([LOSSLESS_VERSION, layout, flags]) + size + kept.checksum.to_bytes(4, "little")
    if kept.method == "bilevel":
        return MAGIC + fields + bytes([CODER_VERSION]) + kept.pixel_weights
    return MAGIC + fields + (bytes([CODER_VERSION]) + model + kept.pixel_weights if header.modelled else b"")


def parse(reader: Reader) -> tuple[Header, int]:
    """Read the fixed fields and return the header and the flags. FormatError if they are not valid."""
    version = _version(reader)
    return (_parse_lossy if version == LOSSY_VERSION else _parse_lossless)(reader)


def _version(reader: Reader) -> int:
    """Check the magic and return the format version."""
    magic = reader.data[: len(MAGIC)]
    if not magic or magic != MAGIC[: len(magic)]:
        raise FormatError("not a .dvq file")
    reader.take(len(MAGIC))
    version = reader.number(1)
    if version == ARCHIVE_VERSION:
        mend = "name the file: `dvcodec decompress FILE`, or decompress_archive in Python"
        raise FormatError("it is an archive of many images", mend)
    if version not in (LOSSY_VERSION, LOSSLESS_VERSION):
        raise FormatError(f"format version {version} is not one this release reads", "upgrade dvcodec")
    return version


def _parse_lossy(reader: Reader) -> tuple[Header, int]:
    layout, flags, coder = reader.take(3)
    quality, weights = reader.number(2), reader.take(8)
    width, height = _parse_size(reader)
    _refuse_unknown(layout & ~(_LAYOUT_RGB | _LAYOUT_ALPHA) or flags & ~(ICC | EXIF | XMP | FILTER))
    if flags & FILTER and not layout & _LAYOUT_RGB:
        raise FormatError("the header is not valid: a grey image with a filter of colours")
    _check_model(coder, quality)
    _check_area(width, height)
    return Header(width, height, not layout & _LAYOUT_RGB, bool(layout & _LAYOUT_ALPHA), quality, weights), flags


def _parse_lossless(reader: Reader) -> tuple[Header, int]:
    layout, flags = reader.take(2)
    mode, method = layout & 7, layout >> 3
    _refuse_unknown(mode >= len(MODES) or method >= len(METHODS) or flags & ~(ICC | EXIF | XMP | COLOURS))
    width, height = _parse_size(reader)
    checksum = reader.number(4)
    if METHODS[method] == "bilevel":
        return _parse_bilevel(reader, Lossless(MODES[mode], METHODS[method], checksum), height, width), flags
    if METHODS[method] not in MODELLED:
        _check_area(width, height)
        return lossless_header(height, width, Lossless(MODES[mode], METHODS[method], checksum)), flags
    coder, quality = reader.number(1), reader.number(2)
    weights, pixel_weights = reader.take(8), reader.take(8)
    _check_model(coder, quality)
    _check_area(width, height)
    if MODES[mode] in ("1", "P", "PA"):
        raise FormatError("the header is not valid: a mode without samples that a model could predict")
    kept = Lossless(MODES[mode], METHODS[method], checksum, pixel_weights)
    return lossless_header(height, width, kept, quality, weights), flags


def _parse_bilevel(reader: Reader, kept: Lossless, height: int, width: int) -> Header:
    """The rest of the fields of the method `bilevel`: coder version and weights."""
    coder, pixel_weights = reader.number(1), reader.take(8)
    _check_coder(coder)
    _check_area(width, height)
    if kept.mode != "1":
        raise FormatError("the header is not valid: the method bilevel is of mode 1 alone")
    return lossless_header(height, width, replace(kept, pixel_weights=pixel_weights))


def _parse_size(reader: Reader) -> tuple[int, int]:
    return reader.varint("the width", MAX_SIDE), reader.varint("the height", MAX_SIDE)


def _refuse_unknown(unknown: int) -> None:
    if unknown:
        raise FormatError("the header asks for features that this release does not know", "upgrade dvcodec")


def _check_coder(coder: int) -> None:
    if coder != CODER_VERSION:
        raise FormatError(f"entropy coder version {coder} is unknown to this release", "upgrade dvcodec")


def _check_model(coder: int, quality: int) -> None:
    _check_coder(coder)
    if not QUALITY_RANGE[0] <= quality <= QUALITY_RANGE[1]:
        raise FormatError("the header is not valid: quality out of range")


def _check_area(width: int, height: int) -> None:
    if not width * height:
        raise FormatError("the header is not valid: the image has no pixels")
    if width * height > MAX_AREA:
        raise FormatError(f"the header claims {width} x {height} pixels; the format's limit is {MAX_AREA} in all")
