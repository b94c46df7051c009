"""How the rates and the gradient's limit move during a run."""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..recipes.optimisation import Optimisation
from .task import Moment

WINDOW = 200
"""Steps over which the median of the gradient's norm runs."""
KNOWN = 10
"""Norms after which their median is trusted."""


def share(moment: Moment, recipe: Optimisation, plateau: float = 1.0) -> float:
    """Share of the rates: linear warm-up, then constant, a cosine down to `decay_to`, or what the plateaus left."""
    later = 1.0
    if recipe.schedule == "cosine":
        cosine = 0.5 * (1 + math.cos(math.pi * moment.fraction))
        later = cosine * (1 - recipe.decay_to) + recipe.decay_to
    elif recipe.schedule == "plateau":
        later = max(plateau, recipe.decay_to)
    return min(1.0, (moment.step + 1) / recipe.warm_up) * later if recipe.warm_up else later


@dataclass
class Plateau:
    """The best validation so far, and what was done since none was better. JSON holds its fields."""

    best: float = math.inf
    since: int = 0
    """Validations since the best."""
    share: float = 1.0

    def take(self, value: float, recipe: Optimisation) -> bool:
        """Notes a validation's loss; whether it is the best."""
        if value < self.best:
            self.best, self.since = value, 0
            return True
        self.since += 1
        if recipe.patience and self.since % recipe.patience == 0:
            self.share *= recipe.plateau_factor
        return False


@dataclass
class Norms:
    """The gradient's recent norms, and what follows from them for the next."""

    recent: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    skipped: int = 0
    """Updates left out so far."""
    broken: int = 0
    """Norms in a row that were no numbers."""

    def restore(self, norms: Iterable[float], skipped: int) -> None:
        """Goes on from what a checkpoint held."""
        self.recent.extend(norms)
        self.skipped = skipped

    def factor(self, norm: float, recipe: Optimisation) -> float | None:
        """What to multiply the gradient of this norm with; None: leave the update out."""
        self.broken = 0 if math.isfinite(norm) else self.broken + 1
        if self.broken:
            self.skipped += 1
            return None
        median = statistics.median(self.recent) if len(self.recent) > KNOWN else None
        self.recent.append(norm)
        if recipe.skip and median is not None and norm > recipe.skip * median:
            self.skipped += 1
            return None
        limit = recipe.clip * median if recipe.clip and median is not None else recipe.clip_norm
        return min(1.0, limit / (norm + 1e-9)) if limit else 1.0
