"""Codec + images -> rate-distortion measurements: real bytes of complete files, pixels as really decoded.

    image --encode(quality)--> bytes --decode--> image'     rate from len(bytes), scores from image against image'

JSON comes in CompressAI's layout, {"name", "description", "results": {"bpp": [...], "psnr-rgb": [...]}}, so that other
people's tools plot it, with the values of every single image beside it.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from PIL import Image

from .accounting import Account, mean_account
from .baselines import Scale
from .bdrate import Curve
from .metrics import PSNR, Metric, bits_per_pixel, mean


class ImageCodec(Protocol):
    """What can be measured: a name, a line on its settings, and two inverse operations on RGB images."""

    @property
    def name(self) -> str:
        """Short and without spaces."""

    @property
    def settings(self) -> str:
        """Library, version and options, for the record."""

    @property
    def qualities(self) -> tuple[float, ...]:
        """The points of its curve where nobody asks for others."""

    @property
    def scale(self) -> Scale:
        """The qualities it takes."""

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """A complete file."""

    def decode(self, data: bytes) -> Image.Image:
        """The RGB image in it."""


@runtime_checkable
class AccountingCodec(Protocol):
    """A codec that also knows where its bytes go."""

    def account(self, image: Image.Image, quality: float) -> tuple[bytes, Account]:
        """What `encode` gives, with its account."""


@dataclass(frozen=True)
class Measurement:
    """One image at one quality: file size in bytes, scores by metric name (None: too small), wall-clock seconds."""

    image: str
    width: int
    height: int
    quality: float
    size: int
    scores: Mapping[str, float | None]
    encode_seconds: float
    decode_seconds: float
    account: Account | None = None

    @property
    def bpp(self) -> float:
        """Bits per pixel of the complete file."""
        return bits_per_pixel(self.size, self.width, self.height)

    @property
    def psnr(self) -> float:
        """PSNR in dB; infinite for an exact copy."""
        value = self.scores[PSNR.name]
        assert value is not None  # it is defined for every size
        return value

    def to_json(self, metrics: Sequence[Metric]) -> dict[str, object]:
        """Plain values; the PSNR of an exact copy is null, since JSON has no infinity."""
        return {
            "image": self.image,
            "quality": self.quality,
            "bytes": self.size,
            "bpp": self.bpp,
            **{metric.key: finite(self.scores[metric.name]) for metric in metrics},
            "encoding_time": self.encode_seconds,
            "decoding_time": self.decode_seconds,
            **({"account": self.account.to_json()} if self.account else {}),
        }


@dataclass(frozen=True)
class Mean:
    """One quality over all images: mean rate (bits per pixel), means of the images' scores, mean seconds."""

    quality: float
    bpp: float
    scores: Mapping[str, float | None]
    encode_seconds: float
    decode_seconds: float
    account: Account | None = None

    @property
    def psnr(self) -> float:
        """Mean of the images' PSNR in dB."""
        value = self.scores[PSNR.name]
        assert value is not None  # it is defined for every size
        return value


@dataclass(frozen=True)
class RateDistortion:
    """Everything measured of one codec on one set of images."""

    name: str
    settings: str
    measurements: tuple[Measurement, ...]
    metrics: tuple[Metric, ...] = (PSNR,)

    @property
    def means(self) -> tuple[Mean, ...]:
        """One point per quality, in rising order of quality."""
        return _means_of(self.measurements, self.metrics)

    def of_image(self, image: str) -> tuple[Measurement, ...]:
        """The measurements of one image, in rising order of quality."""
        return tuple(sorted((m for m in self.measurements if m.image == image), key=lambda m: m.quality))

    def curve(self, metric: Metric = PSNR, image: str | None = None) -> Curve | None:
        """The means (or one image) as a curve on the metric's scale; None where two points cannot be had."""
        scored = [m for m in self.measurements if image in (None, m.image) and m.scores[metric.name] is not None]
        points = [
            (point.bpp, metric.scaled(point.scores[metric.name] or 0.0)) for point in _means_of(scored, (metric,))
        ]
        if len({score for _, score in points if math.isfinite(score)}) < 2:
            return None
        return Curve.through(self.name, points)

    def to_json(self) -> dict[str, Any]:
        """CompressAI's layout, with the qualities and the single images beside it."""
        means = self.means
        return {
            "name": self.name,
            "description": self.settings,
            "qualities": [point.quality for point in means],
            "results": {
                "bpp": [point.bpp for point in means],
                **{metric.key: [finite(point.scores[metric.name]) for point in means] for metric in self.metrics},
                "encoding_time": [point.encode_seconds for point in means],
                "decoding_time": [point.decode_seconds for point in means],
            },
            "images": [measurement.to_json(self.metrics) for measurement in self.measurements],
        }


def measure_one(
    codec: ImageCodec, name: str, image: Image.Image, quality: float, metrics: Sequence[Metric] = (PSNR,)
) -> Measurement:
    """Code one image at one quality, decode it again, and score what comes back."""
    started = time.perf_counter()
    data, account = _encode(codec, image, quality)
    encoded = time.perf_counter()
    decoded = codec.decode(data)
    times = encoded - started, time.perf_counter() - encoded
    before, after = np.asarray(image), np.asarray(decoded)
    if before.shape != after.shape:
        raise ValueError(f"images of different shape: {before.shape} and {after.shape}")
    scores = {metric.name: metric.of(before, after) for metric in metrics}
    return Measurement(name, image.width, image.height, quality, len(data), scores, *times, account)


def finite(value: float | None) -> float | None:
    """The value where JSON can hold it."""
    return value if value is not None and math.isfinite(value) else None


def _encode(codec: ImageCodec, image: Image.Image, quality: float) -> tuple[bytes, Account | None]:
    if isinstance(codec, AccountingCodec):
        return codec.account(image, quality)
    return codec.encode(image, quality), None


def _means_of(measurements: Sequence[Measurement], metrics: Sequence[Metric]) -> tuple[Mean, ...]:
    """One mean per quality, in rising order of quality."""
    groups: dict[float, list[Measurement]] = {}
    for measurement in measurements:
        groups.setdefault(measurement.quality, []).append(measurement)
    return tuple(_mean_of(quality, groups[quality], metrics) for quality in sorted(groups))


def _mean_of(quality: float, group: Sequence[Measurement], metrics: Sequence[Metric]) -> Mean:
    accounts = [m.account for m in group if m.account is not None]
    return Mean(
        quality,
        bpp=mean(m.bpp for m in group),
        scores={metric.name: _mean_score(group, metric.name) for metric in metrics},
        encode_seconds=mean(m.encode_seconds for m in group),
        decode_seconds=mean(m.decode_seconds for m in group),
        account=mean_account(accounts) if accounts else None,
    )


def _mean_score(group: Sequence[Measurement], name: str) -> float | None:
    known = [score for score in (m.scores[name] for m in group) if score is not None]
    return mean(known) if known else None
