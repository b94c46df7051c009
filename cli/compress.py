"""`dvcodec compress`: images to .dvq files."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from ..codec.settings import ArchiveSettings, CompressSettings, Method
from ..errors import InvalidArgument
from ..image_io.suffixes import KNOWN
from . import archives, batch, streams
from .guard import guard
from .inputs import IMAGES, gather
from .naming import STANDARD, Job, folders_of, pair
from .options import (
    ADVANCED,
    FLAG,
    Debug,
    Device,
    DeviceOption,
    FilesFrom,
    Force,
    ImageInputs,
    Jobs,
    Json,
    KeepTimes,
    MaxMemory,
    MaxPixels,
    NoProgress,
    Null,
    Output,
    OutputDir,
    Quiet,
    Recursive,
    Threads,
    Tuning,
    Verbose,
    bounds_of,
    numeric,
    setting,
)
from .process import threads_each, use_threads
from .report import Reporter
from .text import printable, ratio, sizes, with_options, without
from .values import Size, size

if TYPE_CHECKING:
    from ..codec.reports import CompressReport

TARGETS = "Size and quality"
S = TypeVar("S", bound=CompressSettings)
SIZE_HELP = (
    "Choose the best quality with at most this many bytes in the file: 20000, 20kB (1000 bytes each), 20KiB (1024), MB,"
    " MiB, or 10% of the source."
)


@dataclass(frozen=True)
class _Request(batch.Request):
    """The settings that all files of one command share."""

    settings: CompressSettings
    size: Size | None
    """The target size, which may be a share of each source."""
    force: bool
    keep_times: bool
    threads: int | None


def compress(
    inputs: ImageInputs = None,
    quality: Annotated[float | None, numeric("quality", "-q", "--quality", panel=TARGETS)] = None,
    target_bpp: Annotated[float | None, numeric("target_bpp", panel=TARGETS)] = None,
    target_size: Annotated[
        Size | None, setting("target_size", panel=TARGETS, parser=size, metavar="SIZE", help=SIZE_HELP)
    ] = None,
    target_psnr: Annotated[float | None, numeric("target_psnr", panel=TARGETS)] = None,
    target_ssimulacra2: Annotated[float | None, numeric("target_ssimulacra2", panel=TARGETS)] = None,
    lossless: Annotated[bool, setting("lossless", panel=TARGETS, switch=True)] = False,
    method: Annotated[Method | None, setting("method", panel=ADVANCED)] = None,
    effort: Annotated[int | None, setting("effort", panel=ADVANCED)] = None,
    tune: Annotated[Tuning | None, setting("tune", panel=TARGETS)] = None,
    output: Output = None,
    output_dir: OutputDir = None,
    recursive: Recursive = False,
    files_from: FilesFrom = None,
    null: Null = False,
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
    max_pixels: MaxPixels = None,
    max_memory: MaxMemory = None,
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

    Give at most one of -q, the four targets and --lossless. With --archive FILE, all images go into one file; with
    --lossless, small images of one size are coded together there.
    """
    _refuse_images(output, "-o")
    _refuse_images(archive, "--archive")
    given = {"-o": output is not None, "--output-dir": output_dir is not None, "--no-names": no_names}
    given["--keep-times"] = keep_times
    given["--method bits-back"] = method is Method.bits_back
    archives.refuse(inputs or [], archive, given, jobs=jobs)
    if archive is not None and target_size is not None and target_size.share:
        raise typer.BadParameter("an archive takes no share of each source (give bytes)", param_hint="--target-size")
    bounds = bounds_of(max_pixels, max_memory)
    settings = _settings(
        CompressSettings,
        quality=quality,
        target_bpp=target_bpp,
        target_size=None if target_size is None else target_size.of(1),
        target_psnr=target_psnr,
        target_ssimulacra2=target_ssimulacra2,
        lossless=lossless,
        method=None if archive is not None else method,
        effort=effort,
        tune=tune,
        strip=strip,
        convert=convert,
        weights=weights,
        device=device.value,
        max_pixels=bounds.max_pixels,
        max_memory=bounds.max_memory,
    )
    packed = _settings(ArchiveSettings, **vars(settings) | {"method": method, "names": not no_names})
    sources = gather(inputs, IMAGES, recursive=recursive, files_from=files_from, null=null)
    work = pair(sources, output, output_dir, lambda source: ".dvq") if archive is None else []
    streams.check(work, force=force, as_json=as_json, keep_times=keep_times)
    reporter = Reporter(quiet, verbose, as_json, not no_progress)
    with guard(weights or "weights", reporter, debug=debug):
        from ..weights import find

        if weights is not None:
            find(weights)
    if archive is not None:
        use_threads(threads)
        archives.pack(sources, Path(archive), packed, reporter, force=force, debug=debug)
        return
    if output_dir is not None:
        with guard(str(output_dir), reporter, debug=debug):
            from ..image_io.atomic import make_folder

            make_folder(output_dir)
    workers = min(jobs, len(work))
    request = _Request(settings, target_size, force, keep_times, threads_each(threads, workers))
    with folders_of(work, output_dir) as ready:
        batch.run(compress_one, ready, request, reporter, workers=workers, debug=debug)


def compress_one(job: Job, request: _Request) -> batch.Done:
    """Compress one file, or standard input."""
    from ..codec import api

    streams.refuse(job, force=request.force)
    use_threads(request.threads)
    if STANDARD not in (job.source, job.target):
        source, target = Path(job.source), Path(job.target)
        how = _sized(request, source.stat().st_size if request.size and source.exists() else 0)
        report = api.compress_file(
            source, target, how, force=request.force, keep_times=request.keep_times, on_progress=request.on_progress
        )
    else:
        taken = streams.take(job)
        data, report = api.compress_data(taken, _sized(request, len(taken)), request.on_progress)
        streams.deliver(data, job.target, force=request.force)
    return _done(job, report)


def _sized(request: _Request, source_bytes: int) -> CompressSettings:
    """Return the settings for a source of so many bytes."""
    if request.size is None:
        return request.settings
    return replace(request.settings, target_size=request.size.of(source_bytes))


def _refuse_images(output: str | None, option: str) -> None:
    """Raise a usage error for an output that is named like an image of another format."""
    if output is not None and Path(output).suffix.lower() in KNOWN:
        name = printable(str(Path(output).with_suffix(".dvq")))
        raise typer.BadParameter(f"compress writes .dvq files (type: {option} {name})", param_hint=option)


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
    if report.ssimulacra2 is not None:
        details.insert(1, f"SSIMULACRA 2 {report.ssimulacra2:.2f}")
    details += [f"layer {name}: {bits / 8:.0f} bytes" for name, bits in report.layer_bits]
    values = {"output": job.target, **asdict(report), "layer_bits": dict(report.layer_bits)}
    warnings = (*report.notices, *without(report.dropped, "a .dvq file"), *_growth(report))
    return batch.Done(report.source_bytes, report.bytes, line, tuple(details), values, warnings)


def _growth(report: CompressReport) -> tuple[str, ...]:
    """Return the warning that a file is larger than its source; none if it is not."""
    if not 0 < report.source_bytes < report.bytes:
        return ()
    if report.method == Method.file:
        return (f"nothing was saved: the image file is kept as it is, {sizes(report.source_bytes, report.bytes)}",)
    hint = "keep the source" if report.method else "try a lower -q, or --lossless"
    return (f"the output is larger than the input, {sizes(report.source_bytes, report.bytes)} ({hint})",)
