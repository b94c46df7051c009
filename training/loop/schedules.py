"""Learning-rate schedules: warm-up, then constant, cosine, or lowered at validation plateaus."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..recipes.base import Recipe
from .task import Progress


def rate_factor(progress: Progress, recipe: Recipe, plateau: float = 1.0) -> float:
    """Return the factor of all learning rates at this point of the run.

    It rises linearly during the warm-up; then it is 1, a cosine down to `decay_to`, or the factor that the plateaus
    have left.

    Args:
        progress: where the run is.
        recipe: which schedule to follow.
        plateau: the factor of `Plateau`, for the schedule of that name.
    """
    later = 1.0
    if recipe.schedule == "cosine":
        cosine = 0.5 * (1 + math.cos(math.pi * progress.fraction))
        later = cosine * (1 - recipe.decay_to) + recipe.decay_to
    elif recipe.schedule == "plateau":
        later = max(plateau, recipe.decay_to)
    return min(1.0, (progress.step + 1) / recipe.warm_up) * later if recipe.warm_up else later


@dataclass
class Plateau:
    """The best validation loss so far, and how the learning rates fell since. JSON holds its fields.

    Args:
        best: lowest validation loss.
        since: validations since the best one.
        factor: what the plateaus have left of the learning rates.
    """

    best: float = math.inf
    since: int = 0
    factor: float = 1.0

    def update(self, value: float, recipe: Recipe) -> bool:
        """Record a validation loss and return whether it is the best so far.

        Args:
            value: the validation loss; lower is better.
            recipe: its patience, in validations, and the factor of the learning rates.

        Returns:
            True if no earlier loss was lower.
        """
        if value < self.best:
            self.best, self.since = value, 0
            return True
        self.since += 1
        if recipe.patience and self.since % recipe.patience == 0:
            self.factor *= recipe.plateau_factor
        return False
