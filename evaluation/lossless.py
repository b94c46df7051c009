"""Lossless codecs on the same images: complete files, checked to give every sample back.

PNG, WebP and JPEG XL through Pillow, and this project's own.
"""

import importlib.util
import time
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from PIL import Image, features

from ..errors import DvcodecError
from .baselines import PillowCodec, jxl_version, pillow_version, register_jxl, written
from .metrics import bits_per_pixel, mean
from .ours import described


class LosslessCodec(Protocol):
    """A name, a line on its settings, and two inverse operations on RGB images."""

    @property
    def name(self) -> str:
        """Short and without spaces."""

    @property
    def settings(self) -> str:
        """Library, version and options, for the record."""

    def missing(self) -> str | None:
        """Why it cannot run here, or None where it can."""

    def encode(self, image: Image.Image) -> bytes:
        """A complete file."""

    def decode(self, data: bytes) -> Image.Image:
        """The same image again."""


@dataclass(frozen=True)
class LosslessPng(PillowCodec):
    """PNG with Pillow's `optimize`: the strongest deflate, filters chosen by row."""

    name: ClassVar[str] = "png"
    FEATURE: ClassVar[str | None] = "zlib"

    @property
    def settings(self) -> str:
        """Library, version and options, for the record."""
        return f"{pillow_version()}, zlib {features.version('zlib')}, optimize"

    def encode(self, image: Image.Image) -> bytes:
        """A PNG file."""
        return written(image, "PNG", optimize=True)


@dataclass(frozen=True)
class LosslessWebP(PillowCodec):
    """Lossless WebP at its slowest method and full effort."""

    name: ClassVar[str] = "webp-lossless"
    FEATURE: ClassVar[str | None] = "webp"

    @property
    def settings(self) -> str:
        """Library, version and options, for the record."""
        return f"{pillow_version()}, libwebp {features.version('webp')}, lossless, method 6, quality 100"

    def encode(self, image: Image.Image) -> bytes:
        """A WebP file."""
        return written(image, "WEBP", lossless=True, exact=True, method=6, quality=100)


@dataclass(frozen=True)
class LosslessJxl(PillowCodec):
    """Lossless (modular) JPEG XL; effort 7 is the library's default."""

    effort: int = 7
    name: ClassVar[str] = "jxl-lossless"

    @property
    def settings(self) -> str:
        """Library, version and options, for the record."""
        return f"{jxl_version()}, lossless, effort {self.effort}"

    def missing(self) -> str | None:
        """Why JPEG XL cannot run here: Pillow itself does not have it."""
        return None if importlib.util.find_spec("pillow_jxl") else "pip install pillow-jxl-plugin"

    def encode(self, image: Image.Image) -> bytes:
        """A JPEG XL file."""
        register_jxl()
        return written(image, "JXL", lossless=True, effort=self.effort)

    def decode(self, data: bytes) -> Image.Image:
        """The RGB image in a JPEG XL file."""
        register_jxl()
        return super().decode(data)


@dataclass(frozen=True)
class LosslessDvcodec:
    """dvcodec's lossless mode, the smallest of its methods."""

    weights: str | None = None
    device: str = "auto"
    name: ClassVar[str] = "dvcodec-lossless"

    @property
    def settings(self) -> str:
        """Version, weights and device, for the record."""
        return f"{described(self.weights, self.device)}, lossless"

    def missing(self) -> str | None:
        """It always can."""
        return None

    def encode(self, image: Image.Image) -> bytes:
        """A complete .dvq file."""
        from .. import compress

        return compress(image, lossless=True, weights=self.weights, device=self.device, strip=True)

    def decode(self, data: bytes) -> Image.Image:
        """The RGB image in a .dvq file."""
        from .. import decompress

        return decompress(data, device=self.device).convert("RGB")


@dataclass(frozen=True)
class LosslessMeasurement:
    """One image: bytes of the complete file, wall-clock seconds."""

    image: str
    width: int
    height: int
    size: int
    encode_seconds: float
    decode_seconds: float

    @property
    def bpp(self) -> float:
        """Bits per pixel of the complete file; 24 is what raw RGB takes."""
        return bits_per_pixel(self.size, self.width, self.height)

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        times = {"encoding_time": self.encode_seconds, "decoding_time": self.decode_seconds}
        return {"image": self.image, "bytes": self.size, "bpp": self.bpp, **times}


@dataclass(frozen=True)
class LosslessResult:
    """A lossless codec on all images."""

    name: str
    settings: str
    measurements: tuple[LosslessMeasurement, ...]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(m.size for m in self.measurements)

    @property
    def bpp(self) -> float:
        """Mean of the images' bits per pixel."""
        return mean(m.bpp for m in self.measurements)

    @property
    def encode_seconds(self) -> float:
        """Mean seconds to encode an image."""
        return mean(m.encode_seconds for m in self.measurements)

    @property
    def decode_seconds(self) -> float:
        """Mean seconds to decode an image."""
        return mean(m.decode_seconds for m in self.measurements)

    def to_json(self) -> dict[str, object]:
        """Plain values, the single images among them."""
        return {
            "name": self.name,
            "description": self.settings,
            "bytes": self.size,
            "results": {"bpp": self.bpp},
            "images": [m.to_json() for m in self.measurements],
        }


def lossless_codecs(weights: str | None, device: str) -> tuple[LosslessCodec, ...]:
    """The lossless codecs that a report compares, ours first."""
    return LosslessDvcodec(weights, device), LosslessPng(), LosslessWebP(), LosslessJxl()


def measure_lossless(codec: LosslessCodec, name: str, image: Image.Image) -> LosslessMeasurement:
    """Code one image and decode it again. DvcodecError if a single sample differs."""
    started = time.perf_counter()
    data = codec.encode(image)
    encoded = time.perf_counter()
    decoded = codec.decode(data)
    times = encoded - started, time.perf_counter() - encoded
    if not np.array_equal(np.asarray(image), np.asarray(decoded)):
        raise DvcodecError("the decoded image is not the original")
    return LosslessMeasurement(name, image.width, image.height, len(data), *times)
