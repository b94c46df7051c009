"""Counts the positions of a pass and the passes of a search, to tell the caller how far the work is."""

import numpy as np
from numpy.typing import NDArray

from ...models.interface.hierarchy import Hierarchy, PassSettings, Step, SymbolSource
from ...progress import OnProgress, part


class Counting:
    """A symbol source that is another one, counted.

    Args:
        source: The other one.
        settings: Settings of the pass.
        hierarchy: The model of the pass.
        on_progress: Called after each block with the share of the pass's positions that are done.
    """

    def __init__(
        self, source: SymbolSource, settings: PassSettings, hierarchy: Hierarchy, on_progress: OnProgress
    ) -> None:
        self._source, self._on_progress, self._done = source, on_progress, 0
        visited = [one for one in hierarchy.layers[: settings.stop] if not (settings.grey and one.chroma)]
        sides = settings.height, settings.width
        self._total = sum(-(-sides[0] // one.stride) * -(-sides[1] // one.stride) for one in visited)

    def next(self, step: Step) -> NDArray[np.int32]:
        """Return the other source's symbols."""
        symbols = self._source.next(step)
        self._done += step.count
        self._on_progress(min(self._done / self._total, 1.0))
        return symbols


class Trials:
    """Gives each encoding of a search its share of the work, of which the number is an estimate.

    Args:
        on_progress: Called with the share of the whole search.
        expected: Number of encodings. If there are more, each takes half of what is left.
    """

    def __init__(self, on_progress: OnProgress, expected: int) -> None:
        self._on_progress, self._expected, self._begun, self._share = on_progress, expected, 0, 0.0

    def next(self) -> OnProgress:
        """Return what the next encoding calls."""
        left = max(self._expected - self._begun, min(self._expected, 2))
        start, self._share = self._share, self._share + (1 - self._share) / left
        self._begun += 1
        return part(self._on_progress, start, self._share)
