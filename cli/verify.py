"""`dvcodec verify`: decodes files and checks every checksum, without writing anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from . import archives, batch, streams
from .inputs import FILES, gather
from .naming import STANDARD, InputFile, Job
from .options import (
    Debug,
    Device,
    DeviceOption,
    DvqTrees,
    FilesFrom,
    Jobs,
    Json,
    MaxMemory,
    MaxPixels,
    NoProgress,
    Null,
    Quiet,
    Recursive,
    Threads,
    Verbose,
    bounds_of,
)
from .process import threads_each, use_threads
from .report import Reporter
from .text import number

if TYPE_CHECKING:
    from ..image_io.bounds import Bounds


@dataclass(frozen=True)
class _Request(batch.Request):
    """The settings that all files of one command share."""

    device: str
    threads: int | None
    bounds: Bounds


def verify(
    inputs: DvqTrees = None,
    recursive: Recursive = False,
    files_from: FilesFrom = None,
    null: Null = False,
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
    """Check files for damage: decode them and check every checksum, without writing anything.

    The exit status is 1 if a file is damaged.
    """
    packed, single = archives.split(gather(inputs, FILES, recursive=recursive, files_from=files_from, null=null))
    work = [Job(source.path, "", source.error) for source in single]
    streams.check(work, force=False, as_json=as_json)
    reporter, bounds = Reporter(quiet, verbose, as_json, not no_progress), bounds_of(max_pixels, max_memory)

    def check(source: InputFile) -> bool:
        use_threads(threads)
        return archives.verify(source.path, reporter, device=device.value, bounds=bounds)

    good = archives.each(packed, check, reporter, debug=debug)
    if work:
        workers = min(jobs, len(work))
        request = _Request(device.value, threads_each(threads, workers), bounds)
        batch.run(verify_one, work, request, reporter, workers=workers, debug=debug)
    if not good:
        raise typer.Exit(1)


def verify_one(job: Job, request: _Request) -> batch.Done:
    """Decode one file, or standard input."""
    from ..codec import api

    use_threads(request.threads)
    if job.source == STANDARD:
        report = api.verify_data(streams.read(), device=request.device, bounds=request.bounds)
    else:
        report = api.verify_file(Path(job.source), device=request.device, bounds=request.bounds)
    values = {
        "ok": True,
        "width": report.width,
        "height": report.height,
        "mode": report.mode,
        "bytes": report.source_bytes,
        "chunks": report.chunks,
    }
    line = f"ok  {number(report.source_bytes)} B  {report.width}x{report.height} {report.mode}"
    return batch.Done(report.source_bytes, 0, line, (f"{report.chunks} chunks",), values)
