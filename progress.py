"""How a long work tells how far it is."""

from collections.abc import Callable

OnProgress = Callable[[float], None]
"""Takes the share of some work that is done, from 0 to 1; it never falls."""


def ignore(share: float) -> None:
    """Take a share of work, for callers who do not want to know."""


def part(on_progress: OnProgress, start: float, stop: float) -> OnProgress:
    """Return what a part of the work calls, which leads from the share `start` to the share `stop` of all of it."""

    def report(share: float) -> None:
        on_progress(min(start + (stop - start) * share, stop))  # sums of floats may exceed the whole

    return report
