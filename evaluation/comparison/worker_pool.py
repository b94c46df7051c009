"""A function applied to many tasks in this process or in several, with the answers in the order of the tasks."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from ...errors import DvcodecError

Task = TypeVar("Task")
Answer = TypeVar("Answer")


def each(
    work: Callable[[Task], Answer], tasks: Sequence[Task], jobs: int = 1, threads: int | None = None
) -> Iterator[tuple[Task, Answer]]:
    """Yield every task with its answer. An interrupt drops the tasks that have not begun.

    Args:
        work: a function at module level, since workers are spawned (a forked torch can hang).
        tasks: arguments of `work`, which have to be picklable if there is more than one job.
        jobs: number of processes; with one, the work is done in this process and its threads are left alone.
        threads: CPU threads of the networks in each worker; None for what torch chooses.

    Raises:
        DvcodecError: a worker process died.
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
        raise DvcodecError("a worker process died", "out of memory? try fewer `jobs`") from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin(threads: int | None) -> None:
    """Prepare a new worker: ignore interrupts, which the parent handles, and limit the threads."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if threads is not None:
        from ...codec.loading import limit_threads

        limit_threads(threads)
