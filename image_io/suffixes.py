"""Suffixes of image files, in lower case with their dots."""

from pathlib import Path

READ = frozenset({".avif", ".bmp", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"})
"""Suffixes of files that are read from folders of images."""
WRITTEN = (".png", ".webp", ".bmp", ".ppm", ".tif", ".tiff", ".jpg", ".jpeg", ".avif")
"""Suffixes of files that colour images can be written to, the usual one first."""
KNOWN = READ | {".gif", ".heic", ".heif", ".hif", ".j2k", ".jfif", ".jp2", ".jpe", ".jxl", ".qoi", ".sgi", ".tga"}
"""All suffixes that an image's name may have, whether or not its format is read from folders."""


def is_image(path: Path) -> bool:
    """Tell whether a path is a file whose suffix is one of READ, in lower or upper case."""
    return path.suffix.lower() in READ and path.is_file()
