"""Suffixes of image files, in lower case with their dots: the one list of them."""

from pathlib import Path

READ = frozenset({".avif", ".bmp", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"})
"""Files of a folder that are taken for images."""
WRITTEN = (".png", ".webp", ".bmp", ".ppm", ".tif", ".tiff", ".jpg", ".jpeg", ".avif")
"""Files that colour images can be written to, the usual one first."""
KNOWN = READ | {".gif", ".jp2", ".jxl", ".tga"}
"""All suffixes that an image's name may have, whether or not its format is read from folders."""


def is_image(path: Path) -> bool:
    """Tell whether a path is a file whose suffix is one of READ, in lower or upper case."""
    return path.suffix.lower() in READ and path.is_file()
