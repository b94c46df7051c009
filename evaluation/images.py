"""Image files as input of measurements: which files of a folder are images, and their 8-bit RGB pixels.

Files are read through the codec's own reader, which bounds their size and refuses what 8-bit RGB cannot show without
loss (16 bits, CMYK, animations). A file that cannot be read becomes a reason, never a crash.
"""

import hashlib
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import DvcodecError
from ..image_io import images
from ..image_io.suffixes import is_image


@dataclass(frozen=True)
class SourceImage:
    """An image to be measured: its file, its size in pixels, and the SHA-256 of its RGB samples."""

    name: str
    """The file's name in printable characters, unique within a survey."""
    path: Path
    width: int
    height: int
    sha256: str


@dataclass(frozen=True)
class Skipped:
    """An image, codec or metric that was left out, and why."""

    name: str
    reason: str


def image_files(folder: Path) -> tuple[Path, ...]:
    """Return the files of `folder` (not of its subfolders) with an image's suffix, in order of name."""
    return tuple(sorted(filter(is_image, folder.iterdir())))


def spread(total: int, count: int) -> list[int]:
    """Return the indices of `count` of `total` images, evenly spread from the first on; of all where there are fewer.

    Data sets may be sorted, as the digits of static MNIST are, so that the first images would stand for one kind.
    """
    count = min(total, count)
    return [index * total // count for index in range(count)]


def load_rgb(path: Path) -> Image.Image:
    """Read a file's 8-bit RGB pixels without any metadata, so that metadata counts for no codec.

    Grey images become RGB, an alpha channel is dropped, and the EXIF orientation is not applied.

    Raises:
        UnsupportedImage: the file is not an image that 8-bit RGB can show.
    """
    pixels = images.read(path).pixels
    return Image.fromarray(np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels)


def survey(files: Iterable[Path]) -> tuple[tuple[SourceImage, ...], tuple[Skipped, ...]]:
    """Read every file once and return the images that can be measured and those that cannot, with reasons."""
    sources: list[SourceImage] = []
    skipped: list[Skipped] = []
    for path in files:
        try:
            image = load_rgb(path)
        except (DvcodecError, MemoryError) as error:
            skipped.append(Skipped(printable(path.name), printable(str(error) or "out of memory")))
        else:
            digest = hashlib.sha256(f"{image.width}x{image.height}:".encode() + image.tobytes()).hexdigest()
            name = _unique(printable(path.name), {source.name for source in sources})
            sources.append(SourceImage(name, path, image.width, image.height, digest))
    return tuple(sources), tuple(skipped)


def printable(text: str) -> str:
    """Replace control characters and undecodable bytes, so that the text can stand in any file or page."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _unique(name: str, taken: set[str]) -> str:
    """Return the name, with a number added where another file already has it."""
    numbered = (f"{name} ({number})" for number in itertools.count(2))
    return name if name not in taken else next(other for other in numbered if other not in taken)
