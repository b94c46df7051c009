"""Many files through one piece of work: the rest go on when one fails, in this process or in several."""

from __future__ import annotations

import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from typing import Any

import typer

from .naming import STANDARD, Job
from .report import Reporter
from .text import number, printable, ratio, reason, sizes


@dataclass(frozen=True)
class Done:
    """What became of one file.

    Sizes are in bytes, `line` is what the report line says after the names, `details` are the lines that -v adds and
    `facts` what --json prints. A failed one has an `error` and perhaps a `trace`back instead.
    """

    size_in: int = 0
    size_out: int = 0
    line: str = ""
    details: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""
    trace: str = ""


Work = Callable[[Job, Any], Done]
"""Does one file. A function at module level, since another process may have to find it."""


def run(
    work: Work, jobs: list[Job], options: Any, reporter: Reporter, *, workers: int = 1, debug: bool = False
) -> None:
    """Do every job, report each in order, sum up; leaves with exit status 1 where one failed."""
    began = time.perf_counter()
    finished: list[Done] = []
    with reporter.bar(len(jobs)) as advance:
        for job, done in _each(work, jobs, options, min(workers, len(jobs))):
            finished.append(done)
            advance()
            _report(job, done, reporter, debug)
    if len(jobs) > 1:
        reporter.line(_summary(finished, time.perf_counter() - began))
    if any(done.error for done in finished):
        raise typer.Exit(1)


def attempt(work: Work, job: Job, options: Any) -> Done:
    """Do one job; whatever goes wrong becomes part of the answer."""
    began = time.perf_counter()
    try:
        done = work(job, options)
    except Exception as error:
        done = Done(error=reason(error), trace=traceback.format_exc())
    return replace(done, seconds=time.perf_counter() - began)


def _each(work: Work, jobs: list[Job], options: Any, workers: int) -> Iterator[tuple[Job, Done]]:
    if workers == 1:
        for job in jobs:
            yield job, attempt(work, job, options)
    else:
        yield from _spread(work, jobs, options, workers)


def _spread(work: Work, jobs: list[Job], options: Any, workers: int) -> Iterator[tuple[Job, Done]]:
    """The jobs in order, done by worker processes; an interrupt drops those that have not begun."""
    import multiprocessing

    context = multiprocessing.get_context("spawn")  # a forked torch can hang in its thread pool
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_deaf)
    try:
        futures = [pool.submit(_in_worker, work, job, options) for job in jobs]
        for job, future in zip(jobs, futures, strict=True):
            yield job, _answer(future)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _answer(future: Future[Done]) -> Done:
    try:
        return future.result()
    except BrokenProcessPool:
        return Done(error="a worker process died (out of memory? try fewer --jobs)")


_interrupted = threading.Event()
"""Set in a worker process once it was interrupted: what is still queued for it is not begun."""


def _deaf() -> None:
    """An idle worker leaves interrupts to its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _in_worker(work: Work, job: Job, options: Any) -> Done:
    """Do one job in a worker; an interrupt ends it cleanly, so that no half-written file stays."""
    if _interrupted.is_set():
        return Done(error="interrupted")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return attempt(work, job, options)
    except KeyboardInterrupt:
        _interrupted.set()
        return Done(error="interrupted")
    finally:
        _deaf()


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
    if reporter.verbose:
        for detail in done.details:
            reporter.line(f"  {detail}")
    reporter.record({"input": job.source, **done.facts, "seconds": round(done.seconds, 3)})


def _summary(finished: list[Done], seconds: float) -> str:
    """`3 files, 1 failed  2 406 822 -> 804 236 B  2.99x  2.1 s`."""
    good = [done for done in finished if not done.error]
    failed = len(finished) - len(good)
    before, after = sum(done.size_in for done in good), sum(done.size_out for done in good)
    parts = [f"{number(len(finished))} files" + (f", {number(failed)} failed" if failed else "")]
    if before and after:
        parts += [sizes(before, after), ratio(before, after)]
    return "  ".join([*parts, f"{seconds:.1f} s"])
