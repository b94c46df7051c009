"""`dvcodec compress`: images to .dvq files."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from ..codec.settings import ArchiveSettings, CompressSettings, Method
from ..errors import InvalidArgument
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
    KeepTimes,
    NoProgress,
    Output,
    OutputDir,
    Quiet,
    Threads,
    Tuning,
    Verbose,
    setting,
)
from .process import threads_each, use_threads
from .report import Reporter
from .text import ratio, sizes, with_options, without

if TYPE_CHECKING:
    from ..codec.reports import CompressReport

TARGETS = "Size and quality"
S = TypeVar("S", bound=CompressSettings)


@dataclass(frozen=True)
class _Request(batch.Request):
    """The settings that all files of one command share."""

    settings: CompressSettings
    force: bool
    keep_times: bool
    threads: int | None


def compress(
    inputs: ImageInputs,
    quality: Annotated[float | None, setting("quality", "-q", "--quality", panel=TARGETS)] = None,
    target_bpp: Annotated[float | None, setting("target_bpp", panel=TARGETS)] = None,
    target_size: Annotated[int | None, setting("target_size", panel=TARGETS)] = None,
    target_psnr: Annotated[float | None, setting("target_psnr", panel=TARGETS)] = None,
    lossless: Annotated[bool, setting("lossless", panel=TARGETS, switch=True)] = False,
    method: Annotated[Method | None, setting("method", panel=ADVANCED)] = None,
    effort: Annotated[int | None, setting("effort", panel=ADVANCED)] = None,
    tune: Annotated[Tuning | None, setting("tune", panel=TARGETS)] = None,
    output: Output = None,
    output_dir: OutputDir = None,
    archive: Annotated[
        str | None,
        typer.Option("--archive", metavar="FILE", help="Write all images into this one archive."),
    ] = None,
    no_names: Annotated[
        bool, typer.Option("--no-names", metavar=FLAG, help="Leave out the names of the images, with --archive only.")
    ] = False,
    force: Force = False,
    keep_times: KeepTimes = False,
    strip: Annotated[bool, setting("strip", switch=True)] = False,
    convert: Annotated[bool, setting("convert", switch=True)] = False,
    weights: Annotated[str | None, setting("weights", panel=ADVANCED)] = None,
    device: DeviceOption = Device.auto,
    threads: Threads = None,
    jobs: Jobs = 1,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    as_json: Json = False,
    no_progress: NoProgress = False,
    debug: Debug = False,
) -> None:
    """Compress images: photo.png becomes photo.dvq.

    Give at most one of -q, the three targets and --lossless. With --archive FILE, all images go into one file; with
    --lossless, small images of one size are coded together there.
    """
    given = {"-o": output is not None, "--output-dir": output_dir is not None, "--no-names": no_names}
    given["--keep-times"] = keep_times
    given["--method bits-back"] = method is Method.bits_back
    archives.refuse(inputs, archive, given, jobs=jobs)
    settings = _settings(
        CompressSettings,
        quality=quality,
        target_bpp=target_bpp,
        target_size=target_size,
        target_psnr=target_psnr,
        lossless=lossless,
        method=None if archive is not None else method,
        effort=effort,
        tune=tune,
        strip=strip,
        convert=convert,
        weights=weights,
        device=device.value,
    )
    packed = _settings(ArchiveSettings, **vars(settings) | {"method": method, "names": not no_names})
    work = pair(inputs, output, output_dir, ".dvq") if archive is None else []
    streams.check(work, force=force, as_json=as_json, keep_times=keep_times)
    reporter = Reporter(quiet, verbose, as_json, not no_progress)
    with guard(weights or "weights", reporter, debug=debug):
        from ..weights import find

        if weights is not None:
            find(weights)
    if archive is not None:
        use_threads(threads)
        archives.pack(inputs, Path(archive), packed, reporter, force=force, debug=debug)
        return
    if output_dir is not None:
        with guard(str(output_dir), reporter, debug=debug):
            from ..image_io.atomic import make_folder

            make_folder(output_dir)
    workers = min(jobs, len(work))
    request = _Request(settings, force, keep_times, threads_each(threads, workers))
    batch.run(compress_one, work, request, reporter, workers=workers, debug=debug)


def compress_one(job: Job, request: _Request) -> batch.Done:
    """Compress one file, or standard input."""
    from ..codec import api

    streams.refuse(job, force=request.force)
    use_threads(request.threads)
    if STANDARD not in (job.source, job.target):
        source, target, how = Path(job.source), Path(job.target), request.settings
        report = api.compress_file(
            source, target, how, force=request.force, keep_times=request.keep_times, on_progress=request.on_progress
        )
    else:
        data, report = api.compress_data(streams.take(job), request.settings, request.on_progress)
        streams.deliver(data, job.target, force=request.force)
    return _done(job, report)


def _settings(kind: type[S], **given: Any) -> S:
    """Return settings of a class; raise a usage error if they contradict each other."""
    try:
        return kind(**given)
    except InvalidArgument as error:
        raise typer.BadParameter(with_options(str(error))) from None


def _done(job: Job, report: CompressReport) -> batch.Done:
    """Return the report in words and as values."""
    line = (
        f"{sizes(report.source_bytes, report.bytes)}  {report.bpp:.2f} bpp  {ratio(report.source_bytes, report.bytes)}"
    )
    how = f"lossless, {report.method}" if report.method else f"quality {report.quality:g}"
    weights = f"  weights {report.weights}" if report.weights else ""
    details = [
        f"{report.width}x{report.height} {report.mode}  {how}{weights}",
        f"{report.chunks} chunks, {report.overhead_bytes} bytes of header, filter, alpha and metadata",
    ]
    if report.psnr is not None:
        details.insert(1, f"PSNR {report.psnr:.2f} dB")
    details += [f"layer {name}: {bits / 8:.0f} bytes" for name, bits in report.layer_bits]
    values = {"output": job.target, **asdict(report), "layer_bits": dict(report.layer_bits)}
    warnings = (*report.notices, *without(report.dropped, "a .dvq file"))
    return batch.Done(report.source_bytes, report.bytes, line, tuple(details), values, warnings)
