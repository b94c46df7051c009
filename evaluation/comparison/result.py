"""The typed result of a comparison: all measurements, and every figure that a report derives from them."""

import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..images import Skipped, SourceImage
from ..metrics.bd_rate import BdPsnr, BdRate, BdSummary, Curve, bd_overlap, bd_psnr, bd_summary, bits_at
from ..metrics.bootstrap import ConfidenceInterval
from ..metrics.lossless_size import LosslessResult
from ..metrics.rate_distortion import MeanPoint, RateDistortion
from ..metrics.scores import PSNR, Metric
from .cost import Cost
from .equal_size import EqualSizeImage
from .published import PublishedCurve

LEVELS: tuple[float, ...] = (28, 30, 32, 34, 36)


@dataclass(frozen=True)
class PointCheck:
    """One point of a codec and the anchor's rate at the same PSNR (None outside the anchor's curve)."""

    point: MeanPoint
    anchor_bpp: float | None

    @property
    def percent(self) -> float | None:
        """Difference in rate from the anchor at this PSNR, in per cent (negative: fewer bits)."""
        return None if self.anchor_bpp is None else 100 * (self.point.bpp / self.anchor_bpp - 1)

    @property
    def fewer(self) -> bool | None:
        """Whether this point needs fewer bits than the anchor; None outside the anchor's curve."""
        return None if self.anchor_bpp is None else self.point.bpp < self.anchor_bpp


@dataclass(frozen=True)
class ImageFigures:
    """Figures of one image: the subject's BD-rate against the anchor, and each codec's bits per pixel at LEVELS dB."""

    name: str
    width: int
    height: int
    bd: BdRate | None
    bits: Mapping[str, Mapping[float, float | None]]


@dataclass(frozen=True)
class Environment:
    """Where, when and how it was measured, for the record."""

    command: str = ""
    """Command line that makes this report again; empty if it was made from Python."""
    date: str = ""
    """UTC, ISO 8601, to the minute."""
    machine: str = field(default_factory=lambda: f"{platform.system()} {platform.machine()}")
    python: str = field(default_factory=lambda: ".".join(map(str, sys.version_info[:3])))
    jobs: int = 1
    threads: int | None = None
    """CPU threads of dvcodec's network in each job; None for torch's default."""

    def to_json(self) -> dict[str, object]:
        """Return plain values under the names of the fields."""
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """Several codecs measured on one set of images.

    `subject` is the codec that the report is about and `anchor` the one that the others are compared with; both are
    names of `results`. They are the same if a single codec was measured.
    """

    dataset: str
    images: tuple[SourceImage, ...]
    subject: str
    anchor: str
    results: tuple[RateDistortion, ...]
    metrics: tuple[Metric, ...] = (PSNR,)
    skipped: tuple[Skipped, ...] = ()
    """Images that were left out."""
    absent: tuple[Skipped, ...] = ()
    """Codecs and metrics that were left out."""
    intervals: Mapping[tuple[str, str], ConfidenceInterval] = field(default_factory=dict)
    """95 % confidence interval of the headline BD-rate in per cent, by (anchor, test)."""
    costs: tuple[Cost, ...] = ()
    gallery: tuple[EqualSizeImage, ...] = ()
    ratio: float | None = None
    """Compression ratio of the images in `at_ratio`."""
    at_ratio: tuple[EqualSizeImage, ...] = ()
    lossless: tuple[LosslessResult, ...] = ()
    published: tuple[PublishedCurve, ...] = ()
    environment: Environment = field(default_factory=Environment)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the codecs, in the order of the request."""
        return tuple(result.name for result in self.results)

    def result(self, name: str) -> RateDistortion:
        """Return the measurements of the codec called `name`.

        Args:
            name: one of `names`.

        Returns:
            All points of the codec, by image.
        """
        return next(result for result in self.results if result.name == name)

    def curve(self, name: str, metric: Metric = PSNR, image: str | None = None) -> Curve | None:
        """Return a codec's curve of means, or of one image.

        Args:
            name: the codec, one of `names`.
            metric: the score of the curve.
            image: the image; None for the means over all images.

        Returns:
            The curve; None if it has no two points of finite score.
        """
        return self.result(name).curve(metric, image)

    def bd_rate(self, name: str, against: str | None = None, image: str | None = None) -> BdSummary:
        """Return the BD-rates of a codec against another (default: the anchor), over all images or for one.

        Args:
            name: the codec to compare, one of `names`.
            against: the codec of reference; None for the anchor.
            image: the image; None for the means over all images.

        Returns:
            BD-rates by PSNR in per cent; negative where the codec needs fewer bits.
        """
        anchor, test = self.curve(against or self.anchor, image=image), self.curve(name, image=image)
        return bd_summary(anchor, test) if anchor and test else BdSummary(None, None, None)

    def bd_psnr(self, name: str, against: str | None = None) -> BdPsnr | None:
        """Return the BD-PSNR of a codec against another (default: the anchor).

        Args:
            name: the codec to compare, one of `names`.
            against: the codec of reference; None for the anchor.

        Returns:
            The BD-PSNR in dB; None where the curves share no rates.
        """
        anchor, test = self.curve(against or self.anchor), self.curve(name)
        return bd_psnr(anchor, test) if anchor and test else None

    def bd_other(self, name: str, metric: Metric) -> BdRate | None:
        """Return the BD-rate of a codec against the anchor by another metric, over all scores that both share.

        Args:
            name: the codec to compare, one of `names`.
            metric: the score, other than PSNR.

        Returns:
            The BD-rate in per cent; None where the curves share no scores.
        """
        anchor, test = self.curve(self.anchor, metric), self.curve(name, metric)
        return bd_overlap(anchor, test) if anchor and test else None

    def bits_at(self, name: str, image: str | None = None) -> dict[float, float | None]:
        """Return the bits per pixel that a codec needs at LEVELS dB; None outside its curve.

        Args:
            name: the codec, one of `names`.
            image: the image; None for the means over all images.

        Returns:
            Bits per pixel by PSNR in dB.
        """
        curve = self.curve(name, image=image)
        return {level: bits_at(curve, level) if curve else None for level in LEVELS}

    def checks(self, name: str) -> tuple[PointCheck, ...]:
        """Compare every point of a codec with the anchor at the same PSNR."""
        curve = self.curve(self.anchor)
        return tuple(
            PointCheck(point, bits_at(curve, point.psnr) if curve else None) for point in self.result(name).means
        )

    def of_images(self) -> tuple[ImageFigures, ...]:
        """Return the figures of every image, from the subject's best to its worst, then images without a BD-rate."""
        figures = [
            ImageFigures(
                image.name,
                image.width,
                image.height,
                self.bd_rate(self.subject, image=image.name).headline,
                {name: self.bits_at(name, image.name) for name in self.names},
            )
            for image in self.images
        ]
        return tuple(sorted(figures, key=lambda figure: (figure.bd is None, figure.bd.percent if figure.bd else 0.0)))

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON, without the pictures.

        The top level is the subject's curve in CompressAI's layout, so that CompressAI's tools can plot the file; the
        other codecs follow under "others" in the same layout.
        """
        return {
            **self.result(self.subject).to_json(),
            "dataset": {"name": self.dataset, "images": [_image_to_json(image) for image in self.images]},
            "skipped": [asdict(skipped) for skipped in self.skipped],
            "absent": [asdict(absent) for absent in self.absent],
            "anchor": self.anchor,
            "bd-rate": {name: self.bd_rate(name).to_json() for name in self.names},
            "bd-rate-matrix": {
                test: {anchor: _percent(self.bd_rate(test, anchor).headline) for anchor in self.names}
                for test in self.names
            },
            "bd-rate-intervals": [
                {"anchor": anchor, "test": test, **interval.to_json()}
                for (anchor, test), interval in self.intervals.items()
            ],
            "bd-psnr": {name: _or_none(self.bd_psnr(name)) for name in self.names},
            "bd-rate-other": {
                metric.name: {name: _or_none(self.bd_other(name, metric)) for name in self.names}
                for metric in self.metrics[1:]
            },
            "bits-at": {name: _levels(self.bits_at(name)) for name in self.names},
            "against-anchor": [_check_to_json(check) for check in self.checks(self.subject)],
            "by-image": [_figures_to_json(figures) for figures in self.of_images()],
            "costs": [cost.to_json() for cost in self.costs],
            "gallery": [matched.to_json() for matched in self.gallery],
            "at-ratio": {"ratio": self.ratio, "images": [matched.to_json() for matched in self.at_ratio]},
            "lossless": [result.to_json() for result in self.lossless],
            "published": [published.to_json() for published in self.published],
            "environment": self.environment.to_json(),
            "metrics": {metric.key: metric.version for metric in self.metrics},
            "others": [result.to_json() for result in self.results if result.name != self.subject],
        }


def _image_to_json(image: SourceImage) -> dict[str, object]:
    return {"name": image.name, "width": image.width, "height": image.height, "sha256": image.sha256}


def _figures_to_json(figures: ImageFigures) -> dict[str, object]:
    bits = {name: _levels(levels) for name, levels in figures.bits.items()}
    return {"image": figures.name, "bd-rate": _or_none(figures.bd), "bits-at": bits}


def _levels(bits: Mapping[float, float | None]) -> dict[str, float | None]:
    return {f"{level:g}": value for level, value in bits.items()}


def _percent(rate: BdRate | None) -> float | None:
    return None if rate is None else rate.percent


def _or_none(figure: BdRate | BdPsnr | None) -> dict[str, float] | None:
    return None if figure is None else figure.to_json()


def _check_to_json(check: PointCheck) -> dict[str, object]:
    return {
        "quality": check.point.quality,
        "bpp": check.point.bpp,
        "anchor-bpp": check.anchor_bpp,
        "percent": check.percent,
        "fewer": check.fewer,
    }
