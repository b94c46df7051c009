"""Work on parts of an image side by side: walks are made of small operations, which gain little from threads apiece."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST = 4
"""Parts at once: each has its memory."""


def side_by_side(work: Callable[[Item], Result], items: Sequence[Item], device: torch.device) -> Iterator[Result]:
    """The results of `work` in the order of `items`; on a CPU, torch's threads are divided among several at once.

    A process that calls this keeps its number of threads. What stops it, Ctrl-C or an error, waits for the parts that
    have begun and leaves out the others.
    """
    threads = torch.get_num_threads()
    workers = min(MOST, threads, len(items)) if device.type == "cpu" else 1
    if workers < 2:
        yield from map(work, items)
        return
    try:
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(threads // workers,)) as pool:
            yield from pool.map(work, items)
    finally:
        torch.set_num_threads(threads)  # what new threads begin with, which those above have changed
