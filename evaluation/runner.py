"""The comparison itself: `compare` measures codecs on a folder of images and gives back typed data.

    survey -> plan -> codec x image x quality (cached, in several processes) -> figures -> gallery, costs

Everything that decides a measurement is part of its name in the cache, so that an interrupted run goes on, and a run
with one codec more measures that codec alone.
"""

import datetime
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import DvcodecError
from . import pool, showing
from .bootstrap import Interval, intervals
from .cache import Cache
from .comparison import Comparison, Environment
from .cost import Cost
from .images import Skipped, Source, image_files, printable, survey
from .lossless import LosslessCodec, LosslessResult, lossless_codecs
from .plan import Plan, make_plan
from .published import PublishedCurve
from .rd import ImageCodec, Measurement, RateDistortion
from .tasks import LosslessTask, LossyTask, measure_cost, measure_exactly, measure_lossy

COST_BPP = 0.5
"""Bits per pixel near which a codec's time and memory are taken."""


@dataclass(frozen=True)
class Progress:
    """Whom to tell what goes on: how many steps there will be, each step, and what was left out."""

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
    progress: Progress | None = None,
    command: str = "",
) -> Comparison:
    """Measure codecs on the images of `folder` (the first `limit`) and set them against each other.

    `codecs`, `metrics`, `qualities`, `weights`, `efforts`, `tunings` as in `make_plan`. `ratio` adds the papers'
    protocol at that compression ratio. `jobs` processes share the work, the networks in each with `threads` CPU threads
    (one job runs in this process, and leaves its threads alone). `costs` takes time and memory in fresh processes, held
    to so many CPUs. `cache` is a folder that keeps every measurement.

    Images that cannot be read, that one of the codecs cannot code, or that one of them codes exactly (a flat colour,
    say: its PSNR is infinite) are left out of everything, with the reason: all means are over the same images.
    Raises DvcodecError if nothing is left, and what `make_plan` raises. A script that calls this with `jobs` or `costs`
    needs the usual `if __name__ == "__main__"`, since processes are spawned.
    """
    progress = progress or Progress()
    plan = make_plan(codecs, metrics, qualities, weights, device, efforts, tunings)
    sources, skipped = survey(image_files(folder)[:limit])
    for one in (*plan.absent, *skipped):
        progress.skipped(one)
    if not sources:
        raise DvcodecError("no image to measure", "a folder of PNG, JPEG, WebP, TIFF, BMP, PPM or AVIF files is wanted")
    exact = _runnable_lossless(weights, device) if lossless else ()
    progress.total(len(sources) * (len(plan.codecs) + len(exact)) + (len(plan.codecs) if costs else 0))
    run = _Run(plan, Cache(cache), jobs, threads, progress)
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
    return showing.with_pictures(comparison, plan)


@dataclass(frozen=True)
class _Run:
    """The steps of one comparison that share plan, cache and processes."""

    plan: Plan
    cache: Cache
    jobs: int
    threads: int | None
    progress: Progress

    def lossy(self, sources: Sequence[Source]) -> tuple[tuple[RateDistortion, ...], tuple[Skipped, ...]]:
        """Every lossy codec on every image; an image on which one fails is left out of all."""
        codecs, metrics = self.plan.codecs, self.plan.metrics
        tasks = [LossyTask(codec, source, metrics, self.cache) for source in sources for codec in codecs]
        measured: dict[str, list[Measurement]] = {codec.name: [] for codec in self.plan.codecs}
        failed: dict[str, Skipped] = {}
        for task, answer in pool.each(measure_lossy, tasks, self.jobs, self.threads):
            self.progress.step()
            fault = _fault(answer)
            if not isinstance(answer, str):
                measured[task.codec.name] += answer
            if fault and task.source.name not in failed:
                failed[task.source.name] = Skipped(task.source.name, f"{task.codec.name}: {fault}")
                self.progress.skipped(failed[task.source.name])
        if len(failed) == len(sources):
            raise DvcodecError(f"no image could be measured; {next(iter(failed.values())).reason}", "see --codecs")
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

    def lossless(self, codecs: Sequence[LosslessCodec], sources: Sequence[Source]) -> tuple[LosslessResult, ...]:
        """Every lossless codec on every image."""
        results = []
        for codec in codecs:
            tasks = [LosslessTask(codec, source, self.cache) for source in sources]
            measured = []
            for task, answer in pool.each(measure_exactly, tasks, self.jobs, self.threads):
                self.progress.step()
                if isinstance(answer, str):
                    raise DvcodecError(f"{codec.name} failed on {task.source.name}: {answer}")
                measured.append(answer)
            results.append(LosslessResult(codec.name, codec.settings, tuple(measured)))
        return tuple(results)

    def costs(self, comparison: Comparison) -> tuple[Cost, ...]:
        """Time and memory of every codec on the image of middle size, at about half a bit per pixel."""
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
    """Why an image cannot take part, if it cannot: a failure, or an exact copy, whose PSNR no mean can hold."""
    if isinstance(answer, str):
        return answer
    exact = next((m.quality for m in answer if math.isinf(m.psnr)), None)
    return "" if exact is None else f"an exact copy at quality {exact:g}, so it has no PSNR"


def _intervals(plan: Plan, results: Sequence[RateDistortion]) -> dict[tuple[str, str], Interval]:
    """Every codec against the anchor, and the subject against every codec."""
    names, anchor, subject = [result.name for result in results], plan.anchor.name, plan.subject.name
    pairs = [(anchor, name) for name in names if name != anchor]
    pairs += [(name, subject) for name in names if name not in (subject, anchor)]
    return intervals(results, pairs)


def _runnable_lossless(weights: Sequence[str], device: str) -> tuple[LosslessCodec, ...]:
    """The lossless codecs that can run here."""
    found = lossless_codecs(weights[0] if weights else None, device)
    return tuple(codec for codec in found if codec.missing() is None)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
