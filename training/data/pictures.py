"""Read image files as arrays, and keep images for evaluation out of training."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from ...errors import DvcodecError
from ...image_io import images
from ...image_io.suffixes import is_image
from .readers import Bytes, reading


def read_folder(root: Path, channels: int) -> Iterator[Bytes]:
    """Yield every image below a folder, in the order of `image_paths`, as (H, W, channels) bytes."""
    with ThreadPoolExecutor(4) as pool:
        yield from pool.map(lambda path: read_image(path, channels), image_paths(root))


def image_paths(root: Path) -> list[Path]:
    """Return the image files below a folder, sorted by their paths."""
    return sorted(filter(is_image, root.rglob("*")))


def read_image(path: Path, channels: int) -> Bytes:
    """Read an image file.

    Args:
        path: the file.
        channels: 1 for grey levels, 3 for RGB.

    Returns:
        Levels 0 to 255, (H, W, channels).

    Raises:
        DvcodecError: it is not an image, too large, or one that `compress` refuses, such as one of 16 bits.
    """
    with reading(path):
        pixels = images.read(path).pixels
        height, width = pixels.shape[:2]
        if pixels.size != height * width * channels:
            pixels = np.asarray(Image.fromarray(pixels).convert("L" if channels == 1 else "RGB"))
        return np.array(pixels).reshape(height, width, channels)


def pixel_hash(image: Bytes) -> bytes:
    """Return a hash that two images share only if all their pixels are equal."""
    return hashlib.sha256(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes()).digest()


def without(images: list[Bytes], excluded: Path | None) -> list[Bytes]:
    """Return the images whose pixels differ from every image below a folder. DvcodecError if that holds no image."""
    return [image for image, new in zip(images, unlike(images, excluded), strict=True) if new]


def unlike(images: list[Bytes], excluded: Path | None) -> list[bool]:
    """Return for each image whether its pixels differ from every image below a folder."""
    if excluded is None or not images:
        return [True] * len(images)
    refused = {pixel_hash(image) for image in read_folder(excluded, images[0].shape[2])}
    if not refused:
        raise DvcodecError(f"no image below {excluded} to exclude", "give a folder of images")
    return [pixel_hash(image) not in refused for image in images]
