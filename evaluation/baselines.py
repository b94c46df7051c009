"""Other people's codecs, in memory, through the libraries that Python users have: Pillow and pillow-jxl-plugin.

Each is a small frozen dataclass with the two inverse operations `encode(image, quality) -> bytes` (a complete file)
and `decode(data) -> image`, both on RGB images. `quality` is the codec's own scale: 1-100 everywhere but in JPEG
2000, which has none and is asked for a rate in bits per pixel. `qualities` are the points of its rate-distortion curve,
settings are each library's default unless a field says otherwise, and no metadata goes into any file.
"""

import importlib
import importlib.metadata
import importlib.util
from dataclasses import dataclass
from io import BytesIO
from typing import ClassVar, NamedTuple

from PIL import Image, features


class Scale(NamedTuple):
    """The qualities that a codec takes, for searches: from `low` to `high`, told apart in steps of `step`."""

    low: float
    high: float
    step: float


class PillowCodec:
    """What codecs behind Pillow share: whether they are there, and reading back."""

    FEATURE: ClassVar[str | None] = None

    def missing(self) -> str | None:
        """Why this codec cannot run here, or None where it can."""
        if self.FEATURE is None or features.check(self.FEATURE):
            return None
        return f"this build of Pillow has no {self.FEATURE}"

    def decode(self, data: bytes) -> Image.Image:
        """The RGB image in a file that the codec wrote."""
        with Image.open(BytesIO(data)) as image:
            return image.convert("RGB")


@dataclass(frozen=True)
class Jpeg(PillowCodec):
    """Baseline JPEG with optimised Huffman tables; "4:2:0" is what Pillow writes by default."""

    subsampling: str = "4:2:0"
    qualities: tuple[float, ...] = (5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95)
    scale: ClassVar[Scale] = Scale(1, 95, 1)
    FEATURE: ClassVar[str | None] = "jpg"

    @property
    def name(self) -> str:
        """jpeg, or jpeg-444 and so on for another subsampling."""
        return "jpeg" if self.subsampling == "4:2:0" else "jpeg-" + self.subsampling.replace(":", "")

    @property
    def settings(self) -> str:
        """Library, version and options, for the record."""
        library = "libjpeg-turbo" if features.check("libjpeg_turbo") else "libjpeg"
        return f"{pillow_version()}, {library}, optimize, {self.subsampling}"

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """A JPEG file; quality 1-95."""
        return written(image, "JPEG", quality=round(quality), optimize=True, subsampling=self.subsampling)


@dataclass(frozen=True)
class WebP(PillowCodec):
    """Lossy WebP (always 4:2:0) at its slowest method."""

    method: int = 6
    qualities: tuple[float, ...] = (5, 20, 40, 60, 80, 90)
    name: ClassVar[str] = "webp"
    scale: ClassVar[Scale] = Scale(0, 100, 1)
    FEATURE: ClassVar[str | None] = "webp"

    @property
    def settings(self) -> str:
        """Library, version and options, for the record."""
        return f"{pillow_version()}, libwebp {features.version('webp')}, method {self.method}"

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """A WebP file; quality 0-100."""
        return written(image, "WEBP", quality=round(quality), method=self.method)


@dataclass(frozen=True)
class Avif(PillowCodec):
    """AVIF (AV1 intra): speed 6 and 4:2:0 are Pillow's defaults; speed 0 is the slowest."""

    speed: int = 6
    subsampling: str = "4:2:0"
    qualities: tuple[float, ...] = (20, 35, 50, 65, 80)
    name: ClassVar[str] = "avif"
    scale: ClassVar[Scale] = Scale(0, 100, 1)
    FEATURE: ClassVar[str | None] = "avif"

    @property
    def settings(self) -> str:
        """Library, version and options, for the record."""
        return f"{pillow_version()}, libavif {features.version('avif')}, speed {self.speed}, {self.subsampling}"

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """An AVIF file; quality 0-100."""
        return written(image, "AVIF", quality=round(quality), speed=self.speed, subsampling=self.subsampling)


@dataclass(frozen=True)
class JpegXl(PillowCodec):
    """Lossy JPEG XL; effort 7 is the library's default. It aims at the eye (Butteraugli), not at PSNR."""

    effort: int = 7
    qualities: tuple[float, ...] = (20, 40, 60, 80, 90)
    name: ClassVar[str] = "jxl"
    scale: ClassVar[Scale] = Scale(1, 99, 1)

    @property
    def settings(self) -> str:
        """Library, version and options, for the record."""
        return f"{jxl_version()}, effort {self.effort}"

    def missing(self) -> str | None:
        """Why JPEG XL cannot run here: Pillow itself does not have it."""
        return None if importlib.util.find_spec("pillow_jxl") else "pip install pillow-jxl-plugin"

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """A JPEG XL file; quality 1-99."""
        register_jxl()
        return written(image, "JXL", quality=round(quality), effort=self.effort)

    def decode(self, data: bytes) -> Image.Image:
        """The RGB image in a JPEG XL file."""
        register_jxl()
        return super().decode(data)


@dataclass(frozen=True)
class Jpeg2000(PillowCodec):
    """JPEG 2000 with the irreversible 9/7 wavelet; `quality` is the rate to aim at, in bits per pixel.

    The colour transform is asked for (`mct`): Pillow leaves it out, and without it a photograph needs twice the bits.
    """

    qualities: tuple[float, ...] = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0)
    name: ClassVar[str] = "jp2"
    scale: ClassVar[Scale] = Scale(0.01, 24, 0.01)
    FEATURE: ClassVar[str | None] = "jpg_2000"

    @property
    def settings(self) -> str:
        """Library, version and options, for the record."""
        library = f"OpenJPEG {features.version('jpg_2000')}"
        return f"{pillow_version()}, {library}, 9/7 wavelet, colour transform, rate-controlled"

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """A JP2 file of about `quality` bits per pixel (of the 24 that RGB has)."""
        ratio = 24 / quality
        return written(image, "JPEG2000", irreversible=True, mct=1, quality_mode="rates", quality_layers=[ratio])


Baseline = Jpeg | WebP | Avif | JpegXl | Jpeg2000

BASELINES: tuple[Baseline, ...] = (Jpeg(), Jpeg("4:4:4"), WebP(), Avif(), JpegXl(), Jpeg2000())


def baseline(name: str) -> Baseline:
    """The codec called `name` (jpeg, jpeg-444, webp, avif, jxl, jp2), with the settings that reports use."""
    for codec in BASELINES:
        if codec.name == name:
            return codec
    raise ValueError(f"no codec named {name!r} (there are: {', '.join(codec.name for codec in BASELINES)})")


def written(image: Image.Image, file_format: str, **options: object) -> bytes:
    """The image as the bytes of a file, by Pillow's writer of that format."""
    stream = BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def register_jxl() -> None:
    """Let Pillow know JPEG XL."""
    importlib.import_module("pillow_jxl")  # registers itself with Pillow


def pillow_version() -> str:
    """Pillow with its version."""
    return f"Pillow {importlib.metadata.version('pillow')}"


def jxl_version() -> str:
    """The JPEG XL plug-in with its version."""
    return f"pillow-jxl-plugin {importlib.metadata.version('pillow-jxl-plugin')}"
