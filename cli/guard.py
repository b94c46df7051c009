"""Turn a failure into one line and exit status 1; --debug adds the traceback."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from .report import Reporter
from .text import reason


@contextmanager
def guard(subject: str, reporter: Reporter, *, debug: bool = False) -> Iterator[None]:
    """Report whatever goes wrong inside as `dvcodec: SUBJECT: reason`; usage errors and exits pass."""
    try:
        yield
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except Exception as error:
        if debug:
            reporter.trace(traceback.format_exc())
        reporter.error(subject, reason(error))
        raise typer.Exit(1) from error
