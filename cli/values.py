"""Values of options as people type them: sizes with units, and numbers with their limits in plain words."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import typer

UNITS = {"": 1, "b": 1, "k": 10**3, "kb": 10**3, "kib": 2**10, "m": 10**6, "mb": 10**6, "mib": 2**20}
"""Bytes of each unit of size, in lower case."""
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(%|[a-z]*)", re.IGNORECASE)
MOST_BYTES = 2**60


@dataclass(frozen=True)
class Size:
    """The value of --target-size."""

    bytes: int = 0
    """Number of bytes; 0 for a share of the source."""
    share: float = 0.0
    """Part of the source's bytes; 0 for a number of bytes."""

    def of(self, source_bytes: int) -> int:
        """Return the number of bytes for a source of so many bytes."""
        return self.bytes or max(1, int(self.share * source_bytes))


def size(text: str) -> Size:
    """Return the size that `20000`, `20kB`, `1.5 MiB` or `10%` stands for; raise a usage error for anything else."""
    found = _SIZE.fullmatch(text.strip())
    unit = found[2].lower() if found else "?"
    if found is None or unit not in (*UNITS, "%"):
        examples = "20000, 20kB, 20KiB or 1.5MB, or 10% of the source"
        raise typer.BadParameter(f"{text!r} is not a size (such as {examples})")
    if unit == "%":
        share = float(found[1]) / 100
        if not 0 < share <= 1:
            raise typer.BadParameter(f"{text!r} is not a part of the source (more than 0% and at most 100%)")
        return Size(share=share)
    count = float(found[1]) * UNITS[unit]
    if not 1 <= count <= MOST_BYTES:
        raise typer.BadParameter(f"{text!r} is not a size of a file (at least 1 byte)")
    return Size(int(count))


def number(least: float | None, most: float | None) -> Callable[[str], float]:
    """Return a parser of numbers within limits; without limits, of positive ones."""
    limits = "a number above 0" if least is None or most is None else f"a number from {least:g} to {most:g}"

    def parse(text: str | float) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        value = math.nan if "_" in str(text) else value  # which Python takes for nothing
        good = 0 < value < math.inf if least is None or most is None else least <= value <= most
        if not good:
            raise typer.BadParameter(f"{text!r} is not {limits}")
        return value

    return parse
