"""A function applied to many tasks in this process or in several, with the answers in the order of the tasks."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import partial
from typing import TypeVar

from ...processes import workers

Task = TypeVar("Task")
Answer = TypeVar("Answer")

DIED = "a worker process died (out of memory? try fewer `jobs`)"
"""The answer to a task whose worker process died."""


def each(
    work: Callable[[Task], Answer], tasks: Sequence[Task], jobs: int = 1, threads: int | None = None
) -> Generator[tuple[Task, Answer | str]]:
    """Yield every task with its answer. An interrupt drops the tasks that have not begun.

    Args:
        work: a function at module level, since workers are spawned (a forked torch can hang).
        tasks: arguments of `work`, which have to be picklable if there is more than one job.
        jobs: number of processes; with one, the work is done in this process and its threads are left alone.
        threads: CPU threads of the networks in each worker; None for what torch chooses.

    Yields:
        A task, and its answer or DIED.
    """
    if min(jobs, len(tasks)) <= 1:
        for task in tasks:
            yield task, work(task)
        return
    begin = None if threads is None else partial(_limit, threads)
    with closing(workers.each(work, tasks, jobs, begin)) as answers:
        for task, answer in zip(tasks, answers, strict=True):
            yield task, DIED if isinstance(answer, workers.Died) else answer


def _limit(threads: int) -> None:
    from ...codec.loading import limit_threads

    limit_threads(threads)
