"""How many bits a sample of an image has, by what its decoder or its file says: 8 bits at most, deeper, or floats.

Pillow drops the bits below the upper 8 of many deep images without a word. This is the one place that notices.
"""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from PIL import IcoImagePlugin, Image, TiffImagePlugin

from . import isobmff, jxl_header

_BITS_PER_SAMPLE, _SAMPLE_FORMAT = 258, 339
_FLOATS = 3
_LARGEST_START = 2**16
_PACKED = frozenset({"BGR;16", "RGB;16"})  # all of a pixel in 16 bits
_DEEP = re.compile(r";(12|16|24|32)[A-Z]*$")


@dataclass(frozen=True)
class Depth:
    """The samples of an image."""

    bits: int
    """Bits of the deepest channel."""
    floating: bool = False
    signed: bool = False

    @property
    def fits(self) -> bool:
        """Whether 8 bits hold the samples."""
        return self.bits <= 8 and not self.floating


EIGHT = Depth(8)


def depth_of(image: Image.Image) -> Depth:
    """Return the depth of an image. One that is not loaded yet is asked for the samples in its file.

    Args:
        image: The image. Its file is read, and left where it was.
    """
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return _of_tiff(image)
    if isinstance(image, IcoImagePlugin.IcoImageFile):
        inner = image.ico.getimage(image.size)
        return EIGHT if inner.format == "ICO" else depth_of(inner)
    by_mode = _of_mode(image)
    file = getattr(image, "fp", None)
    by_file = _BY_FORMAT.get(image.format or "")
    if by_mode.floating or by_file is None or file is None or not _still_in_its_file(image):
        return by_mode
    at = file.tell()
    try:
        return by_file(file)
    finally:
        file.seek(at)


def _still_in_its_file(image: Image.Image) -> bool:
    """Tell whether an image is not loaded: plug-ins outside Pillow have no tiles before that, either."""
    return bool(getattr(image, "tile", ())) or image.format in ("HEIF", "JXL")


def _of_mode(image: Image.Image) -> Depth:
    """Return the depth that the mode of an image means, or the raw modes from which a decoder will make it."""
    if image.mode == "F":
        return Depth(32, floating=True)
    if image.mode == "I" or image.mode.startswith("I;"):
        return Depth(_raw_bits(image) or (32 if image.mode == "I" else 16), signed=_is_signed(image))
    return Depth(max(8, _raw_bits(image)))


def _raw_bits(image: Image.Image) -> int:
    """Return the bits of a sample in the tiles of an image that is not decoded yet; 0 if they do not say."""
    found = 0
    for tile in getattr(image, "tile", ()):
        arguments = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
        if tile[0] in ("ppm", "ppm_plain") and isinstance(arguments[-1], int):
            found = max(found, arguments[-1].bit_length())
        for raw in arguments:
            deep = _DEEP.search(raw) if isinstance(raw, str) and raw not in _PACKED else None
            found = max(found, int(deep[1])) if deep else found
    return found


def _is_signed(image: Image.Image) -> bool:
    """Tell whether samples may be negative: in Pillow's 32-bit mode they may, unless a format has none."""
    return image.mode == "I" and image.format not in ("PNG", "PPM")


def _of_tiff(image: TiffImagePlugin.TiffImageFile) -> Depth:
    """Return the depth that the tags of a TIFF file name; they stay when the image is loaded."""
    bits, formats = (
        image.tag_v2.get(tag) or (default,) for tag, default in ((_BITS_PER_SAMPLE, 1), (_SAMPLE_FORMAT, 1))
    )
    plain = [max(values) if isinstance(values, tuple) else int(values) for values in (bits, formats)]
    return Depth(plain[0], plain[1] == _FLOATS, plain[1] == 2)


def _of_sgi(file: BinaryIO) -> Depth:
    """The fourth byte counts the bytes of a sample."""
    file.seek(3)
    return Depth(8 * max(1, *file.read(1)))


def _of_boxes(file: BinaryIO) -> Depth:
    return Depth(isobmff.bits(isobmff.primary_properties(file)))


def _of_jpeg_2000(file: BinaryIO) -> Depth:
    """Read the marker segment SIZ (ISO/IEC 15444-1, A.5.1), bare or in the box `jp2c`."""
    file.seek(0)
    start = file.read(_LARGEST_START)
    if not start.startswith(b"\xff\x4f"):
        start = isobmff.body_of(file, b"jp2c", _LARGEST_START)
    if len(start) < 45:
        return EIGHT
    (components,) = struct.unpack_from(">H", start, 40)
    sizes = start[42 : 42 + 3 * components : 3]
    return Depth(max((size & 0x7F) + 1 for size in sizes), signed=any(size & 0x80 for size in sizes))


def _of_jpeg_xl(file: BinaryIO) -> Depth:
    header = jxl_header.read(file)
    return Depth(header.bits, header.floating)


_BY_FORMAT: dict[str, Callable[[BinaryIO], Depth]] = {
    "AVIF": _of_boxes,
    "HEIF": _of_boxes,
    "JPEG2000": _of_jpeg_2000,
    "JXL": _of_jpeg_xl,
    "SGI": _of_sgi,
}
