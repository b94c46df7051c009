"""The grids on which the light model computes as it codes: bounds and numbers of binary digits, without torch."""

from __future__ import annotations

ACTIVATION_BITS, STATE_BITS = 4, 8
"""Binary digits after the point of products' inputs and of residual streams."""
LARGEST_ACTIVATION = 255
"""Largest input of a product, in steps."""
LARGEST_WEIGHT = 63
"""Largest magnitude of a weight, so that kernels of 8-bit integers add pairs of products without overflow."""
STATE_LIMIT = 127 * 2**STATE_BITS
"""Largest magnitude of a residual stream, in steps."""
CONTRAST_BITS, CONTRAST_LIMIT = 5, 127
"""Binary digits of the contrasts that the post-filter sees, and their largest magnitude in steps."""
VALUE_BITS = 12
"""Binary digits of symbols' values, in units of sigma."""
SAMPLE_BITS = 8
"""Binary digits of samples, in units of sigma."""
SAMPLE_LIMIT = 2**15 - 1
"""Largest magnitude of a sample, in steps."""

LOCATION_GAIN, SCALE_GAIN, TAIL_GAIN = 4.0, 2.0, 2.0
"""What a unit of the prior head's outputs changes: steps of the symbols' grid, octaves, logits."""
WIDE = 3.0
"""Scale of a prior's second logistic in units of the first one's."""
LEAST_SCALE, LARGEST_SCALE = -5, 7
"""Bounds of log2 of a prior's scale, in steps of the symbols' grid."""
LEAST_TAIL, LARGEST_TAIL = -8, 3
"""Bounds of the log-odds of the wide component's share, in nats."""
LOCATIONS, SCALES, TAILS = 8, 4 * (LARGEST_SCALE - LEAST_SCALE) + 1, LARGEST_TAIL - LEAST_TAIL + 1
"""Prototypes of priors: eighths of a step, quarters of an octave, whole numbers of log-odds."""
COMPONENTS = SCALES * LOCATIONS
"""Number of prototypes of either component."""
CONTEXTS = TAILS * COMPONENTS
"""Number of prototypes, the rows of the shared table; one more row is that of the adjustments."""
LARGEST_ADJUSTMENT = 3
"""How many steps a file may move the scales and the tails of a group's priors, at most."""
ENCODING = 4
"""Numbers that encode a symbol as an input of the networks."""
