"""Usage errors: what a user typed is quoted in them without control characters, and they are in plain words."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from .text import printable_lines

_PLAIN = {
    "Value error, ": "",
    "Input should be ": "it must be ",
    "greater than or equal to ": "at least ",
    "less than or equal to ": "at most ",
    "a valid integer, unable to parse string as an integer": "a whole number",
    "a valid number, unable to parse string as a number": "a number",
}
"""How the library that checks values says it, and plain words for it."""


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


def in_plain_words(message: str) -> str:
    """Return a usage error in plain words."""
    for theirs, plain in _PLAIN.items():
        message = message.replace(theirs, plain)
    return message


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
            error.message = _encodable(in_plain_words(printable_lines(message)))  # type: ignore[attr-defined]
        raise
