"""How much memory is available, and a lack of it as an error that names the image."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from ..errors import DvcodecError

_WORDS = ("can't allocate memory", "out of memory")
"""Words in the RuntimeErrors of torch's allocators."""
SYSTEM = Path("/")
"""Where Linux shows the memory of the machine, and the limits of this process's control group."""
UNKNOWN = 2**33
"""Bytes that count as available where the system does not tell."""


@contextlib.contextmanager
def enough_memory(height: int, width: int) -> Iterator[None]:
    """Raise DvcodecError if the work on an image of this size runs out of memory."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not any(words in str(error) for words in _WORDS):
            raise
        hint = "work on fewer images at a time, or cut the image into parts"
        raise DvcodecError(f"not enough memory for {width} x {height} pixels", hint) from error


def available(system: Path = SYSTEM) -> int:
    """Return the bytes of memory that this process may still take: of the machine, and of its container.

    Args:
        system: The root folder of the system.
    """
    group = system / "sys/fs/cgroup"
    known = [
        _of_machine(system / "proc/meminfo"),
        _left(group / "memory.max", group / "memory.current"),
        _left(group / "memory/memory.limit_in_bytes", group / "memory/memory.usage_in_bytes"),
    ]
    found = [each for each in known if each is not None]
    return max(0, min(found)) if found else UNKNOWN


def _of_machine(meminfo: Path) -> int | None:
    """Return the bytes that the machine has left, or all that it has where that is not known; None if neither is."""
    try:
        lines = meminfo.read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        return None


def _left(limit: Path, used: Path) -> int | None:
    """Return the bytes that a control group has left; None if it has no limit."""
    try:
        return int(limit.read_text()) - int(used.read_text())
    except (OSError, ValueError):  # there is no such group, or its limit is "max"
        return None
