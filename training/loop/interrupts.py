"""Ctrl-C takes effect between two steps, so that a resumed run equals an uninterrupted one."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType

from ...processes.signals import IMPATIENT, ending, ending_signals


class Interrupts:
    """Note SIGINT, SIGTERM and SIGHUP while the context is open, instead of letting them cut a step in two."""

    def __init__(self) -> None:
        self.asked = 0
        """The number of the signal that came; 0 if none did."""
        self._since = 0.0
        self._before = {}  # type: ignore[var-annotated]  # handlers by signal, in the types of the signal module

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            kept = (signal.SIG_IGN, None)
            chosen = [one for one in ending_signals() if signal.getsignal(one) not in kept]
            self._before = {one: signal.signal(one, self._note) for one in chosen}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.asked and time.monotonic() - self._since > IMPATIENT:
            raise ending(number)
        if not self.asked:
            self.asked, self._since = number, time.monotonic()
