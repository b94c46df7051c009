"""How many threads a process may use: its processors, less what a container's quota takes away."""

from __future__ import annotations

import math
import os
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
"""Where Linux shows the limits of this process's control group."""


def available(groups: Path = GROUPS) -> int:
    """Return the number of processors that this process may use, at least 1.

    Args:
        groups: Folder of the control group's limits.
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(count, quota(groups))))


def quota(groups: Path = GROUPS) -> float:
    """Return how many processors' time a container may take; infinite where nothing limits it."""
    try:
        allowed, period = (groups / "cpu.max").read_text().split()
    except (OSError, ValueError):
        return _older_quota(groups)
    return math.inf if allowed == "max" else int(allowed) / int(period)


def _older_quota(groups: Path) -> float:
    """Return the quota as the first version of control groups shows it."""
    try:
        allowed, period = (int((groups / "cpu" / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period"))
    except (OSError, ValueError):
        return math.inf
    return math.inf if allowed <= 0 else allowed / period
