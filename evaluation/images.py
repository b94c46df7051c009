"""Image files in: which files of a folder are images, and their bare 8-bit RGB pixels.

Images come from anywhere, so each is read through image_io/images.py, which bounds its size and refuses what cannot be
shown in 8-bit RGB without loss (16 bits, CMYK, animations). Whatever is wrong with one becomes a reason, never a crash.
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

SUFFIXES = frozenset({".avif", ".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})


@dataclass(frozen=True)
class Source:
    """An image that can be measured: where it is, its size in pixels, and the SHA-256 of its RGB samples."""

    name: str
    """The file's name with what cannot be shown replaced; no two images of a survey share one."""
    path: Path
    width: int
    height: int
    sha256: str


@dataclass(frozen=True)
class Skipped:
    """An image (or a codec) that was left out, and why."""

    name: str
    reason: str


def image_files(folder: Path) -> tuple[Path, ...]:
    """The images of `folder` (not of folders below it) by suffix, in order of name."""
    return tuple(sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()))


def load_rgb(path: Path) -> Image.Image:
    """The 8-bit RGB pixels of a file and nothing else, so that no metadata counts in anybody's bytes.

    Grey becomes RGB, an alpha channel is left out, the EXIF orientation stays unapplied. UnsupportedImage for the rest.
    """
    pixels = images.read(path).pixels
    return Image.fromarray(np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels)


def survey(files: Iterable[Path]) -> tuple[tuple[Source, ...], tuple[Skipped, ...]]:
    """Read every file once: those that can be measured, and those that cannot, with the reason."""
    sources: list[Source] = []
    skipped: list[Skipped] = []
    for path in files:
        try:
            image = load_rgb(path)
        except (DvcodecError, MemoryError) as error:
            skipped.append(Skipped(printable(path.name), printable(str(error) or "out of memory")))
        else:
            digest = hashlib.sha256(f"{image.width}x{image.height}:".encode() + image.tobytes()).hexdigest()
            name = _unique(printable(path.name), {source.name for source in sources})
            sources.append(Source(name, path, image.width, image.height, digest))
    return tuple(sources), tuple(skipped)


def printable(text: str) -> str:
    """The text with control characters and undecodable bytes replaced, so that it can stand in any file or page."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _unique(name: str, taken: set[str]) -> str:
    """The name, or the name with a number where another file shows the same one."""
    numbered = (f"{name} ({number})" for number in itertools.count(2))
    return name if name not in taken else next(other for other in numbered if other not in taken)
