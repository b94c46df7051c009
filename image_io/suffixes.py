"""Suffixes of image files, in lower case with their dots."""

from pathlib import Path

READ = frozenset({".avif", ".bmp", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"})
"""Suffixes of files that are read from folders of images."""
WRITTEN = (".png", ".webp", ".bmp", ".ppm", ".tif", ".tiff", ".jpg", ".jpeg", ".avif")
"""Suffixes of files that colour images can be written to, the usual one first."""
KNOWN = READ | {".gif", ".heic", ".heif", ".hif", ".j2k", ".jfif", ".jp2", ".jpe", ".jxl", ".qoi", ".sgi", ".tga"}
"""All suffixes that an image's name may have, whether or not its format is read from folders."""

_ALIKE = ({".jpg", ".jpeg", ".jpe", ".jfif"}, {".jp2", ".j2k"}, {".tif", ".tiff"}, {".pbm", ".pgm", ".pnm", ".ppm"})
_STARTS = (
    (b"\xff\xd8\xff", ".jpg"),
    (b"\x89PNG\r\n\x1a\n", ".png"),
    (b"GIF87a", ".gif"),
    (b"GIF89a", ".gif"),
    (b"II*\0", ".tif"),
    (b"MM\0*", ".tif"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", ".jp2"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", ".jxl"),
    (b"\xff\x0a", ".jxl"),
    (b"BM", ".bmp"),
    (b"P1", ".pbm"),
    (b"P2", ".pgm"),
    (b"P3", ".ppm"),
    (b"P4", ".pbm"),
    (b"P5", ".pgm"),
    (b"P6", ".ppm"),
)
"""How image files begin, and the suffixes of their formats."""


def suffix_of_data(data: bytes | memoryview) -> str:
    """Return the suffix of the format of an image file by its first bytes; empty for a format that is not known."""
    data = bytes(data[:16])
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ".webp"
    if data[4:12] == b"ftypavif":
        return ".avif"
    return next((suffix for start, suffix in _STARTS if data.startswith(start)), "")


def alike(first: str, second: str) -> bool:
    """Tell whether two suffixes stand for one format, in lower or upper case."""
    first, second = first.lower(), second.lower()
    return first == second or any({first, second} <= group for group in _ALIKE)


def is_image(path: Path) -> bool:
    """Tell whether a path is a file whose suffix is one of READ, in lower or upper case."""
    return path.suffix.lower() in READ and path.is_file()
