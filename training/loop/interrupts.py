"""Ctrl-C takes effect between two steps, so that a resumed run equals an uninterrupted one."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType

IMPATIENT = 2.0
"""Seconds after which a second Ctrl-C ends the program at once; sooner ones are taken for echoes of the first."""


class Interrupts:
    """Note SIGINT and SIGTERM while the context is open, instead of letting them cut a step in two."""

    def __init__(self) -> None:
        self.asked = False
        self._since = 0.0
        self._before = {}  # type: ignore[var-annotated]  # handlers by signal, in the types of the signal module

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._before = {one: signal.signal(one, self._note) for one in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.asked and time.monotonic() - self._since > IMPATIENT:
            raise KeyboardInterrupt
        if not self.asked:
            self.asked, self._since = True, time.monotonic()
