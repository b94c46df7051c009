"""The method `file`: the image file that was compressed is kept, byte for byte, inside the .dvq file.

Whatever is inside is hostile until it is decoded: only files that begin as known formats do are given back, and pixels
are decoded by the reader that opens every other image, after the size was compared with the header. This needs neither
numpy nor Pillow until then.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import FormatError, UnsupportedImage
from ...image_io.bounds import Bounds
from ...image_io.limits import MAX_AREA
from ...image_io.suffixes import suffix_of_data
from ..bitstream.container import DvqFile, parse
from ..bitstream.header import FILE, head

if TYPE_CHECKING:
    from ...image_io.images import Picture


_START = 64
"""Bytes that hold the header and the table of such a file, and how the file inside begins."""
_KIND = head(FILE)[-1:]
_CHECKED = Bounds(max_pixels=MAX_AREA, max_memory=2**62)
"""Bounds of what was compared with the size in the header, which the user's bounds were compared with."""


def suffix_at(path: Path) -> str | None:
    """Return the suffix of the image file that a file on disk keeps, by its first bytes; None if it cannot be read."""
    try:
        with path.open("rb") as stream:
            start = stream.read(_START)
        return suffix_of_data(start[parse(start).header_bytes :]) or None if start[5:6] == _KIND else None
    except (OSError, FormatError):
        return None


def of_format(data: bytes, format: str | None) -> memoryview:
    """Return the image file that a .dvq file keeps, if it is of a format of Pillow's, or None for any; else none."""
    from PIL import Image

    file = parse(data)
    formats = None, Image.registered_extensions().get(file.kept_suffix or "")
    return file.kept if file.kept_suffix and format in formats else memoryview(b"")


def suits(picture: "Picture", original: bytes) -> bool:
    """Tell whether a picture's image file can be kept: of a known format, of the picture's size, and not converted."""
    height, width = picture.pixels.shape[:2]
    return bool(suffix_of_data(original)) and not picture.notices and _size(original) == (width, height)


def picture(file: DvqFile) -> "Picture":
    """Decode the image file that a file keeps, with its metadata.

    Raises:
        FormatError: If it is not an image of the size and the mode in the header.
    """
    from ...image_io import images

    data, header = file.kept, file.header
    if not suffix_of_data(data):
        raise FormatError("the image file inside is of no known format")
    if _size(data) != (header.width, header.height):
        raise FormatError("the image file inside is not of the size in the header")
    try:
        decoded = images.read(data, keep_mode=True, bounds=_CHECKED)
    except UnsupportedImage as error:
        raise FormatError(f"the image file inside cannot be read: {error}") from error
    if decoded.mode != header.mode or decoded.pixels.shape[:2] != (header.height, header.width):
        raise FormatError("the image file inside is not of the mode in the header")
    return decoded


def _size(data: bytes | memoryview) -> tuple[int, int] | None:
    """Return width and height of an image file by its header; None if it cannot be opened."""
    from ...image_io.opening import opened
    from ...image_io.view_stream import stream_of

    try:
        with stream_of(data) as file, opened(file) as image:
            return image.size
    except MemoryError:
        raise
    except Exception:  # Pillow's readers raise many kinds on broken files
        return None
