"""The head of a .dvq file: what every kind has in common, and the fields that images have before their table.

docs/FORMAT.md is the specification.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ...errors import FormatError
from ...image_io.limits import MAX_AREA, MAX_SIDE, MODES
from .varint import Reader, write_varint

MAGIC = b"\x8bDVQ"
VERSION = 4
"""The one format version."""
_PERCEPTUAL = 2**15
"""The bit of the quality's field that says that an image is coded for the eye."""
QUALITY_RANGE = (1 * 256, 100 * 256)
"""Lowest and highest fixed-point quality."""

KINDS = ("lossy", "stored", "webp", "model", "bilevel", "archive", "file", "deep", "jpeg")
LOSSY, STORED, WEBP, MODEL, BILEVEL, ARCHIVE, FILE, DEEP, JPEG = KINDS
"""Kinds of files, as the format numbers them."""
METHODS = (STORED, WEBP, MODEL, BILEVEL, FILE, DEEP, JPEG)
"""Kinds of lossless images: the ways of coding their pixels."""

ICC, EXIF, XMP, EXTRA, PROPERTIES = 8, 16, 32, 64, 128
"""Flags of sections; EXTRA is the adaptive filter of a lossy image and the palette of a lossless one."""
_MODE_MASK = _DEEP_FORM = 7
"""The mode's bits; all of them set stand for deep samples, whose mode follows."""
SHALLOW_WHITE, MOST_WHITE = 2**8 - 1, 2**16 - 1
"""The largest values of white in 8 and in 16 bits."""
_LOSSY_MODES = ("L", "LA", "RGB", "RGBA")
_MODES_OF = {
    LOSSY: _LOSSY_MODES,
    STORED: MODES,
    WEBP: MODES,
    MODEL: _LOSSY_MODES,
    BILEVEL: ("1",),
    FILE: MODES,
    DEEP: _LOSSY_MODES,
    JPEG: _LOSSY_MODES,
}


@dataclass(frozen=True, kw_only=True)
class Header:
    """What the header of an image says, except for its table of sections."""

    kind: str = LOSSY
    """One of KINDS, not ARCHIVE."""
    width: int
    height: int
    mode: str
    """The Pillow mode that comes back, one of MODES; lossy images have L, LA, RGB or RGBA."""
    quality: int = 0
    """Fixed point: round(256 q), q in [1, 100]; 0 in files without a hierarchy's symbols."""
    perceptual: bool = False
    """Whether a lossy image is coded for the eye."""
    weights: bytes = b""
    """Id of the hierarchy's weights, 8 bytes; empty in files without a hierarchy's symbols."""
    samples_crc: int = 0
    """Of lossless images except FILE: CRC-32 of the samples in raster order, channels interleaved, a byte each, or two
    if they are deep."""
    pixel_weights: bytes = b""
    """Id of the weights of the pixels' model, 8 bytes; empty unless the kind is MODEL or BILEVEL."""

    white: int = SHALLOW_WHITE
    """The largest value that a sample may have: above 255 in deep images, which are lossless."""

    @property
    def deep(self) -> bool:
        """Whether samples have more than 8 bits."""
        return self.white > SHALLOW_WHITE

    @property
    def bits(self) -> int:
        """Bits of a sample."""
        return 1 if self.mode == "1" else self.white.bit_length()

    @property
    def lossless(self) -> bool:
        """Whether the file gives every sample back."""
        return self.kind != LOSSY

    @property
    def grey(self) -> bool:
        """Whether the image has no colours."""
        return self.mode in ("1", "L", "LA")

    @property
    def alpha(self) -> bool:
        """Whether the image has an alpha channel."""
        return self.mode in ("LA", "RGBA", "PA")

    @property
    def has_checksum(self) -> bool:
        """Whether the header holds a checksum of the samples; the bytes of a kept file have one of their own."""
        return self.kind not in (LOSSY, FILE)

    @property
    def has_symbols(self) -> bool:
        """Whether the file holds symbols of a hierarchy."""
        return self.kind in (LOSSY, MODEL)

    @property
    def alpha_apart(self) -> bool:
        """Whether the file has an alpha channel in a section of its own."""
        return self.alpha and self.kind in (LOSSY, MODEL, JPEG)

    @property
    def has_pixel_model(self) -> bool:
        """Whether a model gives the distributions of the file's pixels."""
        return self.kind in (MODEL, BILEVEL)

    @property
    def symbols_size(self) -> tuple[int, int]:
        """Height and width of the image that the hierarchy's symbols describe: half of the file's under MODEL."""
        if self.kind == MODEL:
            return -(-self.height // 2), -(-self.width // 2)
        return self.height, self.width


def head(kind: str) -> bytes:
    """Return how every file of a kind begins: magic, format version, kind."""
    return MAGIC + bytes([VERSION, KINDS.index(kind)])


def write(header: Header, flags: int) -> bytes:
    """Return the header up to its table.

    Args:
        header: The image's description.
        flags: The flags of the sections that the file has.

    Raises:
        ValueError: If the format cannot hold such an image.
    """
    if not (1 <= header.width <= MAX_SIDE and 1 <= header.height <= MAX_SIDE):
        raise ValueError("image side out of range")
    ids = [header.weights] * header.has_symbols + [header.pixel_weights] * header.has_pixel_model
    if header.width * header.height > MAX_AREA or any(len(one) != 8 for one in ids):
        raise ValueError("image area or weights id out of range")
    mode = MODES.index(header.mode)
    deep = bytes([mode]) + header.white.to_bytes(2, "little") if header.deep else b""
    fields = [head(header.kind), bytes([(_DEEP_FORM if deep else mode) | flags]), deep]
    fields += [write_varint(header.width), write_varint(header.height)]
    quality = header.quality | _PERCEPTUAL * header.perceptual
    fields += [quality.to_bytes(2, "little"), header.weights] if header.has_symbols else []
    fields += [header.samples_crc.to_bytes(4, "little")] if header.has_checksum else []
    fields += [header.pixel_weights] if header.has_pixel_model else []
    return b"".join(fields)


def parse(reader: Reader) -> tuple[Header, int]:
    """Read an image's header up to its table.

    Returns:
        The header, and the flags of the file's sections.

    Raises:
        FormatError: If it is not valid, or of a release to come; TruncatedFile if it is cut.
    """
    kind = parse_kind(reader)
    if kind == ARCHIVE:
        raise FormatError("it is an archive of many images", "name its file, or use decompress_archive in Python")
    form = reader.number(1)
    mode, flags = form & _MODE_MASK, form & ~_MODE_MASK
    mode, white = (reader.number(1), reader.number(2)) if mode == _DEEP_FORM else (mode, SHALLOW_WHITE)
    if mode >= len(MODES):
        raise FormatError("the header asks for features that this release does not know", "upgrade dvcodec")
    width, height = reader.varint("the width", MAX_SIDE), reader.varint("the height", MAX_SIDE)
    symbols, checked, modelled = kind in (LOSSY, MODEL), kind not in (LOSSY, FILE), kind in (MODEL, BILEVEL)
    quality = reader.number(2) if symbols else 0
    header = Header(
        kind=kind,
        width=width,
        height=height,
        mode=MODES[mode],
        quality=quality & ~_PERCEPTUAL,
        perceptual=quality >= _PERCEPTUAL,
        weights=reader.take(8) if symbols else b"",
        samples_crc=reader.number(4) if checked else 0,
        pixel_weights=reader.take(8) if modelled else b"",
        white=white,
    )
    if form & _MODE_MASK == _DEEP_FORM and not header.deep:
        raise FormatError("the header is not valid: deep samples of 8 bits")
    _check(header, flags)
    return header, flags


def parse_kind(reader: Reader) -> str:
    """Read how every file begins, and return its kind. FormatError if it is not a file of this format version."""
    magic = reader.data[: len(MAGIC)]
    if magic != MAGIC[: len(magic)]:
        raise FormatError("not a .dvq file")
    if not magic:
        raise FormatError("the file is empty")
    reader.take(len(MAGIC))
    version, kind = reader.number(1), reader.number(1)
    if version != VERSION:
        raise FormatError(f"format version {version} is not one this release reads", "upgrade dvcodec")
    if kind >= len(KINDS):
        raise FormatError("the file is of a kind that this release does not know", "upgrade dvcodec")
    return KINDS[kind]


def sections(header: Header, flags: int) -> Iterator[str]:
    """Return the sections of a file in its order, by the names of `assembly.Parts`."""
    present = {
        "icc": flags & ICC,
        "palette": flags & EXTRA and header.lossless,
        "chunks": header.has_symbols,
        "adaptive_filter": flags & EXTRA and not header.lossless,
        "pixels": header.lossless,
        "alpha": header.alpha_apart,
        "exif": flags & EXIF,
        "xmp": flags & XMP,
        "properties": flags & PROPERTIES,
    }
    return (part for part, there in present.items() if there)


def _check(header: Header, flags: int) -> None:
    """Refuse what the bytes of a header can say and no image may."""
    if header.perceptual and header.lossless:
        raise FormatError("the header is not valid: a lossless image coded for the eye")
    if header.has_symbols and not QUALITY_RANGE[0] <= header.quality <= QUALITY_RANGE[1]:
        raise FormatError("the header is not valid: quality out of range")
    if not header.width * header.height:
        raise FormatError("the header is not valid: the image has no pixels")
    if header.width * header.height > MAX_AREA:
        size = f"{header.width} x {header.height}"
        raise FormatError(f"the header claims {size} pixels; the format's limit is {MAX_AREA} in all")
    if header.mode not in _MODES_OF[header.kind]:
        raise FormatError(f"the header is not valid: a {header.kind} image of mode {header.mode}")
    if header.deep != (header.kind == DEEP) and not (header.kind == STORED and header.mode in _LOSSY_MODES):
        raise FormatError(f"the header is not valid: a {header.kind} image of {header.bits} bits")
    if header.kind == LOSSY and header.grey and flags & EXTRA:
        raise FormatError("the header is not valid: a grey image with a filter of colours")
    if header.kind == FILE and flags:
        raise FormatError("the header is not valid: an image file that is kept has its metadata inside")
