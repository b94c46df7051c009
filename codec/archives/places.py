"""Keep account of the places of an archive, so that lost images can be named."""

from collections.abc import Iterable, Iterator
from itertools import islice

from .layout import MAX_IMAGES

_RUNS = 1000
"""The most runs of missing places that are reported."""


class Places:
    """The places that are taken, a byte each."""

    def __init__(self) -> None:
        """Start with all places free."""
        self._taken = bytearray()

    def take(self, positions: tuple[int, ...]) -> bool:
        """Take rising places and return True; if one of them is taken already, take none and return False."""
        top = positions[-1] + 1
        self._taken.extend(bytes(max(0, top - len(self._taken))))
        if any(self._taken[position] for position in positions):
            return False
        for position in positions:
            self._taken[position] = 1
        return True

    @property
    def top(self) -> int:
        """The first place after all that are taken."""
        return len(self._taken)

    @property
    def count(self) -> int:
        """How many places are taken."""
        return self._taken.count(1)

    def missing(self, total: int) -> tuple[range, ...]:
        """Return the runs of places below `total` that are free, the first thousand at most."""
        taken = self._taken[:total] + bytes(max(0, min(total, MAX_IMAGES) - len(self._taken))) + b"\1"
        return tuple(islice(_runs(taken), _RUNS))


def _runs(taken: bytearray) -> Iterator[range]:
    start = taken.find(0)
    while start >= 0:
        end = taken.find(1, start)
        yield range(start, end)
        start = taken.find(0, end)


def runs_of(positions: Iterable[int]) -> tuple[range, ...]:
    """Return rising places as runs of consecutive ones."""
    runs: list[range] = []
    for position in positions:
        if runs and runs[-1].stop == position:
            runs[-1] = range(runs[-1].start, position + 1)
        else:
            runs.append(range(position, position + 1))
    return tuple(runs)


def in_words(runs: tuple[range, ...], most: int = 4) -> str:
    """Return `image 3`, or `images 3, 5 to 9 and more`, counted from 1; an empty text if there are none."""
    if not runs:
        return ""
    words = [str(run.start + 1) if len(run) == 1 else f"{run.start + 1} to {run.stop}" for run in runs[:most]]
    plural = "s" if len(runs) > 1 or len(runs[0]) > 1 else ""
    return f"image{plural} {', '.join(words)}{' and more' if len(runs) > most else ''}"
