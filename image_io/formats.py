"""What each image format can hold: the one table that writing, its refusals and its warnings go by.

docs/USAGE.md shows the same to users; a test reads that page and checks every cell.
"""

import importlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from ..errors import OutputFailed

ANY = 2**24
"""A limit that nothing exceeds: no piece of metadata is larger."""
_COLOURS = ("L", "LA", "RGB", "RGBA")
_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")
_JPEG_SEGMENT = 65000  # bytes that fit one JPEG marker, with a margin for its identifier
_JPEG_ICC = 255 * 65519  # 255 segments


@dataclass(frozen=True)
class Format:
    """A format that pictures are written in. Sizes are in bytes; 0 stands for what the format cannot hold."""

    name: str
    """Pillow's name."""
    label: str
    """What users call it."""
    suffixes: tuple[str, ...]
    modes: tuple[str, ...]
    """Modes that are written as they are; others are converted to one of them with the same colours, or refused."""
    exact: bool = True
    """Whether the pixels are kept exactly."""
    deep: tuple[str, ...] = ()
    """Modes in which samples of more than 8 bits are written."""
    keys: tuple[str, ...] = ()
    """Modes that may have a transparent colour or index."""
    indexed: bool = False
    """Whether all pixels together have at most 256 colours, of which one may be transparent."""
    side: int = 2**20
    """The largest width and height, in pixels."""
    sizes: tuple[int, ...] = ()
    """The widths that square images may have, where no others may be."""
    icc: int = 0
    """The largest ICC profile."""
    exif: int = 0
    xmp: int = 0
    turns: bool = True
    """Whether viewers heed the orientation in EXIF."""
    comment: int = 0
    texts: bool = False
    """Whether texts under any keyword are kept."""
    resolution: int = 0
    """The largest resolution, in pixels per inch."""
    options: dict[str, Any] = field(default_factory=dict)
    """Arguments of Pillow's save()."""
    plugin: str = ""
    """The module of a plug-in for Pillow that writes the format."""


# fmt: off
_TABLE = (
    # Pillow refuses to read profiles of more than 1 MiB in PNG files.
    Format("PNG", "PNG", (".png",), _MODES, deep=_COLOURS, keys=("L", "P", "RGB"), icc=2**20, exif=ANY, xmp=ANY,
           comment=ANY, texts=True, resolution=2**25,
           options={"compress_level": 4}),  # photographs get 2 % larger than at 6, in two fifths of the time
    Format("JPEG", "JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), ("L", "RGB"), exact=False, side=65500,
           icc=_JPEG_ICC, exif=_JPEG_SEGMENT, xmp=_JPEG_SEGMENT, comment=_JPEG_SEGMENT, resolution=65535,
           options={"quality": 95, "subsampling": 0, "optimize": True}),
    Format("WEBP", "WebP", (".webp",), ("RGB", "RGBA"), side=16383, icc=ANY, exif=ANY, xmp=ANY,
           options={"lossless": True, "exact": True}),
    Format("TIFF", "TIFF", (".tif", ".tiff"), (*_MODES, "PA"), deep=("L", "RGB", "RGBA"), icc=ANY, exif=ANY, xmp=ANY,
           resolution=2**25, options={"compression": "tiff_adobe_deflate"}),
    Format("AVIF", "AVIF", (".avif",), ("RGB", "RGBA"), exact=False, side=32768, icc=ANY, exif=ANY, xmp=ANY,
           options={"quality": 95, "subsampling": "4:4:4"}),
    Format("JXL", "JPEG XL", (".jxl",), _COLOURS, exif=ANY, xmp=ANY, turns=False, options={"lossless": True},
           plugin="pillow_jxl"),
    Format("JPEG2000", "JPEG 2000", (".jp2", ".jpx", ".jpf"), _COLOURS, comment=_JPEG_SEGMENT),
    Format("GIF", "GIF", (".gif",), ("1", "L", "P"), keys=("P",), indexed=True, side=65535, comment=ANY),
    Format("BMP", "BMP", (".bmp",), ("1", "L", "P", "RGB"), resolution=2**24),
    Format("DIB", "DIB", (".dib",), ("1", "L", "P", "RGB"), resolution=2**24),
    Format("ICO", "ICO", (".ico",), ("RGBA",), side=256),  # Windows asks for 32 bits a pixel
    Format("ICNS", "ICNS", (".icns",), ("RGBA",), sizes=(1024,)),  # smaller ones come back enlarged
    Format("PPM", "PPM", (".ppm", ".pgm", ".pbm", ".pnm"), ("1", "L", "RGB"), deep=("L", "RGB")),
    Format("TGA", "TGA", (".tga", ".icb", ".vda", ".vst"), _MODES, side=65535),
    Format("PCX", "PCX", (".pcx",), ("1", "L", "P", "RGB"), side=65535),
    Format("SGI", "SGI", (".sgi", ".rgb", ".rgba", ".bw"), ("L", "RGB", "RGBA"), side=65535),
    Format("QOI", "QOI", (".qoi",), ("RGB", "RGBA")),
    Format("DDS", "DDS", (".dds",), _COLOURS),
)
# fmt: on
FORMATS = {format.name: format for format in _TABLE}
"""All formats that pictures are written in, by Pillow's names."""
_BY_SUFFIX = {suffix: format for format in _TABLE for suffix in format.suffixes}


def format_of(target: Path) -> str:
    """Return Pillow's name of the format that a suffix stands for.

    Raises:
        OutputFailed: If it stands for none that can be written here.
    """
    format = _BY_SUFFIX.get(target.suffix.lower())
    if format is None:
        wrong = f"the suffix {target.suffix!r}" if target.suffix else "a name without a suffix"
        reason = f"{wrong} does not name an image format that can be written"
        raise OutputFailed(reason, "use .png, .jpg or .webp")
    if not _is_installed(format):
        hint = "install pillow-jxl-plugin" if format.plugin else "use .png"
        raise OutputFailed(f"{format.label} cannot be written by the Pillow that is installed", hint)
    return format.name


def _is_installed(format: Format) -> bool:
    """Load Pillow's plug-in for a format, and tell whether there is one."""
    if format.plugin and format.name not in Image.SAVE:
        try:
            importlib.import_module(format.plugin)
        except ImportError:
            return False
    if format.name not in Image.SAVE:
        Image.init()
    return format.name in Image.SAVE
