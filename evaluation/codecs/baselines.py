"""Established lossy codecs, run in memory through Pillow and pillow-jxl-plugin.

`quality` is each codec's own scale: 1 to 100 for all but JPEG 2000, which has no quality setting and takes a target
rate in bits per pixel instead. Every option is the library's default unless a field says otherwise. No metadata is
written.
"""

import importlib
import importlib.metadata
import importlib.util
from dataclasses import dataclass
from io import BytesIO
from typing import ClassVar

from PIL import Image, features

from ...image_io.opening import opened
from .interface import QualityScale


class PillowCodec:
    """Base class of codecs that Pillow implements: availability, and decoding to RGB."""

    FEATURE: ClassVar[str | None] = None
    """Name of the Pillow feature that the codec needs; None if Pillow always has it."""

    def missing(self) -> str | None:
        """Return why the codec cannot run here, or None if it can."""
        if self.FEATURE is None or features.check(self.FEATURE):
            return None
        return f"this build of Pillow has no {self.FEATURE}"

    def decode(self, data: bytes) -> Image.Image:
        """Decode a file to an RGB image."""
        with opened(BytesIO(data)) as image:
            return image.convert("RGB")


class JxlPluginCodec(PillowCodec):
    """Base class of codecs that pillow-jxl-plugin implements."""

    def missing(self) -> str | None:
        """Return why JPEG XL cannot run here, or None if it can."""
        return None if importlib.util.find_spec("pillow_jxl") else "pip install pillow-jxl-plugin"

    def decode(self, data: bytes) -> Image.Image:
        """Decode a JPEG XL file to an RGB image."""
        register_jxl()
        return super().decode(data)


@dataclass(frozen=True)
class Jpeg(PillowCodec):
    """Baseline JPEG with optimised Huffman tables. Chroma subsampling 4:2:0 is Pillow's default."""

    subsampling: str = "4:2:0"
    qualities: tuple[float, ...] = (5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95)
    scale: ClassVar[QualityScale] = QualityScale(1, 95, 1)
    FEATURE: ClassVar[str | None] = "jpg"

    @property
    def name(self) -> str:
        """`jpeg` for 4:2:0, otherwise with the subsampling: `jpeg-444`."""
        return "jpeg" if self.subsampling == "4:2:0" else "jpeg-" + self.subsampling.replace(":", "")

    @property
    def settings(self) -> str:
        """One line for the record: library, version and options."""
        library = "libjpeg-turbo" if features.check("libjpeg_turbo") else "libjpeg"
        return f"{pillow_version()}, {library}, optimize, {self.subsampling}"

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """Encode as JPEG with a quality from 1 to 95."""
        return save(image, "JPEG", quality=round(quality), optimize=True, subsampling=self.subsampling)


@dataclass(frozen=True)
class WebP(PillowCodec):
    """Lossy WebP (always 4:2:0) with its slowest method."""

    method: int = 6
    qualities: tuple[float, ...] = (5, 20, 40, 60, 80, 90)
    name: ClassVar[str] = "webp"
    scale: ClassVar[QualityScale] = QualityScale(0, 100, 1)
    FEATURE: ClassVar[str | None] = "webp"

    @property
    def settings(self) -> str:
        """One line for the record: library, version and options."""
        return f"{pillow_version()}, libwebp {features.version('webp')}, method {self.method}"

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """Encode as WebP with a quality from 0 to 100."""
        return save(image, "WEBP", quality=round(quality), method=self.method)


@dataclass(frozen=True)
class Avif(PillowCodec):
    """AVIF, which codes still images with AV1. Speed 6 and 4:2:0 are Pillow's defaults; speed 0 is the slowest."""

    speed: int = 6
    subsampling: str = "4:2:0"
    qualities: tuple[float, ...] = (20, 35, 50, 65, 80)
    name: ClassVar[str] = "avif"
    scale: ClassVar[QualityScale] = QualityScale(0, 100, 1)
    FEATURE: ClassVar[str | None] = "avif"

    @property
    def settings(self) -> str:
        """One line for the record: library, version and options."""
        return f"{pillow_version()}, libavif {features.version('avif')}, speed {self.speed}, {self.subsampling}"

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """Encode as AVIF with a quality from 0 to 100."""
        return save(image, "AVIF", quality=round(quality), speed=self.speed, subsampling=self.subsampling)


@dataclass(frozen=True)
class JpegXl(JxlPluginCodec):
    """Lossy JPEG XL. Effort 7 is the library's default. It optimises a perceptual score (Butteraugli), not PSNR."""

    effort: int = 7
    qualities: tuple[float, ...] = (20, 40, 60, 80, 90)
    name: ClassVar[str] = "jxl"
    scale: ClassVar[QualityScale] = QualityScale(1, 99, 1)

    @property
    def settings(self) -> str:
        """One line for the record: library, version and options."""
        return f"{jxl_version()}, effort {self.effort}"

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """Encode as JPEG XL with a quality from 1 to 99."""
        register_jxl()
        return save(image, "JXL", quality=round(quality), effort=self.effort)


@dataclass(frozen=True)
class Jpeg2000(PillowCodec):
    """JPEG 2000 with the irreversible 9/7 wavelet; `quality` is the target rate in bits per pixel.

    The colour transform has to be requested (`mct`): Pillow leaves it out by default, and without it a photograph needs
    twice the bits.
    """

    qualities: tuple[float, ...] = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0)
    name: ClassVar[str] = "jp2"
    scale: ClassVar[QualityScale] = QualityScale(0.01, 24, 0.01)
    FEATURE: ClassVar[str | None] = "jpg_2000"

    @property
    def settings(self) -> str:
        """One line for the record: library, version and options."""
        library = f"OpenJPEG {features.version('jpg_2000')}"
        return f"{pillow_version()}, {library}, 9/7 wavelet, colour transform, rate-controlled"

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """Encode as JP2 with about `quality` bits per pixel (raw RGB has 24)."""
        ratio = 24 / quality
        return save(image, "JPEG2000", irreversible=True, mct=1, quality_mode="rates", quality_layers=[ratio])


Baseline = Jpeg | WebP | Avif | JpegXl | Jpeg2000

BASELINES: tuple[Baseline, ...] = (Jpeg(), Jpeg("4:4:4"), WebP(), Avif(), JpegXl(), Jpeg2000())


def baseline(name: str) -> Baseline:
    """Return the codec called `name` (jpeg, jpeg-444, webp, avif, jxl, jp2) with the settings that reports use.

    Raises:
        ValueError: there is no codec of that name.
    """
    for codec in BASELINES:
        if codec.name == name:
            return codec
    raise ValueError(f"no codec named {name!r} (there are: {', '.join(codec.name for codec in BASELINES)})")


def save(image: Image.Image, file_format: str, **options: object) -> bytes:
    """Encode an image in memory with one of Pillow's writers."""
    stream = BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def register_jxl() -> None:
    """Make Pillow able to read and write JPEG XL."""
    importlib.import_module("pillow_jxl")  # registers itself with Pillow


def pillow_version() -> str:
    """Return "Pillow" and its version."""
    return f"Pillow {importlib.metadata.version('pillow')}"


def jxl_version() -> str:
    """Return the name and version of the JPEG XL plug-in."""
    return f"pillow-jxl-plugin {importlib.metadata.version('pillow-jxl-plugin')}"
