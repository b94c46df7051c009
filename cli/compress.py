"""`dvcodec compress`: images to .dvq files."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import archives, batch, streams
from .guard import guard
from .naming import STANDARD, Job, pair
from .options import (
    ADVANCED,
    FLAG,
    Debug,
    Device,
    DeviceOption,
    Force,
    ImageInputs,
    Jobs,
    Json,
    NoProgress,
    Output,
    OutputDir,
    Quiet,
    Threads,
    Tuning,
    Verbose,
)
from .process import threads_each, use_threads
from .report import Reporter
from .text import ratio, sizes

if TYPE_CHECKING:
    from ..codec.api import CompressReport, Settings

TARGETS = "Size and quality"


class Method(StrEnum):
    """How lossless pixels are coded; auto takes the smallest file. bits-back is of archives."""

    auto = "auto"
    model = "model"
    bilevel = "bilevel"
    webp = "webp"
    stored = "stored"
    bits_back = "bits-back"


@dataclass(frozen=True)
class _Request:
    """What every file of one command has in common."""

    settings: Settings
    force: bool
    threads: int | None


def compress(
    inputs: ImageInputs,
    quality: Annotated[
        float | None,
        typer.Option(
            "-q", "--quality", min=1, max=100, metavar="Q", help="1 to 100; default 50.", rich_help_panel=TARGETS
        ),
    ] = None,
    target_bpp: Annotated[
        float | None,
        typer.Option("--target-bpp", metavar="BITS", help="At most BITS per pixel.", rich_help_panel=TARGETS),
    ] = None,
    target_size: Annotated[
        int | None,
        typer.Option("--target-size", min=1, metavar="BYTES", help="At most BYTES a file.", rich_help_panel=TARGETS),
    ] = None,
    target_psnr: Annotated[
        float | None,
        typer.Option("--target-psnr", metavar="DB", help="At least DB decibels.", rich_help_panel=TARGETS),
    ] = None,
    lossless: Annotated[
        bool,
        typer.Option("--lossless", metavar=FLAG, help="Keep every pixel, and the mode.", rich_help_panel=TARGETS),
    ] = False,
    method: Annotated[
        Method | None,
        typer.Option(
            "--method", help="With --lossless; auto, the default, takes the smallest.", rich_help_panel=ADVANCED
        ),
    ] = None,
    effort: Annotated[
        int | None,
        typer.Option(
            "--effort",
            min=1,
            max=9,
            metavar="N",
            help="Walks over the image, 1 to 9; default 4. More show more in about as many bytes, and take longer.",
            rich_help_panel=ADVANCED,
        ),
    ] = None,
    tune: Annotated[
        Tuning | None,
        typer.Option("--tune", help="Errors count alike, or where they show; default psnr.", rich_help_panel=TARGETS),
    ] = None,
    output: Output = None,
    output_dir: OutputDir = None,
    archive: Annotated[
        str | None,
        typer.Option("--archive", metavar="FILE", help="With --lossless: all images into this one file."),
    ] = None,
    no_names: Annotated[
        bool, typer.Option("--no-names", metavar=FLAG, help="With --archive: leave out the names of the images.")
    ] = False,
    force: Force = False,
    strip: Annotated[bool, typer.Option("--strip", metavar=FLAG, help="Leave out EXIF, ICC profile and XMP.")] = False,
    weights: Annotated[
        str | None,
        typer.Option("--weights", metavar="NAME|PATH", help="Weights to use; see `models`.", rich_help_panel=ADVANCED),
    ] = None,
    device: DeviceOption = Device.auto,
    threads: Threads = None,
    jobs: Jobs = 1,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    as_json: Json = False,
    no_progress: NoProgress = False,
    debug: Debug = False,
) -> None:
    """Compress images: photo.png -> photo.dvq. At most one of -q, the three targets and --lossless.

    With --lossless --archive FILE all images go into one file, small ones of a size together.
    """
    aims = {"-q": quality, "--target-bpp": target_bpp, "--target-size": target_size, "--target-psnr": target_psnr}
    _refuse_bad_aims({name: value for name, value in aims.items() if value is not None}, lossless, method)
    for option, value in {"--effort": effort, "--tune": tune}.items():
        if value is not None and lossless:
            raise typer.BadParameter("it is of lossy files only", param_hint=option)
    given = {"-o": output is not None, "--output-dir": output_dir is not None, "--no-names": no_names}
    given["--method bits-back"] = method is Method.bits_back
    archives.refuse(inputs, archive, given, lossless=lossless, jobs=jobs)
    work = pair(inputs, output, output_dir, ".dvq") if archive is None else []
    streams.check(work, force=force, as_json=as_json)
    reporter = Reporter(quiet, verbose, as_json, not no_progress)
    with guard(weights or "weights", reporter, debug=debug):
        from ..codec.api import Settings
        from ..weights import find

        if weights is not None:
            find(weights)
    chosen = None if method in (None, Method.auto) else method.value
    if archive is not None:
        from ..codec.archives.packing import Settings as ArchiveSettings

        use_threads(threads)
        packed = ArchiveSettings(weights, device.value, strip, chosen, not no_names)
        archives.pack(inputs, Path(archive), packed, reporter, force=force, debug=debug)
        return
    if output_dir is not None:
        with guard(str(output_dir), reporter, debug=debug):
            output_dir.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        quality=quality,
        target_bpp=target_bpp,
        target_size=target_size,
        target_psnr=target_psnr,
        weights=weights,
        device=device.value,
        strip=strip,
        lossless=lossless,
        method=chosen,
        effort=effort,
        tune=None if tune is None else tune.value,
    )
    workers = min(jobs, len(work))
    request = _Request(settings, force, threads_each(threads, workers))
    batch.run(compress_one, work, request, reporter, workers=workers, debug=debug)


def compress_one(job: Job, request: _Request) -> batch.Done:
    """Compress one file, or standard input."""
    from ..codec import api

    streams.refuse(job, force=request.force)
    use_threads(request.threads)
    if STANDARD not in (job.source, job.target):
        report = api.compress_file(Path(job.source), Path(job.target), request.settings, force=request.force)
    else:
        source = streams.take(job)
        data, report = api.compress_data(source, request.settings)
        streams.deliver(data, job.target, force=request.force)
    return _done(job, report)


def _refuse_bad_aims(given: dict[str, float], lossless: bool, method: Method | None) -> None:
    """One aim at most, and a number that means something."""
    names = [*given, "--lossless"] if lossless else [*given]
    if len(names) > 1:
        raise typer.BadParameter(f"{' and '.join(names)} exclude each other", param_hint=names[-1])
    if method is not None and not lossless:
        raise typer.BadParameter("it is of lossless files only (use --lossless)", param_hint="--method")
    for name, value in given.items():
        if not math.isfinite(value) or value <= 0:
            raise typer.BadParameter(f"{value} is not a positive number", param_hint=name)


def _done(job: Job, report: CompressReport) -> batch.Done:
    """The report in words and as values."""
    line = (
        f"{sizes(report.source_bytes, report.bytes)}  {report.bpp:.2f} bpp  {ratio(report.source_bytes, report.bytes)}"
    )
    how = f"lossless, {report.method}" if report.method else f"quality {report.quality:g}"
    weights = f"  weights {report.weights}" if report.weights else ""
    details = [
        f"{report.width}x{report.height} {report.mode}  {how}{weights}",
        f"{report.chunks} chunks, {report.overhead_bytes} bytes beside them",
    ]
    if report.psnr is not None:
        details.insert(1, f"PSNR {report.psnr:.2f} dB")
    details += [f"layer {name}: {bits / 8:.0f} bytes" for name, bits in report.layer_bits]
    facts = {"output": job.target, **asdict(report), "layer_bits": dict(report.layer_bits)}
    return batch.Done(report.source_bytes, report.bytes, line, tuple(details), facts)
