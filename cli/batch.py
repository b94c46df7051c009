"""Work on many files, in one process or in several. When one file fails, the others go on."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import typer

from ..processes.signals import repeat_lost
from ..progress import OnProgress, ignore
from .naming import STANDARD, Job
from .report import Reporter
from .text import number, printable, ratio, reason, sizes


@dataclass(frozen=True)
class Done:
    """The result of the work on one file."""

    size_in: int = 0
    """Bytes of the input; 0 if unknown."""
    size_out: int = 0
    """Bytes of the output; 0 if nothing was written."""
    line: str = ""
    """What the report line says after the names."""
    details: tuple[str, ...] = ()
    """Lines that -v adds."""
    values: Mapping[str, object] = field(default_factory=dict)
    """What --json prints."""
    warnings: tuple[str, ...] = ()
    """What a user should know of a file that was written, a line each."""
    seconds: float = 0.0
    error: str = ""
    """The reason of a failure in one line; empty if there was none."""
    trace: str = ""
    """The traceback of a failure, for --debug."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What all files of one command share; commands add their settings."""

    on_progress: OnProgress = ignore
    """Takes the share of a file that is done. Files in worker processes tell only that they are done."""


DIED = "a worker process died (out of memory? try fewer --jobs)"
"""The error of a job whose worker process died."""

Work = Callable[[Job, Any], Done]
"""A function that does one file. It stands at module level, so that worker processes find it by name."""


def run(
    work: Work, jobs: list[Job], options: Any, reporter: Reporter, *, workers: int = 1, debug: bool = False
) -> None:
    """Do every job, report each in order, and sum up.

    Args:
        work: What to do with each job.
        jobs: Inputs and their outputs.
        options: What `work` is given beside the job.
        reporter: Where reports go.
        workers: Number of processes.
        debug: Whether to print tracebacks.

    Raises:
        typer.Exit: With status 1, after all jobs, if one of them failed.
    """
    began = time.perf_counter()
    finished: list[Done] = []
    with (
        reporter.bar(len(jobs)) as advance,
        closing(_each(work, jobs, options, min(workers, len(jobs)), advance.share)) as results,
    ):
        for job, done in results:
            repeat_lost()
            finished.append(done)
            advance()
            _report(job, done, reporter, debug)
    if len(jobs) > 1:
        reporter.line(_summary(finished, time.perf_counter() - began))
    if any(done.error for done in finished):
        raise typer.Exit(1)


def attempt(work: Work, job: Job, options: Any) -> Done:
    """Do one job and return its result; a failure is a result too."""
    if job.error:
        return Done(error=job.error)
    began = time.perf_counter()
    try:
        done = work(job, options)
    except Exception as error:
        done = Done(error=reason(error), trace=traceback.format_exc())
    return replace(done, seconds=time.perf_counter() - began)


def _each(
    work: Work, jobs: list[Job], options: Any, workers: int, on_progress: OnProgress
) -> Generator[tuple[Job, Done]]:
    if workers == 1:
        if isinstance(options, Request):
            options = replace(options, on_progress=on_progress)
        for job in jobs:
            yield job, attempt(work, job, options)
    else:
        yield from _spread(work, jobs, options, workers)


def _spread(work: Work, jobs: list[Job], options: Any, workers: int) -> Generator[tuple[Job, Done]]:
    """Yield the jobs in order as worker processes do them; one whose worker dies has failed, and the others go on."""
    from ..processes.workers import Died, each

    with closing(each(partial(_answered, work, options), jobs, workers)) as answers:
        for job, done in zip(jobs, answers, strict=True):
            yield job, Done(error=DIED) if isinstance(done, Died) else done


def _answered(work: Work, options: Any, job: Job) -> Done:
    return attempt(work, job, options)


def _report(job: Job, done: Done, reporter: Reporter, debug: bool) -> None:
    if done.error:
        if debug and done.trace:
            reporter.trace(done.trace)
        reporter.error(job.label, done.error)
        reporter.record({"input": job.source, "error": done.error})
        return
    target = f" -> {printable('stdout' if job.target == STANDARD else job.target)}" if job.target else ""
    if done.line:
        reporter.line(f"{printable(job.label)}{target}  {done.line}  {done.seconds:.1f} s")
    for warning in done.warnings:
        reporter.warning(job.label, warning)
    if reporter.verbose:
        for detail in done.details:
            reporter.line(f"  {detail}")
    reporter.record({"input": job.source, **done.values, "seconds": round(done.seconds, 3)})


def _summary(finished: list[Done], seconds: float) -> str:
    """Return a line such as `3 files, 1 failed  2 406 822 -> 804 236 B  2.99x  2.1 s`."""
    good = [done for done in finished if not done.error]
    failed = len(finished) - len(good)
    before, after = sum(done.size_in for done in good), sum(done.size_out for done in good)
    parts = [f"{number(len(finished))} files" + (f", {number(failed)} failed" if failed else "")]
    if before and after:
        parts += [sizes(before, after), ratio(before, after)]
    return "  ".join([*parts, f"{seconds:.1f} s"])
