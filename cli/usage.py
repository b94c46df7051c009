"""Usage errors: what a user typed is quoted in them without control characters."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from .text import printable_lines


class Program(TyperGroup):
    """A group of commands whose usage errors are safe for terminals."""

    def make_context(self, *args: Any, **kwargs: Any) -> typer.Context:
        """Parse the arguments of the program."""
        with _escaped():
            found: typer.Context = super().make_context(*args, **kwargs)  # type: ignore[assignment]
            return found

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # typer's own context
        """Parse the arguments of the command, and run it."""
        with _escaped():
            return super().invoke(ctx)


def _encodable(text: str) -> str:
    """Return a text with escapes for characters that standard error has no bytes for."""
    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


@contextmanager
def _escaped() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if isinstance(message := getattr(error, "message", None), str):  # the base of usage errors is not public
            error.message = _encodable(printable_lines(message))  # type: ignore[attr-defined]
        raise
