"""Rate-distortion measurements: sizes of complete files, and scores of the pixels that a decoder really returns.

    image --encode(quality)--> bytes --decode--> image'     rate from len(bytes), scores from image and image'

JSON follows CompressAI's layout, {"name", "description", "results": {"bpp": [...], "psnr-rgb": [...]}}, so that other
tools can plot it; the values of every single image are added to it.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from PIL import Image

from ..codecs.accounting import ByteAccount, mean_account
from ..codecs.interface import AccountingCodec, ImageCodec
from .bd_rate import Curve
from .scores import PSNR, Metric, bits_per_pixel


@dataclass(frozen=True)
class Measurement:
    """One image at one quality.

    `size` is in bytes, `scores` maps names of metrics to values (None where the image is too small), times are
    wall-clock seconds.
    """

    image: str
    width: int
    height: int
    quality: float
    size: int
    scores: Mapping[str, float | None]
    encode_seconds: float
    decode_seconds: float
    account: ByteAccount | None = None

    @property
    def bpp(self) -> float:
        """Bits per pixel of the complete file."""
        return bits_per_pixel(self.size, self.width, self.height)

    @property
    def psnr(self) -> float:
        """PSNR in dB; infinite for an exact copy."""
        return _psnr_of(self.scores)

    def to_json(self, metrics: Sequence[Metric]) -> dict[str, object]:
        """Return plain values for JSON; the PSNR of an exact copy is null, since JSON has no infinity."""
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
class MeanPoint:
    """Means over all images at one quality: bits per pixel, scores by name, and seconds."""

    quality: float
    bpp: float
    scores: Mapping[str, float | None]
    encode_seconds: float
    decode_seconds: float
    account: ByteAccount | None = None

    @property
    def psnr(self) -> float:
        """Mean of the images' PSNR in dB."""
        return _psnr_of(self.scores)


@dataclass(frozen=True)
class RateDistortion:
    """All measurements of one codec on one set of images."""

    name: str
    settings: str
    measurements: tuple[Measurement, ...]
    metrics: tuple[Metric, ...] = (PSNR,)

    @property
    def means(self) -> tuple[MeanPoint, ...]:
        """One point for each quality, in rising order of quality."""
        return _means_of(self.measurements, self.metrics)

    def of_image(self, image: str) -> tuple[Measurement, ...]:
        """Return the measurements of one image, in rising order of quality."""
        return tuple(sorted((m for m in self.measurements if m.image == image), key=lambda m: m.quality))

    def curve(self, metric: Metric = PSNR, image: str | None = None) -> Curve | None:
        """Return the curve of the means, or of one image, on the metric's scale.

        Returns:
            The curve; None where fewer than two points of different finite score exist.
        """
        scored = [m for m in self.measurements if image in (None, m.image) and m.scores[metric.name] is not None]
        points = [
            (point.bpp, metric.scaled(point.scores[metric.name] or 0.0)) for point in _means_of(scored, (metric,))
        ]
        if len({score for _, score in points if math.isfinite(score)}) < 2:
            return None
        return Curve.through(self.name, points)

    def to_json(self) -> dict[str, Any]:
        """Return plain values in CompressAI's layout, with the qualities and the single images added."""
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
    """Encode one image at one quality, decode it again and score the result.

    Raises:
        ValueError: the decoded image has another shape.
    """
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
    """Return the value, or None where JSON cannot hold it."""
    return value if value is not None and math.isfinite(value) else None


def _encode(codec: ImageCodec, image: Image.Image, quality: float) -> tuple[bytes, ByteAccount | None]:
    if isinstance(codec, AccountingCodec):
        return codec.account(image, quality)
    return codec.encode(image, quality), None


def _psnr_of(scores: Mapping[str, float | None]) -> float:
    value = scores[PSNR.name]
    assert value is not None  # it is defined for every size
    return value


def _means_of(measurements: Sequence[Measurement], metrics: Sequence[Metric]) -> tuple[MeanPoint, ...]:
    """Return one mean for each quality, in rising order of quality."""
    groups: dict[float, list[Measurement]] = {}
    for measurement in measurements:
        groups.setdefault(measurement.quality, []).append(measurement)
    return tuple(_mean_of(quality, groups[quality], metrics) for quality in sorted(groups))


def _mean_of(quality: float, group: Sequence[Measurement], metrics: Sequence[Metric]) -> MeanPoint:
    accounts = [m.account for m in group if m.account is not None]
    return MeanPoint(
        quality,
        bpp=fmean(m.bpp for m in group),
        scores={metric.name: _mean_score(group, metric.name) for metric in metrics},
        encode_seconds=fmean(m.encode_seconds for m in group),
        decode_seconds=fmean(m.decode_seconds for m in group),
        account=mean_account(accounts) if accounts else None,
    )


def _mean_score(group: Sequence[Measurement], name: str) -> float | None:
    known = [score for score in (m.scores[name] for m in group) if score is not None]
    return fmean(known) if known else None
