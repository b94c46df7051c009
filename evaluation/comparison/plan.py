"""The plan of a comparison: codecs with their qualities, metrics, subject and anchor, looked up by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from ...codec.settings import CompressSettings
from ...errors import DvcodecError, InvalidArgument
from ..codecs.baselines import BASELINES
from ..codecs.dvcodec import Dvcodec
from ..codecs.interface import ImageCodec
from ..images import Skipped, printable
from ..metrics.scores import METRICS, PSNR, Metric, metric

OURS = "dvcodec"
ANCHOR = "jpeg"
CODECS: tuple[str, ...] = (OURS, *(codec.name for codec in BASELINES))


@dataclass(frozen=True)
class Plan:
    """What to measure; each codec's `qualities` are the points of its curve."""

    codecs: tuple[ImageCodec, ...]
    metrics: tuple[Metric, ...]
    absent: tuple[Skipped, ...]

    @property
    def subject(self) -> ImageCodec:
        """The codec that the report is about: the first dvcodec, or the first that is not the anchor."""
        ours = (codec for codec in self.codecs if isinstance(codec, Dvcodec))
        others = (codec for codec in self.codecs if codec is not self.anchor)
        return next(ours, None) or next(others, self.anchor)

    @property
    def anchor(self) -> ImageCodec:
        """The codec that the others are compared with: JPEG, or without it the first that is not dvcodec."""
        jpeg = (codec for codec in self.codecs if codec.name == ANCHOR)
        theirs = (codec for codec in self.codecs if not isinstance(codec, Dvcodec))
        return next(jpeg, None) or next(theirs, self.codecs[0])


def make_plan(
    codecs: Sequence[str | ImageCodec] | None = None,
    metrics: Sequence[str] | None = None,
    qualities: Mapping[str, Sequence[float]] | None = None,
    weights: Sequence[str] = (),
    device: str = "auto",
    efforts: Sequence[int] = (),
    tunings: Sequence[str] = (),
) -> Plan:
    """Look up everything that a comparison needs, before any work is done.

    Args:
        codecs: names out of CODECS, or codec objects; None for all names that can run here.
        metrics: names of metrics, to which PSNR is always added; None for all that can be computed here.
        qualities: points of the curve by codec name.
        weights: weights of dvcodec; each one at each effort and tuning is a codec of the comparison.
        device: where dvcodec's network runs.
        efforts: efforts of dvcodec.
        tunings: tunings of dvcodec.

    Raises:
        InvalidArgument: a name, quality or setting does not exist.
        DvcodecError: a codec or metric that was named cannot run here.
        WeightsNotFound: there are no weights of a name.
    """
    chosen, absent = _runnable(codecs)
    ours = _ours(weights, device, efforts, tunings) if OURS in chosen else []
    planned = [one for codec in chosen for one in (ours if codec == OURS else [_other(codec)])]
    _refuse_twins(planned)
    measured, lacking = _metrics(metrics)
    with_points = tuple(_with_points(codec, qualities or {}) for codec in planned)
    unknown = set(qualities or {}) - {codec.name for codec in planned} - {OURS}
    if unknown:
        raise InvalidArgument(
            f"qualities for {', '.join(sorted(unknown))}, which is not compared", "name it in `codecs` too"
        )
    for codec in with_points:
        _ = codec.settings  # fails here, and not after the work, if weights or libraries are missing
    return Plan(with_points, measured, absent + lacking)


def _runnable(codecs: Sequence[str | ImageCodec] | None) -> tuple[list[str | ImageCodec], tuple[Skipped, ...]]:
    """Return the codecs that can run here, and those left out.

    Raises:
        DvcodecError: a codec that was named cannot run.
    """
    absent = {codec.name: reason for codec in BASELINES if (reason := codec.missing())}
    if codecs is None:
        known: list[str | ImageCodec] = [name for name in CODECS if name not in absent]
        return known, tuple(Skipped(name, reason) for name, reason in absent.items())
    if not codecs:
        raise InvalidArgument("no codec to measure", f"there are {', '.join(CODECS)}")
    for name in codecs:
        if isinstance(name, str) and name not in CODECS:
            raise InvalidArgument(f"no codec {name!r}", f"there are {', '.join(CODECS)}")
        if isinstance(name, str) and name in absent:
            raise DvcodecError(f"{name} cannot run here", absent[name])
    return list(dict.fromkeys(codecs)), ()


def _other(codec: str | ImageCodec) -> ImageCodec:
    return next(known for known in BASELINES if known.name == codec) if isinstance(codec, str) else codec


def _ours(weights: Sequence[str], device: str, efforts: Sequence[int], tunings: Sequence[str]) -> list[ImageCodec]:
    """Return one codec for each combination of weights, effort and tuning, named after what distinguishes it."""
    tried: list[int | None] = [*dict.fromkeys(efforts)] or [None]
    tuned: list[str | None] = [*dict.fromkeys(tunings)] or [None]
    codecs: list[ImageCodec] = []
    for (chosen, name), effort, tune in product(_by_weights(weights).items(), tried, tuned):
        label = name + (f"-effort-{effort}" if len(tried) > 1 else "")
        label += f"-{tune}" if len(tuned) > 1 and CompressSettings(tune=tune).perceptual else ""
        codecs.append(Dvcodec(chosen, device, label, effort=effort, tune=tune))
    return codecs


def _by_weights(weights: Sequence[str]) -> dict[str | None, str]:
    """Return a codec name for each of the weights; None stands for the default ones."""
    from ...codec.loading import choose

    if len(weights) <= 1:
        return {weights[0] if weights else None: OURS}
    chosen = {name: choose(name) for name in weights}
    short = [printable(one.name).replace(" ", "-") for one in chosen.values()]
    return {
        name: f"{OURS}-{label}" if short.count(label) == 1 else f"{OURS}-{label}-{one.sha256[:8]}"
        for (name, one), label in zip(chosen.items(), short, strict=True)
    }


def _refuse_twins(codecs: Sequence[ImageCodec]) -> None:
    names = [codec.name for codec in codecs]
    if len(set(names)) < len(names):
        raise InvalidArgument(f"two codecs called {next(name for name in names if names.count(name) > 1)!r}")


def _metrics(names: Sequence[str] | None) -> tuple[tuple[Metric, ...], tuple[Skipped, ...]]:
    """Return PSNR and the named metrics, or without names all that can be computed here; then those left out."""
    if names is None:
        lacking = tuple(Skipped(one.name, reason) for one in METRICS if (reason := one.missing()))
        return tuple(one for one in METRICS if one.missing() is None), lacking
    chosen = tuple(dict.fromkeys([PSNR, *(metric(name) for name in names)]))
    for one in chosen:
        if reason := one.missing():
            raise DvcodecError(f"{one.name} cannot be computed here", reason)
    return chosen, ()


def _with_points(codec: ImageCodec, qualities: Mapping[str, Sequence[float]]) -> ImageCodec:
    """Return the codec with the requested points, sorted and without duplicates."""
    wanted = qualities.get(codec.name)
    if wanted is None and isinstance(codec, Dvcodec):
        wanted = qualities.get(OURS)
    if wanted is None:
        return codec
    points = tuple(sorted(set(wanted)))
    low, high, _ = codec.scale
    if not points or not all(low <= point <= high for point in points):
        raise InvalidArgument(f"{codec.name}: qualities go from {low:g} to {high:g}")
    replaceable: Any = codec
    changed: ImageCodec = replace(replaceable, qualities=points)
    return changed
