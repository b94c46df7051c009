"""Write pictures as image files."""

import io
from dataclasses import replace
from pathlib import Path

from PIL import Image

from ..errors import OutputFailed
from . import metadata
from .images import Picture, coded_mode, one_line, to_image
from .metadata import NO_METADATA

_HOLDS_ALPHA = frozenset({"PNG", "WEBP", "TIFF", "AVIF", "JPEG2000", "TGA", "JXL", "DVQ"})
_HOLDS_MODES: dict[str, tuple[str, ...]] = {
    "PNG": ("1", "P"),
    "TIFF": ("1", "P"),
    "BMP": ("1", "P"),
    "GIF": ("1", "P"),
    "PPM": ("1",),
}
_HOLDS_KEY = ("PNG", "GIF")  # a transparent colour or index
_SAVE_OPTIONS: dict[str, dict[str, object]] = {
    "JPEG": {"quality": 95, "subsampling": 0, "optimize": True},
    "WEBP": {"lossless": True, "exact": True},
    "AVIF": {"quality": 95, "subsampling": "4:4:4"},
    "JXL": {"lossless": True},
    "TIFF": {"compression": "tiff_adobe_deflate"},
}


def format_of(target: Path) -> str:
    """Return Pillow's name of the format that a suffix stands for; raise OutputFailed if nothing writes it."""
    format = Image.registered_extensions().get(target.suffix.lower(), "")
    if format == "DVQ" or format not in Image.SAVE:
        raise OutputFailed(f"the suffix {target.suffix!r} does not name an image format", "use .png, .jpg or .webp")
    return format


def write(picture: Picture, format: str) -> tuple[bytes, tuple[str, ...]]:
    """Return the bytes of an image file.

    PNG, WebP, TIFF, BMP and PPM keep the pixels exactly; JPEG and AVIF are written at quality 95, 4:4:4.

    Args:
        picture: The picture.
        format: Pillow's name of the format.

    Returns:
        The bytes, and the names of the metadata ("ICC", "EXIF", "XMP") that the format cannot hold.

    Raises:
        OutputFailed: If the format cannot hold the picture.
    """
    image = _writable(to_image(replace(picture, metadata=NO_METADATA)), format)
    if image.has_transparency_data and format not in (*_HOLDS_ALPHA, *_HOLDS_KEY):
        raise OutputFailed(f"{format} cannot hold the alpha channel", "use .png or .webp")
    arguments, dropped = metadata.save_arguments(picture.metadata, format)
    file = io.BytesIO()
    try:
        image.save(file, format, **{**_SAVE_OPTIONS.get(format, {}), **arguments})
    except MemoryError:
        raise
    except Exception as error:  # Pillow's writers raise many kinds: sides too long, modes they lack
        raise OutputFailed(f"cannot write {format}: {one_line(error)}", "use .png") from error
    return file.getvalue(), dropped


def _writable(image: Image.Image, format: str) -> Image.Image:
    """Return the image in a mode that the format holds: its own, or one with the same colours."""
    kept = _HOLDS_MODES.get(format, ())
    keyed = "transparency" in image.info and format not in _HOLDS_KEY
    if (image.mode in ("1", "P", "PA") and image.mode not in kept) or keyed:
        return image.convert(coded_mode(image))
    return image
