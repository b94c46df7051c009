"""Cut a range into consecutive slices."""

from __future__ import annotations


def slices(count: int, size: int) -> list[slice]:
    """Return consecutive slices of length `size` that cover range(count).

    The last one may be shorter. There is always at least one, which is empty if count is 0.
    """
    return [slice(start, min(start + size, count)) for start in range(0, max(count, 1), size)]
