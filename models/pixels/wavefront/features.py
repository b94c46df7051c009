"""The features of a pixel: its causal neighbours, the errors of predictors there, and the lossy image around it.

All of them are whole steps of 2**-4 grey levels, so that sums are exact:

    differences   of the 17 neighbours in RECEPTIVE_FIELD to the base, on three planes; 0 outside the tile
    shown         differences of the lossy image around the pixel to the base, and the base itself
    errors        of the predictors at six neighbours, on three planes
    logarithms    of sums of the magnitudes of differences and of errors: the local activity

The base is the mean of the pixels above and to the left, as in `raster`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32
from ..causal import ReceptiveField
from ..grids import UNIT

LIMIT = 127 * UNIT
"""Largest magnitude of a feature, in steps."""
START = (128.0, 0.0, 0.0)
"""The base of a tile's first pixel, by plane."""

RECEPTIVE_FIELD = ReceptiveField(3, 2)
NEAR = tuple(sorted(RECEPTIVE_FIELD.offsets()))
"""Offsets (dy, dx) of neighbours, row by row."""
PAST = ((-2, 0), (-1, -1), (-1, 0), (-1, 1), (0, -2), (0, -1))
"""Offsets at which the predictors' errors are features."""
SHOWN = ((0, 0), (0, 1), (1, 0), (1, 1), (1, -1), (0, -1), (-1, 0))
"""Offsets at which the lossy image's luminance is a feature; its colours are taken at the pixel."""
BASES = (len(SHOWN) + 2, 3)
"""Maps of the lossy image, and bases."""

COUNTS = (3, 6, 12)
"""Numbers of nearest neighbours whose differences a logarithm sums up."""
OCTAVE = 64
"""Steps of a logarithm in a factor of two."""
TABLE = 2**14
"""Sums up to this have a logarithm of their own."""

Shift = tuple[int, int]


def inputs(predictors: int) -> int:
    """Return the number of features of a pixel."""
    return linear_inputs() + 3 * predictors * len(PAST) + 3 * len(COUNTS) + 3 * predictors


def linear_inputs() -> int:
    """Return the number of inputs of the linear predictors, the first features: differences and the lossy image."""
    return 3 * len(NEAR) + sum(BASES)


@lru_cache(maxsize=1)
def logarithms() -> Float32[NDArray[np.float32], " table"]:
    """Return log2(n + 1) for n below TABLE, its mantissa taken as linear, in steps around 16 = 2**4."""
    whole = [n.bit_length() - 1 for n in range(1, TABLE + 1)]
    parts = [OCTAVE * e + (OCTAVE * (n - 2**e) >> e) for n, e in enumerate(whole, 1)]
    return np.array(parts, np.float32) - np.float32(4 * OCTAVE)


@lru_cache(maxsize=1)
def nearest() -> Float32[NDArray[np.float32], "sums differences"]:
    """Return the weights of the sums of differences that have a logarithm: of 3 * COUNTS, of 3 * NEAR in steps."""
    near = sorted(range(len(NEAR)), key=lambda i: (NEAR[i][0] ** 2 + NEAR[i][1] ** 2, NEAR[i]))
    weights = np.zeros((3 * len(COUNTS), 3 * len(NEAR)), np.float32)
    for plane in range(3):
        for row, count in enumerate(COUNTS):
            for i in near[:count]:
                weights[len(COUNTS) * plane + row, 3 * i + plane] = 1 / UNIT
    return weights


def fill_logarithms(
    rows: Float32[NDArray[np.float32], "inputs n"], predictors: int
) -> Float32[NDArray[np.float32], "inputs n"]:
    """Fill in the logarithms, the last rows of the features, and return all features.

    A logarithm is of a sum of magnitudes: of differences in grey levels, by plane, or of a quarter of the errors, by
    plane and predictor.

    Args:
        rows: Features (inputs, n) in steps of 2**-4; the last rows are overwritten.
        predictors: J, the number of predictors of a plane.
    """
    first, J = len(rows) - 3 * (len(COUNTS) + predictors), 3 * predictors
    sums = np.empty((len(rows) - first, rows.shape[1]), np.float32)
    busy, wrong = sums[: 3 * len(COUNTS)], sums[3 * len(COUNTS) :]
    np.matmul(nearest(), np.abs(rows[: 3 * len(NEAR)]), out=busy)
    np.abs(rows[linear_inputs() : first]).reshape(len(PAST), J, -1).sum(axis=0, out=wrong)
    wrong *= np.float32(0.25)
    logarithms().take(sums.astype(np.intp), out=rows[first:], mode="clip")  # without a copy; no sum is outside
    return rows


def inside_image(height: int, width: int) -> Float32[NDArray[np.float32], "near H W"]:
    """Return for the offsets NEAR of every pixel whether they lie inside the image: 1, or else 0."""
    every = RECEPTIVE_FIELD.padded(np.ones((height, width), np.float32))
    corners = [(RECEPTIVE_FIELD.rows + dy, RECEPTIVE_FIELD.columns + dx) for dy, dx in NEAR]
    return np.stack([every[y : y + height, x : x + width] for y, x in corners])


def weights_of(
    height: int, width: int
) -> tuple[
    Float32[NDArray[np.float32], "1 H W"], Float32[NDArray[np.float32], "1 H W"], Float32[NDArray[np.float32], "3 H W"]
]:
    """Return the weights of a base: of the pixel above, of the one to the left, and the first pixel's own base."""
    has_above, has_left = np.ones((2, 1, height, width), np.float32)
    has_above[:, 0], has_left[:, :, 0] = 0, 0
    share = 1 - np.float32(0.5) * has_above * has_left
    start = np.zeros((3, height, width), np.float32)
    start[:, 0, 0] = START
    return has_above * share, has_left * share, start


def shown_around(shown: Float32[NDArray[np.float32], "3 B H W"]) -> Float32[NDArray[np.float32], "maps B H W"]:
    """Return the lossy image's planes at the offsets of its features, the border repeated."""
    height, width = shown.shape[-2:]
    light = np.pad(shown[0], [(0, 0), (1, 1), (1, 1)], mode="edge")
    around = [light[:, 1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width] for dy, dx in SHOWN]
    return np.stack([*around, *shown[1:]])


def clamped(rows: Float32[NDArray[np.float32], "*shape"]) -> Float32[NDArray[np.float32], "*shape"]:
    """Limit features to their range, in place."""
    rows.clip(-LIMIT, LIMIT, out=rows)
    return rows
