"""Output of the commands: results and JSON on stdout, everything else on stderr, a progress bar only on terminals."""

from __future__ import annotations

import io
import json
import math
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from .text import printable, printable_lines

if TYPE_CHECKING:
    from rich.console import Console

SLOW = 2.0
"""Seconds after which a progress bar appears for a single file."""


def is_terminal(stream: IO[Any] | None) -> bool:
    """Return whether the stream is a terminal. This is the only such check, so that tests can replace it."""
    return stream is not None and stream.isatty()


def escape_unprintable() -> None:
    """Let the standard streams write escapes for what their encoding does not have, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def show(text: str) -> None:
    """Print a result on standard output; control characters in names, cards and files are escaped."""
    print(printable_lines(text), flush=True)


def console(*, stderr: bool = False) -> Console:
    """Return a console for tables and bars that takes names literally, whatever markup they hold."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


@dataclass(frozen=True)
class Reporter:
    """Prints what the options ask for."""

    quiet: bool = False
    verbose: int = 0
    as_json: bool = False
    progress: bool = True

    def line(self, text: str) -> None:
        """Print a line about what was done, unless --quiet."""
        if not self.quiet:
            print(printable_lines(text), file=sys.stderr, flush=True)

    def error(self, name: str, reason: str) -> None:
        """Print `dvcodec: NAME: reason`, always."""
        print(printable(f"dvcodec: {name}: {reason}"), file=sys.stderr, flush=True)

    def warning(self, name: str, what: str) -> None:
        """Print `dvcodec: NAME: warning: what`, unless --quiet."""
        self.line(f"dvcodec: {printable(name)}: warning: {what}")

    def trace(self, trace: str) -> None:
        """Print a traceback, for --debug."""
        print(printable_lines(trace), file=sys.stderr, end="", flush=True)

    def record(self, values: Mapping[str, object]) -> None:
        """Print one JSON object as a line on stdout if --json is given."""
        if self.as_json:
            finite = {key: None if value in (math.inf, -math.inf) else value for key, value in values.items()}
            print(json.dumps(finite, allow_nan=False), flush=True)

    @contextmanager
    def bar(self, total: int) -> Iterator[Bar]:
        """Yield the progress of some files; it is shown at once for many files, after two seconds for one."""
        if self.quiet or not self.progress or not is_terminal(sys.stderr) or (self.as_json and is_terminal(sys.stdout)):
            yield Bar()
            return
        from rich.console import Console
        from rich.progress import Progress

        shown = Progress(console=Console(stderr=True), transient=True, redirect_stdout=False)
        task = shown.add_task("", total=total if total > 1 else None)
        timer = threading.Timer(0.0 if total > 1 else SLOW, shown.start)
        timer.start()
        try:
            yield Bar(lambda done: shown.update(task, completed=done, total=total))
        finally:
            timer.cancel()
            timer.join()
            shown.stop()


class Bar:
    """The progress of some files.

    Args:
        show: Takes how many files are done; the file in work counts by the share of it that is done.
    """

    def __init__(self, show: Callable[[float], None] = lambda done: None) -> None:
        self._show, self._files = show, 0

    def __call__(self) -> None:
        """Count another file."""
        self._files += 1
        self._show(self._files)

    def share(self, share: float) -> None:
        """Show the share of the file in work that is done."""
        self._show(self._files + share)
