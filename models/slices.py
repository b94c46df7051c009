"""Cut a range into consecutive slices."""

from __future__ import annotations


def slices(count: int, size: int) -> list[slice]:
    """Return slices of `size` that cover range(count): the last one may be shorter, and there is always one."""
    return [slice(start, min(start + size, count)) for start in range(0, max(count, 1), size)]
