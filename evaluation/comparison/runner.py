"""The run of a comparison: `compare` measures codecs on a folder of images.

    plan, survey of the images -> codec x image x quality (cached, in several processes) -> costs -> pictures

A measurement's name in the cache contains everything that it depends on. An interrupted run therefore resumes where it
stopped, and a run with one more codec measures only that codec.
"""

import datetime
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import DvcodecError
from ..codecs.interface import ImageCodec, LosslessCodec
from ..codecs.lossless import lossless_codecs
from ..images import Skipped, SourceImage, image_files, printable, survey
from ..metrics.bootstrap import ConfidenceInterval, intervals
from ..metrics.lossless_size import LosslessResult
from ..metrics.rate_distortion import Measurement, RateDistortion
from .cache import MeasurementCache
from .cost import Cost
from .plan import Plan, make_plan
from .published import PublishedCurve
from .result import Comparison, Environment
from .tasks import LosslessTask, LossyTask, measure_cost, measure_lossy, measure_without_loss
from .visual_comparison import with_pictures
from .worker_pool import each

COST_BPP = 0.5
"""Bits per pixel near which a codec's time and memory are measured."""


@dataclass(frozen=True)
class ProgressCallbacks:
    """Functions that a comparison calls: with the number of steps, after each step, and for what it leaves out."""

    total: Callable[[int], object] = lambda steps: None
    step: Callable[[], object] = lambda: None
    skipped: Callable[[Skipped], object] = lambda skipped: None


def compare(
    folder: Path,
    *,
    codecs: Sequence[str | ImageCodec] | None = None,
    metrics: Sequence[str] | None = None,
    qualities: Mapping[str, Sequence[float]] | None = None,
    weights: Sequence[str] = (),
    efforts: Sequence[int] = (),
    tunings: Sequence[str] = (),
    lossless: bool = False,
    published: Sequence[PublishedCurve] = (),
    ratio: float | None = None,
    limit: int | None = None,
    device: str = "auto",
    jobs: int = 1,
    threads: int | None = None,
    costs: bool = True,
    cache: Path | None = None,
    progress: ProgressCallbacks | None = None,
    command: str = "",
) -> Comparison:
    """Measure codecs on the images of a folder and compare them.

    Images that cannot be read, that one of the codecs cannot code, or that one of them codes exactly (a flat colour has
    an infinite PSNR) are left out of everything, so that all means are over the same images. A script that calls this
    with `jobs` or `costs` needs the usual `if __name__ == "__main__"`, since processes are spawned.

    Args:
        folder: the images; subfolders are not searched.
        codecs: see `make_plan`, as for `metrics`, `qualities`, `weights`, `efforts` and `tunings`.
        lossless: also compare lossless codecs.
        published: curves of others to draw.
        ratio: also compare pictures at this compression ratio.
        limit: use only the first `limit` images.
        device: where dvcodec's network runs.
        jobs: number of processes that share the work; one job runs in this process.
        threads: CPU threads of the network in each process; the processes that measure costs get as many CPUs.
        costs: also measure time and memory, in fresh processes.
        cache: folder that keeps every measurement; None keeps nothing.
        progress: functions to call on the way.
        command: command line for the record.

    Raises:
        DvcodecError: no image is left, or what `make_plan` raises.
    """
    progress = progress or ProgressCallbacks()
    plan = make_plan(codecs, metrics, qualities, weights, device, efforts, tunings)
    sources, skipped = survey(image_files(folder)[:limit])
    for one in (*plan.absent, *skipped):
        progress.skipped(one)
    if not sources:
        raise DvcodecError("no image to measure", "name a folder with PNG, JPEG, WebP, TIFF, BMP, PPM or AVIF files")
    exact = _runnable_lossless(device) if lossless else ()
    progress.total(len(sources) * (len(plan.codecs) + len(exact)) + (len(plan.codecs) if costs else 0))
    run = _Run(plan, MeasurementCache(cache), jobs, threads, progress)
    results, failed = run.lossy(sources)
    sources = tuple(source for source in sources if source.name not in {one.name for one in failed})
    comparison = Comparison(
        dataset=printable(folder.resolve().name),
        images=sources,
        subject=plan.subject.name,
        anchor=plan.anchor.name,
        results=results,
        metrics=plan.metrics,
        skipped=skipped + failed,
        absent=plan.absent,
        intervals=_intervals(plan, results),
        ratio=ratio,
        lossless=run.lossless(exact, sources),
        published=tuple(published),
        environment=Environment(command, _now(), jobs=jobs, threads=threads),
    )
    comparison = replace(comparison, costs=run.costs(comparison) if costs else ())
    return with_pictures(comparison, plan)


@dataclass(frozen=True)
class _Run:
    """The steps of one comparison, with the plan, cache and processes that they share."""

    plan: Plan
    cache: MeasurementCache
    jobs: int
    threads: int | None
    progress: ProgressCallbacks

    def lossy(self, sources: Sequence[SourceImage]) -> tuple[tuple[RateDistortion, ...], tuple[Skipped, ...]]:
        """Measure every lossy codec on every image; an image on which one of them fails is left out of all results."""
        codecs, metrics = self.plan.codecs, self.plan.metrics
        tasks = [LossyTask(codec, source, metrics, self.cache) for source in sources for codec in codecs]
        measured: dict[str, list[Measurement]] = {codec.name: [] for codec in self.plan.codecs}
        failed: dict[str, Skipped] = {}
        for task, answer in each(measure_lossy, tasks, self.jobs, self.threads):
            self.progress.step()
            fault = _fault(answer)
            if not isinstance(answer, str):
                measured[task.codec.name] += answer
            if fault and task.source.name not in failed:
                failed[task.source.name] = Skipped(task.source.name, f"{task.codec.name}: {fault}")
                self.progress.skipped(failed[task.source.name])
        if len(failed) == len(sources):
            raise DvcodecError(
                f"no image could be measured; {next(iter(failed.values())).reason}", "name other `codecs`"
            )
        results = tuple(
            RateDistortion(
                codec.name,
                codec.settings,
                tuple(m for m in measured[codec.name] if m.image not in failed),
                self.plan.metrics,
            )
            for codec in self.plan.codecs
        )
        return results, tuple(failed.values())

    def lossless(self, codecs: Sequence[LosslessCodec], sources: Sequence[SourceImage]) -> tuple[LosslessResult, ...]:
        """Measure every lossless codec on every image."""
        results = []
        for codec in codecs:
            tasks = [LosslessTask(codec, source, self.cache) for source in sources]
            measured = []
            for task, answer in each(measure_without_loss, tasks, self.jobs, self.threads):
                self.progress.step()
                if isinstance(answer, str):
                    raise DvcodecError(f"{codec.name} failed on {task.source.name}: {answer}")
                measured.append(answer)
            results.append(LosslessResult(codec.name, codec.settings, tuple(measured)))
        return tuple(results)

    def costs(self, comparison: Comparison) -> tuple[Cost, ...]:
        """Measure time and memory of every codec on the image of median size, at about half a bit per pixel."""
        ordered = sorted(comparison.images, key=lambda image: (image.width * image.height, image.name))
        image = ordered[(len(ordered) - 1) // 2]
        found = []
        for codec in self.plan.codecs:
            means = comparison.result(codec.name).means
            quality = min(means, key=lambda mean: abs(math.log(mean.bpp / COST_BPP))).quality
            found.append(measure_cost(codec, image, quality, self.threads, self.cache))
            self.progress.step()
        return tuple(found)


def _fault(answer: list[Measurement] | str) -> str:
    """Return why an image has to be left out (a failure, or an exact copy with infinite PSNR), or an empty text."""
    if isinstance(answer, str):
        return answer
    exact = next((m.quality for m in answer if math.isinf(m.psnr)), None)
    return "" if exact is None else f"it is reproduced exactly at quality {exact:g}, so its PSNR is infinite"


def _intervals(plan: Plan, results: Sequence[RateDistortion]) -> dict[tuple[str, str], ConfidenceInterval]:
    """Return the intervals of every codec against the anchor, and of the subject against every codec."""
    names, anchor, subject = [result.name for result in results], plan.anchor.name, plan.subject.name
    pairs = [(anchor, name) for name in names if name != anchor]
    pairs += [(name, subject) for name in names if name not in (subject, anchor)]
    return intervals(results, pairs)


def _runnable_lossless(device: str) -> tuple[LosslessCodec, ...]:
    """Return the lossless codecs that can run here."""
    found = lossless_codecs(device)
    return tuple(codec for codec in found if codec.missing() is None)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
