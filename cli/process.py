"""CPU threads and processes: the command line owns its process, the library is a guest in other people's."""

from __future__ import annotations

import os


def processors() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_each(threads: int | None, workers: int) -> int | None:
    """CPU threads of each of several processes; None leaves the choice to torch, which takes all."""
    if workers == 1:
        return threads
    return max(1, (threads or processors()) // workers)


def use_threads(count: int | None) -> None:
    """Let torch compute with so many CPU threads; None changes nothing."""
    if count is not None:
        from ..codec.loading import limit_threads

        limit_threads(count)
