"""Gradient clipping relative to the running median of the gradient's norm."""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..recipes.base import Recipe

WINDOW = 200
"""Steps over which the median of the gradient's norm runs."""
TRUSTED_AFTER = 10
"""Norms that must be known before their median is used."""


@dataclass
class GradientClipper:
    """Scale gradients down, or skip updates, by comparison with recent gradients.

    Args:
        recent: the last finite norms, WINDOW of them at most.
        skipped: updates that were left out so far.
        broken: norms in a row that were not finite.
    """

    recent: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    skipped: int = 0
    broken: int = 0

    def restore(self, norms: Iterable[float], skipped: int) -> None:
        """Go on from the norms and the count that a checkpoint held."""
        self.recent.extend(norms)
        self.skipped = skipped

    def scale(self, norm: float, recipe: Recipe) -> float | None:
        """Return the factor for a gradient of this norm; None means that the update is left out.

        Args:
            norm: norm of the gradient over all parameters.
            recipe: the limits.

        Returns:
            A factor of at most 1.
        """
        self.broken = 0 if math.isfinite(norm) else self.broken + 1
        if self.broken:
            self.skipped += 1
            return None
        median = statistics.median(self.recent) if len(self.recent) > TRUSTED_AFTER else None
        self.recent.append(norm)
        if recipe.skip and median is not None and norm > recipe.skip * median:
            self.skipped += 1
            return None
        limit = recipe.clip * median if recipe.clip and median is not None else recipe.clip_norm
        return min(1.0, limit / (norm + 1e-9)) if limit else 1.0
