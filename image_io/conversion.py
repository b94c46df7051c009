"""Turn loaded images into 8 bits of grey or RGB where that was asked for, and put a transparent level right."""

from typing import Any

import numpy as np
from PIL import Image

from . import inks
from .acceptance import Source
from .depth import Depth


def prepared(image: Image.Image, source: Source) -> Image.Image:
    """Return a loaded image in a mode of 8 bits: the image itself, or a copy that differs.

    Args:
        image: The image, which is not changed.
        source: What was known of it before it was loaded.
    """
    if image.mode in inks.NAMES:
        return inks.to_srgb(image)
    if image.mode == "I" or image.mode.startswith("I;"):
        return _grey_of_8_bits(image, source.depth)
    key = image.info.get("transparency")
    if isinstance(key, tuple) and not source.depth.fits:
        return _with_key(image, tuple(value >> 8 for value in key))
    if isinstance(key, int) and source.grey_bits < 8:
        return _with_key(image, key * 255 // (2**source.grey_bits - 1))
    return image


def _with_key(image: Image.Image, key: Any) -> Image.Image:
    copy = image.copy()
    copy.info["transparency"] = key
    return copy


def _grey_of_8_bits(image: Image.Image, depth: Depth) -> Image.Image:
    """Round the levels of a deep grey image to 8 bits; a transparent level becomes an alpha channel."""
    levels = np.asarray(image).astype(np.int64)
    key, most = image.info.get("transparency"), _white(image, depth)
    grey = ((levels & 0xFFFFFFFF) * 255 + most // 2) // most
    rounded = np.minimum(grey, 255).astype(np.uint8)
    if isinstance(key, int):
        rounded = np.dstack([rounded, np.where(levels == key, 0, 255).astype(np.uint8)])
    made = Image.fromarray(rounded)
    made.info = {name: value for name, value in image.info.items() if name != "transparency"}
    return made


def _white(image: Image.Image, depth: Depth) -> int:
    """Return the level of white: Pillow's readers scale to 16 bits, but for those that leave TIFF as it is."""
    return int(2**depth.bits - 1) if image.format == "TIFF" else 2**16 - 1
