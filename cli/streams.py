"""Read binary data from standard input and write it to standard output."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import typer

from . import report
from .naming import STANDARD, Job


def check(jobs: list[Job], *, force: bool, as_json: bool, keep_times: bool = False) -> None:
    """Raise a usage error if binary data would go to or come from a terminal, or be mixed with JSON, or lacks times."""
    writes = any(job.target == STANDARD for job in jobs)
    reads = any(job.source == STANDARD for job in jobs)
    if keep_times and (reads or writes):
        raise typer.BadParameter("standard input and output have no times to keep", param_hint="--keep-times")
    if writes and as_json:
        raise typer.BadParameter("standard output takes the data (use -o FILE)", param_hint="--json")
    if writes and not force and report.is_terminal(sys.stdout):
        raise typer.BadParameter("standard output is a terminal (use -o FILE, a pipe, or --force)", param_hint="-o")
    if reads and not force and report.is_terminal(sys.stdin):
        raise typer.BadParameter("standard input is a terminal (name a file, or pipe one in)", param_hint="input")


def read() -> bytes:
    """Return all of standard input."""
    if sys.stdin is None:
        raise OSError(errno.EBADF, "standard input is closed")
    return sys.stdin.buffer.read()


def refuse(job: Job, *, force: bool) -> None:
    """Raise an error for an output that must not be written, before anything is loaded or read."""
    if job.target != STANDARD:
        from ..image_io.atomic import check_target, check_writable

        check_target(None if job.source == STANDARD else Path(job.source), Path(job.target), force=force)
        if job.source == STANDARD:  # files are compressed by functions that do this themselves
            check_writable(Path(job.target))


def take(job: Job) -> bytes:
    """Return the bytes of the input."""
    return read() if job.source == STANDARD else Path(job.source).read_bytes()


def deliver(data: bytes | memoryview, target: str, *, force: bool) -> None:
    """Write the data to standard output, or to a file; one that exists is overwritten only with `force`."""
    if target == STANDARD:
        write(data)
    else:
        from ..image_io import atomic

        atomic.write(Path(target), data, force=force)


def write(data: bytes | memoryview) -> None:
    """Write all the data to standard output; a failure is raised now rather than at exit."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, "standard output is closed")
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # The reader left. What is still buffered must not be tried again when Python closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise
