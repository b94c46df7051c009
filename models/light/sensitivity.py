"""Perceptual sensitivity to an error in each coefficient: a fixed table that scales the coefficients.

The logarithms are means over qualities of secants of SSIMULACRA 2's distance: for the error e of a crude decode and the
distance's gradient g there, sum(g e) / sum(e^2) over many crops. They are means along diagonals, relative to the third
diagonal of luminance. The block means' weights are those of details; the metric's own would let flat areas drift.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...shapes import Float64
from ..photo.layout import BLOCK, COEFFICIENTS

DIAGONALS = (
    (0.0, 1.687, 0.601, 0.0, -0.243, -0.299, -0.479, -0.733, -0.803, -0.944, -0.997, -1.095, -1.195, -1.289, -1.375),
    (
        *(0.0, -0.365, -1.058, -1.541, -1.726, -1.826, -1.972, -2.137),
        *(-2.134, -2.229, -2.237, -2.242, -2.256, -2.305, -2.471),
    ),
    (
        *(0.0, 0.808, -0.022, -0.627, -0.933, -1.05, -1.208, -1.456),
        *(-1.438, -1.573, -1.699, -1.541, -1.642, -1.667, -1.819),
    ),
)
"""Natural logarithms at stride 8 by colour (luminance, red minus blue, green against both) and diagonal; DCs have 0."""

DETAILS = {
    64: ((1.812, 1.149, 2.514), (2.238, 1.543, 2.766)),
    32: ((2.479, 1.635, 2.773), (2.494, 1.66, 2.773)),
    16: ((2.414, 0.417, 1.802), (2.174, 0.276, 1.596)),
}
"""The same of the means' Haar details, by colour: horizontal and vertical ones, diagonal ones."""
MEANS = (1.979, 1.679, 1.979)
"""The same of the block means at stride 64."""


def log_sensitivities(stride: int) -> Float64[NDArray[np.float64], " coefficients"]:
    """Return the natural logarithm of each coefficient's weight in squared errors, (COEFFICIENTS[stride],)."""
    if stride == BLOCK:
        cells = [row + column for row in range(BLOCK) for column in range(BLOCK)]
        return np.array([by_diagonal[d] for by_diagonal in DIAGONALS for d in cells])
    along, diagonal = DETAILS[stride]
    values = [*along, *along, *diagonal, *(MEANS if COEFFICIENTS[stride] == 12 else ())]
    return np.array(values)
