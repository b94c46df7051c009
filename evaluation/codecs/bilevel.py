"""Lossless codecs for black-and-white images (Pillow's mode "1").

WebP and JPEG XL have no bilevel mode, so they receive the image in grey.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import ClassVar

from PIL import Image

from ...image_io.opening import opened
from .baselines import PillowCodec, jxl_version, pillow_version, register_jxl, save
from .dvcodec import described
from .interface import LosslessCodec
from .lossless import LosslessJxl, LosslessPng, LosslessWebP


def decode_bilevel(data: bytes) -> Image.Image:
    """Decode a file with Pillow and return it in black and white."""
    with opened(BytesIO(data)) as image:
        return image.copy() if image.mode == "1" else image.convert("L").point(lambda level: level > 127, "1")


class BilevelPng(LosslessPng):
    """PNG with one bit per pixel."""

    def decode(self, data: bytes) -> Image.Image:
        """Decode to black and white."""
        return decode_bilevel(data)


@dataclass(frozen=True)
class Group4(PillowCodec):
    """TIFF with CCITT Group 4, the fax code that PDF files and scanners use."""

    name: ClassVar[str] = "tiff-g4"
    FEATURE: ClassVar[str | None] = "libtiff"

    @property
    def settings(self) -> str:
        """One line for the record: library, version and options."""
        return f"{pillow_version()}, libtiff, group4"

    def encode(self, image: Image.Image) -> bytes:
        """Encode as TIFF."""
        return save(image, "TIFF", compression="group4")

    def decode(self, data: bytes) -> Image.Image:
        """Decode to black and white."""
        return decode_bilevel(data)


class GreyWebP(LosslessWebP):
    """Lossless WebP of the image in grey."""

    def decode(self, data: bytes) -> Image.Image:
        """Decode to black and white."""
        return decode_bilevel(data)


@dataclass(frozen=True)
class GreyJxl(LosslessJxl):
    """Lossless JPEG XL of the image in grey, at its slowest effort but one."""

    effort: int = 9

    @property
    def settings(self) -> str:
        """One line for the record: library, version and options."""
        return f"{jxl_version()}, grey, lossless, effort {self.effort}"

    def encode(self, image: Image.Image) -> bytes:
        """Encode as JPEG XL."""
        return super().encode(image.convert("L"))

    def decode(self, data: bytes) -> Image.Image:
        """Decode to black and white."""
        register_jxl()
        return decode_bilevel(data)


@dataclass(frozen=True)
class BilevelDvcodec:
    """dvcodec's lossless mode, which tries its methods and keeps the smallest result."""

    device: str = "cpu"
    name: ClassVar[str] = "dvcodec"

    @property
    def settings(self) -> str:
        """One line for the record: version and device."""
        return f"{described(None, self.device)}, lossless"

    def missing(self) -> str | None:
        """Return None: it can always run."""
        return None

    def encode(self, image: Image.Image) -> bytes:
        """Encode as .dvq."""
        from ... import compress

        return compress(image, lossless=True, device=self.device, strip=True)

    def decode(self, data: bytes) -> Image.Image:
        """Decode a .dvq file."""
        from ... import decompress

        return decompress(data, device=self.device)


BILEVEL_CODECS: tuple[LosslessCodec, ...] = (BilevelDvcodec(), BilevelPng(), Group4(), GreyWebP(), GreyJxl())
