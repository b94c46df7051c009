"""How a long work tells how far it is."""

from collections.abc import Callable

from .errors import InvalidArgument

OnProgress = Callable[[float], None]
"""Takes the share of some work that is done, from 0 to 1; it never falls."""


def ignore(share: float) -> None:
    """Take a share of work, for callers who do not want to know."""


def callable_or_none(on_progress: object) -> None:
    """Raise InvalidArgument for what a caller gives to be called, and cannot be."""
    if on_progress is not None and not callable(on_progress):
        raise InvalidArgument(f"`on_progress` {on_progress!r} cannot be called", "give a function of one number")


def part(on_progress: OnProgress, start: float, stop: float) -> OnProgress:
    """Return what a part of the work calls, which leads from the share `start` to the share `stop` of all of it."""

    def report(share: float) -> None:
        on_progress(min(start + (stop - start) * share, stop))  # sums of floats may exceed the whole

    return report
