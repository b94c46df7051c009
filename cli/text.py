"""Format figures, file names and errors. These are pure functions; they use no streams."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import printable as printable

FLAGS = {"quality": "-q", "start": "--from", "calibration": "--calibrate", "overrides": "--set"}
"""Options whose names differ from those of the settings in Python."""


def printable_lines(text: str) -> str:
    """Return text for a terminal in its lines, each as `printable` returns it."""
    return "\n".join(map(printable, text.split("\n")))


def number(count: int) -> str:
    """Return 1203411 as `1 203 411`."""
    return f"{count:,}".replace(",", " ")


def sizes(before: int, after: int) -> str:
    """Return two sizes in bytes as `1 203 411 -> 402 118 B`."""
    return f"{number(before)} -> {number(after)} B"


def ratio(before: int, after: int) -> str:
    """Return how many times smaller the second size is, as `2.99x`."""
    return f"{before / after:.2f}x" if after else "-"


def reason(error: BaseException) -> str:
    """Return one line that says what went wrong; an unexpected error is called an internal one."""
    from ..errors import DvcodecError

    if isinstance(error, DvcodecError):
        return one_line(with_options(str(error)))
    if isinstance(error, ModuleNotFoundError) and (error.name or "dvcodec").partition(".")[0] != "dvcodec":
        return one_line(f"{error.name} is not installed (install dvcodec[train,eval])")
    if isinstance(error, OSError) and error.strerror:
        return one_line(error.strerror[:1].lower() + error.strerror[1:])
    if isinstance(error, MemoryError):
        return "out of memory (try --jobs 1, or a smaller image)"
    return one_line(f"internal error: {type(error).__name__}: {error}") + " (run again with --debug for a traceback)"


def with_options(message: str) -> str:
    """Return a message with command line options in the place of settings.

    `preview="all"` becomes --preview all, and `overrides={"width": "8"}` becomes --set width=8.
    """
    message = re.sub(r'`overrides=\{"([\w.]+)": "([^`"]*)"\}`', r"--set \1=\2", message)
    return re.sub(r'`([a-z_][a-z_0-9]*)(?:="?([^`"]*)"?)?`', _option, message)


def _option(setting: re.Match[str]) -> str:
    name, value = setting[1], setting[2]
    flag = FLAGS.get(name, f"--{name.replace('_', '-')}")
    return f"{flag} {value}" if value else flag


def one_line(message: str) -> str:
    """Return a message in one line: white space becomes single blanks, unprintable characters become escapes."""
    return printable(" ".join(message.split()))


def without(names: tuple[str, ...], format: str) -> tuple[str, ...]:
    """Return the warning that a format cannot hold some things; none if there are none."""
    return (f"written without {', '.join(names)}, which {format} cannot hold",) if names else ()


def table(rows: list[tuple[str, ...]]) -> str:
    """Return rows as columns two blanks apart, as wide as their widest cells; without rules, awk can read them."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def listed(pairs: Mapping[str, object]) -> str:
    """Return names and values, one pair a line, with the values aligned."""
    return table([(name, str(value)) for name, value in pairs.items()])
