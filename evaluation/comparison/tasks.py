"""Measurements of one codec on one image: the tasks that worker processes share, and their entries in the cache."""

import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..codecs.accounting import ByteAccount
from ..codecs.interface import ImageCodec, LosslessCodec
from ..images import SourceImage, load_rgb, printable
from ..metrics.lossless_size import LosslessMeasurement, measure_lossless
from ..metrics.rate_distortion import Measurement, finite, measure_one
from ..metrics.scores import PSNR, Metric
from .cache import MeasurementCache
from .cost import Cost, cost_of


@dataclass(frozen=True)
class LossyTask:
    """One lossy codec on one image at all of the codec's qualities."""

    codec: ImageCodec
    source: SourceImage
    metrics: tuple[Metric, ...]
    cache: MeasurementCache


@dataclass(frozen=True)
class LosslessTask:
    """One lossless codec on one image."""

    codec: LosslessCodec
    source: SourceImage
    cache: MeasurementCache


def measure_lossy(task: LossyTask) -> list[Measurement] | str:
    """Return measurements in order of quality, from the cache where possible, or the reason why the codec failed."""
    measured = []
    image = None
    for quality in task.codec.qualities:
        facts = _facts("lossy", task.codec, task.source, quality=quality)
        found = _restored(task.cache.get(facts), task, quality)
        if found is None:
            try:
                image = image or load_rgb(task.source.path)
                found = measure_one(task.codec, task.source.name, image, quality, task.metrics)
            except Exception as error:  # libraries raise many kinds on images they do not like
                return _reason(error)
            task.cache.put(facts, _kept(found, task.metrics))
        measured.append(found)
    return measured


def measure_without_loss(task: LosslessTask) -> LosslessMeasurement | str:
    """Return the measurement, from the cache where possible, or the reason why the codec failed."""
    source = task.source
    facts = _facts("lossless", task.codec, source)
    kept = task.cache.get(facts)
    if kept is None:
        try:
            kept = asdict(measure_lossless(task.codec, source.name, load_rgb(source.path)))
        except Exception as error:  # libraries raise many kinds on images they do not like
            return _reason(error)
        task.cache.put(facts, kept)
    return LosslessMeasurement(**{**kept, "image": source.name})


def measure_cost(
    codec: ImageCodec, source: SourceImage, quality: float, threads: int | None, cache: MeasurementCache
) -> Cost:
    """Measure time and memory, or return them from the cache if this machine has measured them before."""
    facts = _facts("cost", codec, source, quality=quality, threads=threads, machine=platform.node())
    kept = cache.get(facts)
    if kept is None:
        kept = cost_of(codec, source.path, source.name, quality, threads).to_json()
        cache.put(facts, kept)
    return Cost(**{**kept, "codec": codec.name, "image": source.name})


def _facts(kind: str, codec: ImageCodec | LosslessCodec, source: SourceImage, **more: object) -> dict[str, object]:
    """Return everything that a result depends on; a codec's settings include library versions and the weights' hash."""
    return {"kind": kind, "codec": f"{type(codec).__qualname__}: {codec.settings}", "image": source.sha256, **more}


def _kept(measurement: Measurement, metrics: Sequence[Metric]) -> dict[str, object]:
    """Convert a measurement to what the cache stores; an infinite PSNR becomes null."""
    return {
        "metrics": {metric.name: metric.version for metric in metrics},
        "size": measurement.size,
        "scores": {name: finite(score) for name, score in measurement.scores.items()},
        "times": [measurement.encode_seconds, measurement.decode_seconds],
        "account": measurement.account.to_json() if measurement.account else None,
    }


def _restored(kept: Mapping[str, Any] | None, task: LossyTask, quality: float) -> Measurement | None:
    """Invert `_kept`; None if a metric is missing or was computed by another version."""
    if kept is None or any(kept["metrics"].get(metric.name) != metric.version for metric in task.metrics):
        return None
    source = task.source
    scores = {metric.name: kept["scores"][metric.name] for metric in task.metrics}
    if scores[PSNR.name] is None:
        scores[PSNR.name] = math.inf
    account = ByteAccount.from_json(kept["account"]) if kept["account"] else None
    encoding, decoding = kept["times"]
    size = kept["size"]
    return Measurement(source.name, source.width, source.height, quality, size, scores, encoding, decoding, account)


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return printable(text or type(error).__name__)
