"""How figures, file names and errors are put into words. Pure functions, no streams."""

from __future__ import annotations

import re
from collections.abc import Mapping


def printable(name: str) -> str:
    """A name for one line of output: control characters and undecodable bytes are written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in name)


def number(count: int) -> str:
    """1203411 as `1 203 411`."""
    return f"{count:,}".replace(",", " ")


def sizes(before: int, after: int) -> str:
    """Two sizes in bytes: `1 203 411 -> 402 118 B`."""
    return f"{number(before)} -> {number(after)} B"


def ratio(before: int, after: int) -> str:
    """How many times smaller the second size is: `2.99x`."""
    return f"{before / after:.2f}x" if after else "-"


def reason(error: BaseException) -> str:
    """One line that says what went wrong; an error that nobody foresaw says so."""
    from ..errors import DvcodecError

    if isinstance(error, DvcodecError):
        return one_line(with_options(str(error)))
    if isinstance(error, OSError) and error.strerror:
        return one_line(error.strerror[:1].lower() + error.strerror[1:])
    if isinstance(error, MemoryError):
        return "out of memory (try --jobs 1, or a smaller image)"
    return one_line(f"internal error: {type(error).__name__}: {error}") + " (run again with --debug for a traceback)"


def with_options(message: str) -> str:
    """The message with the options of the command line in the place of settings: `preview="all"` is --preview all."""
    return re.sub(r'`([a-z_]+)(?:="?([^`"]*)"?)?`', _option, message)


def _option(setting: re.Match[str]) -> str:
    name, value = setting[1], setting[2]
    flag = {"quality": "-q"}.get(name, f"--{name.replace('_', '-')}")
    return f"{flag} {value}" if value else flag


def one_line(message: str) -> str:
    """The message with line breaks and runs of blanks made single blanks, and escapes for what cannot be printed."""
    return printable(" ".join(message.split()))


def table(rows: list[tuple[str, ...]]) -> str:
    """Rows as columns two blanks apart, each as wide as its widest cell; no rules, so that awk can read it."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def facts(pairs: Mapping[str, object]) -> str:
    """Names and values, one pair a line, values aligned."""
    return table([(name, str(value)) for name, value in pairs.items()])
