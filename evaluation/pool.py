"""One piece of work over many tasks, in this process or in several, answers in the order of the tasks."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from ..errors import DvcodecError

Task = TypeVar("Task")
Answer = TypeVar("Answer")


def each(
    work: Callable[[Task], Answer], tasks: Sequence[Task], jobs: int = 1, threads: int | None = None
) -> Iterator[tuple[Task, Answer]]:
    """Every task with its answer; `threads` are the CPU threads of each worker's networks.

    With one job the work is done in this process, whose threads are its own affair. Workers are spawned, since a forked
    torch can hang; `work` has to be a function at module level. An interrupt drops what has not begun. DvcodecError if
    a worker dies.
    """
    workers = min(jobs, len(tasks))
    if workers <= 1:
        for task in tasks:
            yield task, work(task)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(threads,))
    try:
        futures = [pool.submit(work, task) for task in tasks]
        for task, future in zip(tasks, futures, strict=True):
            yield task, future.result()
    except BrokenProcessPool:
        raise DvcodecError("a worker process died", "out of memory? try fewer --jobs") from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin(threads: int | None) -> None:
    """In a new worker: leave interrupts to the parent, and keep to the threads."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if threads is not None:
        from ..codec.loading import limit_threads

        limit_threads(threads)
