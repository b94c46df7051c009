"""Where words go: results and JSON to stdout, everything else to stderr; a progress bar only where someone looks."""

from __future__ import annotations

import json
import math
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from .text import printable

SLOW = 1.0
"""Seconds after which a single file is worth a progress bar."""


def is_terminal(stream: IO[Any] | None) -> bool:
    """Whether a person looks at the stream. The only such check in the program, so that tests can replace it."""
    return stream is not None and stream.isatty()


@dataclass(frozen=True)
class Reporter:
    """What the person asked to hear."""

    quiet: bool = False
    verbose: int = 0
    as_json: bool = False
    progress: bool = True

    def line(self, text: str) -> None:
        """A line about what was done; silent under --quiet."""
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def error(self, name: str, reason: str) -> None:
        """`dvcodec: NAME: reason`; never silent."""
        print(f"dvcodec: {printable(name)}: {reason}", file=sys.stderr, flush=True)

    def trace(self, trace: str) -> None:
        """A traceback that --debug asked for."""
        print(trace, file=sys.stderr, end="", flush=True)

    def record(self, facts: Mapping[str, object]) -> None:
        """One JSON object as a line on stdout, where --json asks for it."""
        if self.as_json:
            finite = {key: None if value in (math.inf, -math.inf) else value for key, value in facts.items()}
            print(json.dumps(finite, allow_nan=False), flush=True)

    @contextmanager
    def bar(self, total: int) -> Iterator[Callable[[], None]]:
        """Give a function to call after each file; the bar shows at once for many files, after a second for one."""
        if self.quiet or not self.progress or not is_terminal(sys.stderr):
            yield lambda: None
            return
        from rich.console import Console
        from rich.progress import Progress

        bar = Progress(console=Console(stderr=True), transient=True, redirect_stdout=False)
        task = bar.add_task("", total=total if total > 1 else None)
        timer = threading.Timer(0.0 if total > 1 else SLOW, bar.start)
        timer.start()
        try:
            yield lambda: bar.advance(task)
        finally:
            timer.cancel()
            timer.join()
            bar.stop()
