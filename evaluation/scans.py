"""Lossless codecs on black and white images: `python -m dvcodec.evaluation.scans FILES` prints a line for each.

Complete files of one bit a pixel, checked to give every pixel back: PNG, TIFF with CCITT Group 4, WebP and JPEG XL
(both of which know grey alone and are given it), and this project's own. Images of other modes are left out. The last
column is no file but an estimate of JBIG2's generic coding, for which there is no encoder here.
"""

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from PIL import Image

from .baselines import PillowCodec, jxl_version, pillow_version, register_jxl, written
from .lossless import LosslessCodec, LosslessJxl, LosslessMeasurement, LosslessPng, LosslessWebP, measure_lossless
from .ours import described


def opened(data: bytes) -> Image.Image:
    """The image in a file, black and white again."""
    with Image.open(BytesIO(data)) as image:
        return image.copy() if image.mode == "1" else image.convert("L").point(lambda level: level > 127, "1")


class BilevelPng(LosslessPng):
    """PNG of one bit a pixel."""

    def decode(self, data: bytes) -> Image.Image:
        """The image again."""
        return opened(data)


@dataclass(frozen=True)
class Group4(PillowCodec):
    """TIFF with CCITT Group 4, the fax code that PDF and scanners use."""

    name: ClassVar[str] = "tiff-g4"
    FEATURE: ClassVar[str | None] = "libtiff"

    @property
    def settings(self) -> str:
        """Library, version and options, for the record."""
        return f"{pillow_version()}, libtiff, group4"

    def encode(self, image: Image.Image) -> bytes:
        """A TIFF file."""
        return written(image, "TIFF", compression="group4")

    def decode(self, data: bytes) -> Image.Image:
        """The image again."""
        return opened(data)


class GreyWebP(LosslessWebP):
    """Lossless WebP of black and white as grey."""

    def decode(self, data: bytes) -> Image.Image:
        """The image again."""
        return opened(data)


@dataclass(frozen=True)
class GreyJxl(LosslessJxl):
    """Lossless JPEG XL of black and white as grey, at its slowest effort but one."""

    effort: int = 9

    @property
    def settings(self) -> str:
        """Library, version and options, for the record."""
        return f"{jxl_version()}, grey, lossless, effort {self.effort}"

    def encode(self, image: Image.Image) -> bytes:
        """A JPEG XL file."""
        return super().encode(image.convert("L"))

    def decode(self, data: bytes) -> Image.Image:
        """The image again."""
        register_jxl()
        return opened(data)


@dataclass(frozen=True)
class BilevelDvcodec:
    """dvcodec's lossless mode, the smallest of its methods."""

    device: str = "cpu"
    name: ClassVar[str] = "dvcodec"

    @property
    def settings(self) -> str:
        """Version and device, for the record."""
        return f"{described(None, self.device)}, lossless"

    def missing(self) -> str | None:
        """It always can."""
        return None

    def encode(self, image: Image.Image) -> bytes:
        """A complete .dvq file."""
        from .. import compress

        return compress(image, lossless=True, device=self.device, strip=True)

    def decode(self, data: bytes) -> Image.Image:
        """The image again."""
        from .. import decompress

        return decompress(data, device=self.device)


CODECS: tuple[LosslessCodec, ...] = (BilevelDvcodec(), BilevelPng(), Group4(), GreyWebP(), GreyJxl())


TEMPLATE = tuple((-2, dx) for dx in range(-2, 3)) + tuple((-1, dx) for dx in range(-3, 4))
TEMPLATE += tuple((0, dx) for dx in range(-4, 0))
"""The 16 neighbours of JBIG2's first template, its adaptive pixels where they stand by default."""


def jbig2_estimate(image: Image.Image) -> int:
    """Bytes of a bilevel image by JBIG2's contexts of 16 neighbours, each with a perfectly adaptive coder of its own.

    The Krichevsky-Trofimov estimator's code length, which does not depend on the order; no header is counted.
    """
    pixels = np.asarray(image).astype(np.int64)
    padded = np.pad(pixels, ((2, 0), (4, 4)), constant_values=1)
    height, width = pixels.shape
    contexts = np.zeros_like(pixels)
    for dy, dx in TEMPLATE:
        contexts = contexts << 1 | padded[2 + dy : 2 + dy + height, 4 + dx : 4 + dx + width]
    counts = np.bincount((contexts << 1 | pixels).ravel(), minlength=2 ** (len(TEMPLATE) + 1)).reshape(-1, 2)
    black, white = torch.from_numpy(counts).double().unbind(1)
    log = torch.lgamma(black + 0.5) + torch.lgamma(white + 0.5) - torch.lgamma(black + white + 1)
    return round(float((math.log(math.pi) - log).sum()) / math.log(2) / 8)


def measure(files: Iterable[Path]) -> Iterator[tuple[tuple[LosslessMeasurement, ...], int]]:
    """Every codec that can run here, on every file of mode 1."""
    codecs = [codec for codec in CODECS if codec.missing() is None]
    for path in files:
        with Image.open(path) as image:
            image.load()
        if image.mode == "1":
            yield tuple(measure_lossless(codec, path.name, image) for codec in codecs), jbig2_estimate(image)


def line(found: Sequence[LosslessMeasurement], estimate: int) -> str:
    """One image in words: bytes of each codec, and this project's seconds."""
    first = found[0]
    sizes = "".join(f"{one.size:>11}" for one in found)
    times = f"{first.encode_seconds:8.1f}{first.decode_seconds:8.1f}"
    return f"{first.image[:24]:<25}{first.width:>5} x {first.height:<5}{sizes}{estimate:>11}{times}"


def main(names: Sequence[str]) -> None:
    """Print a table."""
    names_of = "".join(f"{codec.name:>11.10}" for codec in CODECS if codec.missing() is None)
    print(f"{'image':<38}{names_of}    (jbig2)   write s  read s")
    for found, estimate in measure(Path(name) for name in names):
        print(line(found, estimate), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
