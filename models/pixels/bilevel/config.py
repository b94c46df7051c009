"""Sizes and grids of the models of black and white pixels, which training and coding share."""

from __future__ import annotations

from dataclasses import dataclass

from ...configs import BilevelPagesConfig
from ..causal import ReceptiveField
from .surroundings import RECTANGLES

SCORE_BITS = 5
SCORE_LIMIT = 14.0
HALF = int(SCORE_LIMIT * 2**SCORE_BITS)
STEPS = 2 * HALF + 1
HIDDEN_LIMIT = 255
"""Largest hidden activation, in steps of 2**-4."""

PATTERNS = 2 ** len(RECTANGLES)
TOTAL = 2**24 - 4
"""Sum of the two weights of a distribution."""


@dataclass(frozen=True)
class BilevelConfig:
    """Sizes of the network.

    Args:
        receptive_field: The receptive field.
        features: Number of maps of features.
        width: Width of the hidden layers.
        depth: Number of hidden layers.
    """

    receptive_field: ReceptiveField
    features: int
    width: int = 48
    depth: int = 2


def net_config(config: BilevelPagesConfig) -> BilevelConfig:
    """Return the network's own configuration.

    Raises:
        ValueError: A rectangle of the surroundings is not known in the order of the wavefronts.
    """
    receptive_field = ReceptiveField(config.rows, config.columns)
    if not all(rectangle.known(receptive_field) for rectangle in RECTANGLES):
        raise ValueError(
            "with this receptive field the surroundings of a pixel are not known in time: use 5 columns or more"
        )
    return BilevelConfig(receptive_field, len(RECTANGLES), config.width, config.depth)
