"""Codec + images -> rate-distortion measurements: real bytes of complete files, pixels as really decoded.

    image --encode(quality)--> bytes --decode--> image'     rate from len(bytes), PSNR from image against image'

JSON comes in CompressAI's layout, {"name", "description", "results": {"bpp": [...], "psnr-rgb": [...]}}, so that other
people's tools plot it, with the values of every single image beside it.
"""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from .bdrate import Curve
from .metrics import bits_per_pixel, mean, psnr

SUFFIXES = frozenset({".avif", ".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})


class ImageCodec(Protocol):
    """What can be measured: a name, a line on its settings, and two inverse operations on RGB images."""

    @property
    def name(self) -> str:
        """Short and without spaces."""

    @property
    def settings(self) -> str:
        """Library, version and options, for the record."""

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """A complete file."""

    def decode(self, data: bytes) -> Image.Image:
        """The RGB image in it."""


@dataclass(frozen=True)
class Measurement:
    """One image at one quality: file size in bytes, PSNR in dB, wall-clock seconds."""

    image: str
    width: int
    height: int
    quality: float
    size: int
    psnr: float
    encode_seconds: float
    decode_seconds: float

    @property
    def bpp(self) -> float:
        """Bits per pixel of the complete file."""
        return bits_per_pixel(self.size, self.width, self.height)

    def to_json(self) -> dict[str, object]:
        """Plain values; the PSNR of an exact copy is null, since JSON has no infinity."""
        return {
            "image": self.image,
            "quality": self.quality,
            "bytes": self.size,
            "bpp": self.bpp,
            "psnr-rgb": _finite(self.psnr),
            "encoding_time": self.encode_seconds,
            "decoding_time": self.decode_seconds,
        }


@dataclass(frozen=True)
class Mean:
    """One quality over all images: mean bits per pixel, mean of the images' PSNR (dB), mean seconds."""

    quality: float
    bpp: float
    psnr: float
    encode_seconds: float
    decode_seconds: float


@dataclass(frozen=True)
class RateDistortion:
    """Everything measured of one codec on one set of images."""

    name: str
    settings: str
    measurements: tuple[Measurement, ...]

    @property
    def means(self) -> tuple[Mean, ...]:
        """One point per quality, in rising order of quality."""
        return tuple(
            _mean_of(quality, [m for m in self.measurements if m.quality == quality])
            for quality in sorted({m.quality for m in self.measurements})
        )

    @property
    def curve(self) -> Curve:
        """The means as a curve; needs two qualities with different finite PSNR."""
        return Curve.through(self.name, ((point.bpp, point.psnr) for point in self.means))

    def to_json(self) -> dict[str, object]:
        """CompressAI's layout, with the qualities and the single images beside it."""
        means = self.means
        return {
            "name": self.name,
            "description": self.settings,
            "qualities": [point.quality for point in means],
            "results": {
                "bpp": [point.bpp for point in means],
                "psnr-rgb": [_finite(point.psnr) for point in means],
                "encoding_time": [point.encode_seconds for point in means],
                "decoding_time": [point.decode_seconds for point in means],
            },
            "images": [measurement.to_json() for measurement in self.measurements],
        }


def image_files(folder: Path) -> tuple[Path, ...]:
    """The images of `folder` (not of folders below it) by suffix, in order of name."""
    return tuple(sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()))


def load_rgb(path: Path) -> Image.Image:
    """The 8-bit RGB pixels of a file and nothing else, so that no metadata counts in anybody's bytes."""
    with Image.open(path) as image:
        return Image.fromarray(np.asarray(image.convert("RGB")))


def measure(
    codec: ImageCodec,
    files: Iterable[Path],
    qualities: Sequence[float],
    on_step: Callable[[], object] | None = None,
) -> RateDistortion:
    """Code every file at every quality and decode it again; `on_step` is called after each (for a progress bar)."""
    settings = codec.settings  # first: whatever it needs (weights, libraries) is missed here and not after the work
    measurements = []
    for path in files:
        image = load_rgb(path)
        for quality in qualities:
            measurements.append(_measure_one(codec, path.name, image, quality))
            if on_step is not None:
                on_step()
    return RateDistortion(codec.name, settings, tuple(measurements))


def _measure_one(codec: ImageCodec, name: str, image: Image.Image, quality: float) -> Measurement:
    started = time.perf_counter()
    data = codec.encode(image, quality)
    encoded = time.perf_counter()
    decoded = codec.decode(data)
    finished = time.perf_counter()
    distortion = psnr(np.asarray(image), np.asarray(decoded))
    times = encoded - started, finished - encoded
    return Measurement(name, image.width, image.height, quality, len(data), distortion, *times)


def _mean_of(quality: float, group: list[Measurement]) -> Mean:
    return Mean(
        quality,
        bpp=mean(m.bpp for m in group),
        psnr=mean(m.psnr for m in group),
        encode_seconds=mean(m.encode_seconds for m in group),
        decode_seconds=mean(m.decode_seconds for m in group),
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
