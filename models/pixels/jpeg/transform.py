"""The inverse discrete cosine transform of JPEG decoders in integers, and a forward one in floats for encoders.

Source:
    Loeffler, Ligtenberg and Moschytz (1989), "Practical fast 1-D DCT algorithms with 11 multiplications", with
    constants of 13 bits, as the accurate integer transform of the Independent JPEG Group's decoder has them. Within a
    pass that one only adds and multiplies integers, so that a product with a matrix of integers is the same.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float64, Int32, Int64, UInt8
from .frame import SIDE

Values = NDArray[np.float64]
_EVEN = (
    (8192, 10703, 8192, 4433),
    (8192, 4433, -8192, -10704),
    (8192, -4433, -8192, 10704),
    (8192, -10703, 8192, -4433),
)
_ODD = (
    (11363, 9633, 6437, 2260),
    (9633, -2259, -11362, -6436),
    (6437, -11362, 2261, 9633),
    (2260, -6436, 9633, -11363),
)
"""Rows: the first four outputs. Columns: the even and the odd inputs, times 2**13."""
_FIRST, _SECOND = 11, 18
"""Bits that the first pass, over columns, and the second, over rows, drop after rounding."""
LARGEST = 2**15 - 1
"""Magnitudes of coefficients and of coefficients times steps are at most this, so that all sums are exact."""


@lru_cache(maxsize=1)
def inverse_matrix() -> Float64[NDArray[np.float64], "8 8"]:
    """Return the factors of inputs (columns) in outputs (rows): whole numbers."""
    upper = np.empty((SIDE // 2, SIDE))
    upper[:, 0::2], upper[:, 1::2] = _EVEN, _ODD
    lower = upper[::-1].copy()
    lower[:, 1::2] *= -1
    return np.concatenate([upper, lower])


@lru_cache(maxsize=1)
def forward_matrix() -> Float64[NDArray[np.float64], "8 8"]:
    """Return the orthonormal transform: frequencies (rows) of samples (columns)."""
    place = np.arange(SIDE)
    found = np.cos((2 * place + 1) * place[:, None] * np.pi / (2 * SIDE)) / 2
    found[0] /= np.sqrt(2)
    return found


def unrounded(values: Values) -> Values:
    """Return the samples of blocks (n, 8, 8) of coefficients times their steps, before they are rounded and clamped."""
    matrix = inverse_matrix()
    across = np.floor((matrix @ values) / 2**_FIRST + 0.5)
    found: Values = (across @ matrix.T) / 2**_SECOND + 128
    return found


def samples(
    coefficients: Int32[NDArray[np.int32], "8 8 rows columns"], steps: Int64[NDArray[np.int64], "64"]
) -> UInt8[NDArray[np.uint8], "height width"]:
    """Return the samples of blocks: dequantised, transformed, rounded and clamped.

    Args:
        coefficients: By vertical and horizontal frequency, for rows and columns of blocks.
        steps: Quantisation steps, by rows of frequencies. Magnitudes of coefficients times steps are at most LARGEST.
    """
    rows, columns = coefficients.shape[2:]
    values: Values = coefficients.reshape(SIDE * SIDE, -1).T.astype(np.float64) * steps
    found = np.floor(unrounded(values.reshape(-1, SIDE, SIDE)) + 0.5).clip(0, 255).astype(np.uint8)
    return found.reshape(rows, columns, SIDE, SIDE).swapaxes(1, 2).reshape(rows * SIDE, columns * SIDE)
