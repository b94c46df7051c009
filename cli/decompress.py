"""`dvcodec decompress`: .dvq files to images."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..image_io.suffixes import KNOWN
from . import archives, batch, streams
from .guard import guard
from .inputs import FILES, gather
from .naming import STANDARD, InputFile, Job, folders_of, pair
from .options import (
    Debug,
    Device,
    DeviceOption,
    DvqTrees,
    FilesFrom,
    Force,
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
    Verbose,
    bounds_of,
)
from .process import threads_each, use_threads
from .report import Reporter
from .text import printable, sizes, without

if TYPE_CHECKING:
    from ..codec.reports import DecompressReport
    from ..codec.settings import Preview
    from ..codec.view import View
    from ..image_io.bounds import Bounds


MOST_SIDE = 4096
"""The largest width and height of a thumbnail."""


@dataclass(frozen=True)
class _Request(batch.Request):
    """The settings that all files of one command share."""

    preview: Preview
    view: View
    device: str
    force: bool
    keep_times: bool
    threads: int | None
    thumbnail: int | None
    bounds: Bounds


def decompress(
    inputs: DvqTrees = None,
    output: Output = None,
    output_dir: OutputDir = None,
    recursive: Recursive = False,
    files_from: FilesFrom = None,
    null: Null = False,
    force: Force = False,
    keep_times: KeepTimes = False,
    preview: Annotated[
        str | None,
        typer.Option(
            "--preview",
            metavar="N|all",
            help="Decode only the first N chunks, which give a coarser image of full size. all decodes every whole"
            " chunk of a file that was cut short.",
        ),
    ] = None,
    scale: Annotated[
        str | None,
        typer.Option(
            "--scale",
            metavar="1/2|1/4|1/8",
            help="Write a smaller picture, whose sides are rounded up. Of photographs only what it needs is decoded:"
            " 1/8 takes about a twentieth of the time.",
        ),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(
            "--region",
            metavar="X,Y,W,H",
            help="Write only this part: left, top, width and height in pixels of the image as it is shown, that is,"
            " turned as its EXIF orientation says.",
        ),
    ] = None,
    thumbnail: Annotated[
        int | None,
        typer.Option(
            "--thumbnail",
            metavar="N",
            min=1,
            max=MOST_SIDE,
            help="Write a PNG file that is scaled down to at most N pixels wide and high, and turned as its EXIF"
            " orientation says.",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="NAME", help="Extract only the image of this name from an archive. May be repeated."
        ),
    ] = None,
    max_pixels: MaxPixels = None,
    max_memory: MaxMemory = None,
    device: DeviceOption = Device.auto,
    threads: Threads = None,
    jobs: Jobs = 1,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    as_json: Json = False,
    no_progress: NoProgress = False,
    debug: Debug = False,
) -> None:
    """Decompress files: photo.dvq becomes photo.png. With -o, the suffix chooses the format.

    A lossless file that keeps an image file as it was gives back that file, under its own suffix.

    The images of an archive go into --output-dir, or into the current folder. An existing image, such as the original
    beside its .dvq file, is not overwritten unless --force is given; use -o to choose another name.
    """
    packed, single = archives.split(gather(inputs, FILES, recursive=recursive, files_from=files_from, null=null))
    _refuse_for_archives(packed, single, output, preview, only or [])
    if packed and keep_times:
        raise typer.BadParameter("archives hold no times of their images", param_hint="--keep-times")
    if packed and thumbnail is not None:
        raise typer.BadParameter("archives have no thumbnails", param_hint="--thumbnail")
    work = pair(single, output, output_dir, _suffix if {thumbnail, scale, region} == {None} else lambda source: ".png")
    streams.check(work, force=force, as_json=as_json, keep_times=keep_times)
    reporter = Reporter(quiet, verbose, as_json, not no_progress)
    if output is not None and thumbnail is None:
        _refuse_unknown_format(output)
    elif output is not None and Path(output).suffix.lower() in KNOWN - {".png"}:
        raise typer.BadParameter("thumbnails are PNG files (use .png)", param_hint="-o")
    if output_dir is not None:
        with guard(str(output_dir), reporter, debug=debug):
            from ..image_io.atomic import make_folder

            make_folder(output_dir)
    whole, view, bounds = parse_preview(preview), _view(scale, region), bounds_of(max_pixels, max_memory)

    def unpack(source: InputFile) -> bool:
        use_threads(threads)
        folder = archives.folder_of(source, output_dir)
        return archives.unpack(
            source.path, folder, only or [], reporter, force=force, view=view, device=device.value, bounds=bounds
        )

    good = archives.each(packed, unpack, reporter, debug=debug)
    if work:
        workers = min(jobs, len(work))
        share = threads_each(threads, workers)
        request = _Request(whole, view, device.value, force, keep_times, share, thumbnail, bounds)
        with folders_of(work, output_dir) as ready:
            batch.run(decompress_one, ready, request, reporter, workers=workers, debug=debug)
    if not good:
        raise typer.Exit(1)


def _suffix(source: str) -> str:
    """Return the suffix of the image that a file gives: that of the image file that it keeps, or else .png."""
    from ..codec.lossless import kept_file

    return (kept_file.suffix_at(Path(source)) if source != STANDARD else None) or ".png"


def _refuse_for_archives(
    packed: list[InputFile], single: list[InputFile], output: str | None, preview: str | None, only: list[str]
) -> None:
    """Raise a usage error for options that do not apply to the kinds of files that are given."""
    if packed and output is not None:
        message = f"{printable(packed[0].path)} is an archive of many images (use --output-dir)"
        raise typer.BadParameter(message, param_hint="-o")
    if packed and preview is not None:
        raise typer.BadParameter("archives have no previews", param_hint="--preview")
    if only and single:
        raise typer.BadParameter(f"{printable(single[0].path)} is not an archive", param_hint="--only")


def decompress_one(job: Job, request: _Request) -> batch.Done:
    """Decompress one file, or standard input."""
    from ..codec import api

    streams.refuse(job, force=request.force)
    use_threads(request.threads)
    if request.thumbnail is not None:
        return _thumbnail(job, request, request.thumbnail)
    if STANDARD not in (job.source, job.target):
        report = api.decompress_file(
            Path(job.source),
            Path(job.target),
            force=request.force,
            preview=request.preview,
            view=request.view,
            device=request.device,
            on_progress=request.on_progress,
            bounds=request.bounds,
            keep_times=request.keep_times,
        )
    else:
        source = streams.take(job)
        format = None if job.target == STANDARD else api.format_of(Path(job.target))
        data, report = api.decompress_data(
            source,
            format=format,
            preview=request.preview,
            view=request.view,
            device=request.device,
            on_progress=request.on_progress,
            bounds=request.bounds,
        )
        streams.deliver(data, job.target, force=request.force)
    return _done(job, report)


def _view(scale: str | None, region: str | None) -> View:
    """Return the view that options ask for; raise a usage error if they are not valid, or both given."""
    from ..codec.view import parse_region, view_of
    from ..errors import InvalidArgument

    if scale is not None and region is not None:
        raise typer.BadParameter("--scale and --region exclude each other", param_hint="--region")
    try:
        return view_of(scale) if region is None else parse_region(region)
    except InvalidArgument as error:
        raise typer.BadParameter(str(error), param_hint="--scale" if region is None else "--region") from None


def _thumbnail(job: Job, request: _Request, side: int) -> batch.Done:
    """Write the thumbnail of one file."""
    from ..codec import thumbnails

    source = streams.take(job)
    data, width, height = thumbnails.thumbnail_data(
        source, side, preview=request.preview, view=request.view, device=request.device, bounds=request.bounds
    )
    streams.deliver(data, job.target, force=request.force)
    values = {"output": job.target, "width": width, "height": height, "bytes": len(data), "source_bytes": len(source)}
    return batch.Done(len(source), len(data), f"{sizes(len(source), len(data))}  {width}x{height}", (), values)


def parse_preview(text: str | None) -> Preview:
    """Return the preview that an option asks for: "all", or a number of chunks from 1 on."""
    if text is None or text == "all":
        return text
    if not text.isdecimal() or len(text) > 9 or int(text) < 1:
        raise typer.BadParameter(f"{text!r} is neither a number of chunks from 1 on nor all", param_hint="--preview")
    return int(text)


def _refuse_unknown_format(output: str) -> None:
    """Raise a usage error, before anything is read, if the suffix of the output does not name a format."""
    if output == STANDARD:
        return
    from ..codec.api import format_of
    from ..errors import OutputFailed

    try:
        format_of(Path(output))
    except OutputFailed as error:
        raise typer.BadParameter(str(error), param_hint="-o") from error


def _done(job: Job, report: DecompressReport) -> batch.Done:
    """Return the report in words and as values."""
    line = f"{sizes(report.source_bytes, report.bytes)}  {report.width}x{report.height} {report.mode}"
    if report.chunks < report.total_chunks:
        line += f"  {report.chunks} of {report.total_chunks} chunks"
    details = (f"{report.chunks} of {report.total_chunks} chunks decoded",)
    values = {"output": job.target, **asdict(report)}
    warnings = without(report.dropped, "the format")
    return batch.Done(report.source_bytes, report.bytes, line, details, values, warnings)
