"""CPU threads and processes. Only the command line sets these; the library leaves the process as it is."""

from __future__ import annotations

import os


def processors() -> int:
    """Return the number of CPUs that this process may use."""
    from ..codec.loading import available_threads

    return available_threads()


def threads_each(threads: int | None, workers: int) -> int | None:
    """Return the number of CPU threads for each of several processes; None lets torch take all."""
    if workers <= 1:
        return threads
    return max(1, (threads or processors()) // workers)


def wait_asleep() -> None:
    """Let threads that wait for others sleep instead of spinning, unless the user says otherwise.

    It must be called before numpy and torch are imported. Beside other work, spinning multiplies the CPU time. numpy's
    threads always spin, and its products are small: it gets one thread.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def use_threads(count: int | None) -> None:
    """Set the number of CPU threads of torch; None changes nothing."""
    if count is not None:
        from ..codec.loading import limit_threads

        limit_threads(count)
