"""Let signals end a program cleanly: temporary files are removed, and the exit status is 128 + the signal's number."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType

ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""The signals that ask a program to end; a system has some of them."""
IMPATIENT = 2.0
"""Seconds after which a second signal ends the program at once; sooner ones are taken for echoes of the first."""

_seen: list[tuple[float, int]] = []
"""When the last signal came, and its number; empty before the first."""


def ending_signals() -> list[signal.Signals]:
    """Return those of the ENDING signals that this system has."""
    return [signal.Signals[name] for name in ENDING if name in signal.Signals.__members__]


def end_cleanly() -> None:
    """Let the signals raise exceptions: KeyboardInterrupt, or SystemExit with 128 + the signal's number.

    Signals that are ignored stay ignored, such as SIGHUP under nohup. Only programs of our own call this.
    """
    for one in ending_signals():
        if signal.getsignal(one) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(one, _end)


def _end(number: int, frame: FrameType | None) -> None:
    if _seen and time.monotonic() - _seen[0][0] < IMPATIENT:
        return  # what is cleaned up already must not be cut short
    _seen[:] = [(time.monotonic(), number)]
    repeat_lost()


def repeat_lost() -> None:
    """Raise the exception of a signal that came, if one did: Python drops what is raised in a callback of its own."""
    if _seen:
        raise ending(_seen[0][1])


def ending(number: int) -> BaseException:
    """Return what a signal raises: KeyboardInterrupt, or SystemExit with 128 + its number."""
    return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)


def end_with_parent() -> None:
    """End this worker process as SIGTERM would when its parent ends, however that ends.

    The thread that waits takes no signals: one that comes to it does not wake the main thread from a sleep.
    """
    thread = threading.Thread(target=_outlive, daemon=True)
    if not hasattr(signal, "pthread_sigmask"):
        thread.start()
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ending_signals())
    try:
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _outlive() -> None:
    import _thread
    import multiprocessing

    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    if os.name == "posix":
        os.kill(os.getpid(), signal.SIGTERM)  # wakes the main thread even from a sleep
    else:
        _thread.interrupt_main(signal.SIGTERM)
    time.sleep(5 * IMPATIENT)
    os._exit(128 + signal.SIGTERM)
