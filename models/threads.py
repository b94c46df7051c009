"""Work on parts of an image side by side: walks are made of small operations, which gain little from threads apiece."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST = 4
"""Parts at once: each has its memory."""

_BEGINNING = Lock()
"""Held while workers get their number of threads, by way of the number that all new threads of the process get."""


def side_by_side(work: Callable[[Item], Result], items: Sequence[Item], device: torch.device) -> Iterator[Result]:
    """The results of `work` in the order of `items`; on a CPU, torch's threads are divided among several at once.

    A process that calls this keeps its number of threads. What stops it, Ctrl-C or an error, waits for the parts that
    have begun and leaves out the others.
    """
    with _BEGINNING:
        threads = torch.get_num_threads()
    workers = min(MOST, threads, len(items)) if device.type == "cpu" else 1
    if workers < 2:
        yield from map(work, items)
        return
    begun = Barrier(workers + 1)
    with ThreadPoolExecutor(workers, initializer=_begin, initargs=(threads // workers, begun)) as pool:
        with _BEGINNING:
            try:
                results = pool.map(work, items)  # as many threads begin as there are workers, which wait for the last
                begun.wait()
            except BaseException:
                begun.abort()
                raise
            finally:
                torch.set_num_threads(threads)
        yield from results


def _begin(threads: int, begun: Barrier) -> None:
    """Gives a worker its number of threads, for good: torch asks for the process's before a thread's first use."""
    torch.get_num_threads()
    torch.set_num_threads(threads)
    begun.wait()
