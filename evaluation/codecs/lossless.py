"""Lossless codecs: PNG, WebP and JPEG XL through Pillow, and this project's lossless mode."""

from dataclasses import dataclass
from typing import ClassVar

from PIL import Image, features

from .baselines import JxlPluginCodec, PillowCodec, jxl_version, pillow_version, register_jxl, save
from .dvcodec import described
from .interface import LosslessCodec


@dataclass(frozen=True)
class LosslessPng(PillowCodec):
    """PNG with Pillow's `optimize`: the strongest deflate level, and filters chosen for each row."""

    name: ClassVar[str] = "png"
    FEATURE: ClassVar[str | None] = "zlib"

    @property
    def settings(self) -> str:
        """One line for the record: library, version and options."""
        return f"{pillow_version()}, zlib {features.version('zlib')}, optimize"

    def encode(self, image: Image.Image) -> bytes:
        """Encode as PNG."""
        return save(image, "PNG", optimize=True)


@dataclass(frozen=True)
class LosslessWebP(PillowCodec):
    """Lossless WebP with its slowest method and full effort."""

    name: ClassVar[str] = "webp-lossless"
    FEATURE: ClassVar[str | None] = "webp"

    @property
    def settings(self) -> str:
        """One line for the record: library, version and options."""
        return f"{pillow_version()}, libwebp {features.version('webp')}, lossless, method 6, quality 100"

    def encode(self, image: Image.Image) -> bytes:
        """Encode as WebP."""
        return save(image, "WEBP", lossless=True, exact=True, method=6, quality=100)


@dataclass(frozen=True)
class LosslessJxl(JxlPluginCodec):
    """Lossless (modular) JPEG XL; effort 7 is the library's default."""

    effort: int = 7
    name: ClassVar[str] = "jxl-lossless"

    @property
    def settings(self) -> str:
        """One line for the record: library, version and options."""
        return f"{jxl_version()}, lossless, effort {self.effort}"

    def encode(self, image: Image.Image) -> bytes:
        """Encode as JPEG XL."""
        register_jxl()
        return save(image, "JXL", lossless=True, effort=self.effort)


@dataclass(frozen=True)
class LosslessDvcodec:
    """dvcodec's lossless mode, which tries its methods and keeps the smallest result."""

    device: str = "auto"
    name: ClassVar[str] = "dvcodec-lossless"

    @property
    def settings(self) -> str:
        """One line for the record: version, weights and device."""
        return f"{described(None, self.device, perceptual=True)}, lossless"

    def missing(self) -> str | None:
        """Return None: it can always run."""
        return None

    def encode(self, image: Image.Image) -> bytes:
        """Encode as .dvq."""
        from ... import compress

        return compress(image, lossless=True, device=self.device, strip=True)

    def decode(self, data: bytes) -> Image.Image:
        """Decode a .dvq file to an RGB image."""
        from ... import decompress

        return decompress(data, device=self.device).convert("RGB")


def lossless_codecs(device: str) -> tuple[LosslessCodec, ...]:
    """Return the lossless codecs that a report compares, dvcodec first."""
    return LosslessDvcodec(device), LosslessPng(), LosslessWebP(), LosslessJxl()
