"""Grids and limits of the networks of colour pixels, which training and coding share."""

from __future__ import annotations

from ..runtime.linear import ACTIVATION_BITS

UNIT = 2.0**ACTIVATION_BITS
"""Steps of the activations' grid in a grey level."""
FEATURE_LIMIT = 127 * 16
"""Largest feature: whole grey levels up to 127, in steps of the activations' grid."""
HIDDEN_LIMIT = 2047
"""Largest hidden activation, in the same steps."""

MEAN_BITS = 3
MEAN_STEPS = 2**MEAN_BITS
"""Steps of the mean in a grey level."""
BOUND_BITS = 8
"""The grid of the mean's two parts."""
SCALES = 41
"""Scales are 2**(i/4 - 3) grey levels, i in 0 .. 40."""
TAILS = 5
"""The wide component's shares."""
