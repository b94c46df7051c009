"""Small PNG files of .dvq files, for desktops."""

from typing import TYPE_CHECKING

from .api import decompress_picture
from .bitstream.container import parse
from .view import WHOLE, DecodeOptions, View, enough

if TYPE_CHECKING:
    from typing import Unpack

_OVER = 2
"""How many times larger than a thumbnail the picture is from which it is made, at least: as Pillow does it."""


def thumbnail_data(data: bytes, side: int, **options: "Unpack[DecodeOptions]") -> tuple[bytes, int, int]:
    """Decompress a .dvq file in memory to a small PNG file, turned as its EXIF orientation says.

    Args:
        data: The bytes of the .dvq file.
        side: The largest width and height, in pixels. Smaller images are not scaled.
        **options: As for `decompress_picture`.

    Returns:
        The bytes of the PNG file, and its width and height.

    Raises:
        DvcodecError: As `decompress_data`.
    """
    from ..image_io import thumbnails

    if options.get("view", WHOLE) == WHOLE:
        header = parse(data).header
        options["view"] = View(1 if header.lossless else enough(max(header.width, header.height), _OVER * side))
    return thumbnails.write(decompress_picture(data, **options).picture, side)
