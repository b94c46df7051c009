"""Grids and limits of the network of `wavefront`, which training and coding share."""

from __future__ import annotations

PREDICTION_LIMIT = 255.0
"""Grey levels."""
PART_BITS, PART_LIMIT = 8, 512.0
"""The grid of a mean's parts."""
MIX_BITS, MIX_LIMIT = 6, 2.0
"""The grid of the predictors' weights."""
SUM_LIMIT = 2.0**23
"""Sums stay below this, in steps of their grid: half a step more is exact too."""
