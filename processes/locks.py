"""Locks that a forked process can take: none of them is held by a thread that exists in the parent only."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

PILLOW, LOADING, KERNELS, TORCH = range(4)
"""What locks protect, in the order in which one thread may take several."""

_locks: list[tuple[int, threading.RLock]] = []
_around: list[tuple[Callable[[], object], Callable[[], object]]] = []
_loaded_before: set[str] = set()
"""Names of the modules that the parent had loaded when it forked this process."""


def fork_safe_lock(rank: int) -> threading.RLock:
    """Return a lock that is taken around every fork, so that what it protects is whole in the child.

    Args:
        rank: What it protects, one of this module's constants.
    """
    lock = threading.RLock()
    _locks.append((rank, lock))
    _locks.sort(key=lambda entry: entry[0])
    return lock


def around_fork(before: Callable[[], object], after: Callable[[], object]) -> None:
    """Do some work before every fork and after it, in parent and child, while all locks are held."""
    _around.append((before, after))


def forked_with(module: str) -> bool:
    """Tell whether this process was forked from one that had loaded a module, whose threads are missing here."""
    return module in _loaded_before


def _take() -> None:
    for _, lock in _locks:
        lock.acquire()
    for before, _ in _around:
        before()


def _release() -> None:
    for _, after in _around:
        after()
    for _, lock in reversed(_locks):
        lock.release()


def _begin_as_child() -> None:
    _loaded_before.update(sys.modules)
    _release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_take, after_in_parent=_release, after_in_child=_begin_as_child)
