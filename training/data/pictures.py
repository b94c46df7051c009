"""Image files as arrays, and the guard that keeps images for evaluation out of training."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from ...errors import DvcodecError
from ...image_io.pillow_limit import photographs_allowed
from ...image_io.suffixes import is_image
from .readers import Bytes, reading

LARGEST = 1 << 28
"""Pixels of an image that is read."""


def read_folder(root: Path, channels: int) -> Iterator[Bytes]:
    """Every image below a folder, in the order of its name, as (H, W, channels) bytes."""
    paths = sorted(filter(is_image, root.rglob("*")))
    with ThreadPoolExecutor(4) as pool:
        yield from pool.map(lambda path: read_image(path, channels), paths)


def read_image(path: Path, channels: int) -> Bytes:
    """An image file as (H, W, channels) bytes; DvcodecError if it is none or too large."""
    with reading(path), _opened(path) as image:
        if image.width * image.height > LARGEST:
            raise DvcodecError(f"{image.width}x{image.height} pixels are too many")
        pixels = np.array(image.convert("L" if channels == 1 else "RGB"), np.uint8)
        return pixels.reshape(image.height, image.width, channels)


def _opened(path: Path) -> Image.Image:
    with photographs_allowed():
        return Image.open(path)


def pixel_hash(image: Bytes) -> bytes:
    """What two images share only if all their pixels are equal."""
    return hashlib.sha256(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes()).digest()


def without(images: list[Bytes], excluded: Path | None) -> list[Bytes]:
    """The images of which none of the pictures below a folder has the same pixels. DvcodecError: no pictures there."""
    return [image for image, new in zip(images, unlike(images, excluded), strict=True) if new]


def unlike(images: list[Bytes], excluded: Path | None) -> list[bool]:
    """Tell of each image whether `without` keeps it."""
    if excluded is None or not images:
        return [True] * len(images)
    refused = {pixel_hash(image) for image in read_folder(excluded, images[0].shape[2])}
    if not refused:
        raise DvcodecError(f"no image below {excluded} to exclude", "give a folder of images")
    return [pixel_hash(image) not in refused for image in images]
