"""Lossless codecs on black and white images: `python -m dvcodec.evaluation.scans FILES` prints a line for each.

Complete files of one bit a pixel, checked to give every pixel back: PNG, TIFF with CCITT Group 4, WebP and JPEG XL
(both of which know grey alone and are given it), and this project's own. Images of other modes are left out.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import ClassVar

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


def measure(files: Iterable[Path]) -> Iterator[tuple[LosslessMeasurement, ...]]:
    """Every codec that can run here, on every file of mode 1."""
    codecs = [codec for codec in CODECS if codec.missing() is None]
    for path in files:
        with Image.open(path) as image:
            image.load()
        if image.mode == "1":
            yield tuple(measure_lossless(codec, path.name, image) for codec in codecs)


def line(found: Sequence[LosslessMeasurement]) -> str:
    """One image in words: bytes of each codec, and this project's seconds."""
    first = found[0]
    sizes = "".join(f"{one.size:>11}" for one in found)
    times = f"{first.encode_seconds:8.1f}{first.decode_seconds:8.1f}"
    return f"{first.image[:24]:<25}{first.width:>5} x {first.height:<5}{sizes}{times}"


def main(names: Sequence[str]) -> None:
    """Print a table."""
    names_of = "".join(f"{codec.name:>11.10}" for codec in CODECS if codec.missing() is None)
    print(f"{'image':<38}{names_of}   write s  read s")
    for found in measure(Path(name) for name in names):
        print(line(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
