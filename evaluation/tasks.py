"""One codec on one image: the piece of work that processes share out, and its place in the cache."""

import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .accounting import Account
from .cache import Cache
from .cost import Cost, cost_of
from .images import Source, load_rgb, printable
from .lossless import LosslessCodec, LosslessMeasurement, measure_lossless
from .metrics import PSNR, Metric
from .rd import ImageCodec, Measurement, finite, measure_one


@dataclass(frozen=True)
class LossyTask:
    """A codec on an image at all the codec's qualities."""

    codec: ImageCodec
    source: Source
    metrics: tuple[Metric, ...]
    cache: Cache


@dataclass(frozen=True)
class LosslessTask:
    """A lossless codec on an image."""

    codec: LosslessCodec
    source: Source
    cache: Cache


def measure_lossy(task: LossyTask) -> list[Measurement] | str:
    """The measurements in order of quality, from the cache where they are there; or why the codec failed."""
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


def measure_exactly(task: LosslessTask) -> LosslessMeasurement | str:
    """The measurement, from the cache where it is there; or why the codec failed."""
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


def measure_cost(codec: ImageCodec, source: Source, quality: float, threads: int | None, cache: Cache) -> Cost:
    """Time and memory, from the cache where this machine has measured them before."""
    facts = _facts("cost", codec, source, quality=quality, threads=threads, machine=platform.node())
    kept = cache.get(facts)
    if kept is None:
        kept = cost_of(codec, source.path, source.name, quality, threads).to_json()
        cache.put(facts, kept)
    return Cost(**{**kept, "codec": codec.name, "image": source.name})


def _facts(kind: str, codec: ImageCodec | LosslessCodec, source: Source, **more: object) -> dict[str, object]:
    """Everything that decides a result. A codec is its settings: they hold library versions and weights hash."""
    return {"kind": kind, "codec": f"{type(codec).__qualname__}: {codec.settings}", "image": source.sha256, **more}


def _kept(measurement: Measurement, metrics: Sequence[Metric]) -> dict[str, object]:
    """What the cache holds of a measurement; an infinite PSNR is null."""
    return {
        "metrics": {metric.name: metric.version for metric in metrics},
        "size": measurement.size,
        "scores": {name: finite(score) for name, score in measurement.scores.items()},
        "times": [measurement.encode_seconds, measurement.decode_seconds],
        "account": measurement.account.to_json() if measurement.account else None,
    }


def _restored(kept: Mapping[str, Any] | None, task: LossyTask, quality: float) -> Measurement | None:
    """The inverse of `_kept`; None where a metric that is wanted was not taken, or by another version."""
    if kept is None or any(kept["metrics"].get(metric.name) != metric.version for metric in task.metrics):
        return None
    source = task.source
    scores = {metric.name: kept["scores"][metric.name] for metric in task.metrics}
    if scores[PSNR.name] is None:
        scores[PSNR.name] = math.inf
    account = Account.from_json(kept["account"]) if kept["account"] else None
    encoding, decoding = kept["times"]
    size = kept["size"]
    return Measurement(source.name, source.width, source.height, quality, size, scores, encoding, decoding, account)


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return printable(text or type(error).__name__)
