"""Convert CMYK and Lab images to sRGB by their profiles."""

import io
from typing import Any

from PIL import Image

from . import colour

NAMES = {"CMYK": "CMYK", "LAB": "Lab"}
"""Modes that are converted by a profile, and their names."""


def profile_of(image: Image.Image) -> Any:
    """Return the opened profile of an image of such a mode, or None if it has none that fits; Lab needs none."""
    from PIL import ImageCms

    if image.mode == "LAB":
        return ImageCms.createProfile("LAB")
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info.get("icc_profile") or b""))
    except (OSError, TypeError):
        return None
    return profile if profile.profile.xcolor_space.strip() == image.mode else None


def to_srgb(image: Image.Image) -> Image.Image:
    """Convert a loaded image to sRGB by its profile, or by Pillow's formula where there is none that fits."""
    from PIL import ImageCms

    made, profile = None, profile_of(image)
    if profile is not None:
        intent, flags = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
        made = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), intent, "RGB", flags=flags)
    made = image.convert("RGB") if made is None else made
    made.info = {**image.info, "icc_profile": colour.srgb()}
    return made
