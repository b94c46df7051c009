"""Predict deep samples from those before them: several predictions, blended by their errors nearby.

All numbers are integers below 2**52 in 64-bit floats, so that sums, products and floors of quotients are exact. An
encoder predicts many rows at once, a decoder the pixels of a wavefront: both give functions that return neighbours.

Source:
    The blend weighs predictions by the inverse squares of their errors, as the self-correcting predictor of JPEG XL
    does (ISO/IEC 18181-1, annex H); two of them are linear, with coefficients that the encoder fits.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float64, Int32

Values = NDArray[np.float64]
Neighbour = Callable[[int, int], Values]
"""Returns the values so many rows below and columns to the right of each pixel: (-1, 0) is the one above."""

OWN = ((-1, 0), (-1, -1), (-1, 1), (0, -2), (-2, 0), (-2, 1), (-2, -1), (-2, 2), (-1, -2))
"""Neighbours in the same plane that linear predictions see besides the one to the left."""
OTHER = ((0, 0), (-1, 0), (-1, -1), (-1, 1))
"""Neighbours in each plane before."""
ERRORS = ((0, -1), (-1, 0), (-1, 1), (-1, -1), (0, -2), (-2, 0))
"""Neighbours whose errors count."""
LINEAR = 2
"""Number of linear predictions."""
PARTS = 4096
"""Coefficients are multiples of 1 / PARTS."""
_RATIO = 256
_LEVELS = 2**16
CONTEXTS = 40
"""Contexts of a plane: two for each doubling of the activity."""


def features(own: Neighbour, others: Sequence[Neighbour]) -> list[Values]:
    """Return what linear predictions see: differences of neighbours from the one to the left, plane by plane."""
    left = own(0, -1)
    found = [own(*place) - left for place in OWN]
    for other in others:
        beside = other(0, -1)
        found += [other(*place) - beside for place in OTHER]
    return found


def predictions(
    own: Neighbour,
    others: Sequence[Neighbour],
    coefficients: Float64[NDArray[np.float64], "linear features"],
    surprise: Values | None,
    limits: tuple[int, int],
) -> Values:
    """Return the predictions of pixels, one after another in the first axis.

    Args:
        own: Neighbours in the plane.
        others: Neighbours in each plane before.
        coefficients: Of the linear predictions, times PARTS.
        surprise: The signed errors of the plane before at the same pixels; None in the first plane.
        limits: The smallest and the largest sample of the plane.
    """
    w, n, nw, ne = own(0, -1), own(-1, 0), own(-1, -1), own(-1, 1)
    median = np.clip(w + n - nw, np.minimum(w, n), np.maximum(w, n))
    slope, mean = np.floor((2 * (w + n) + ne - nw) / 4), np.floor((w + n + ne + nw + 2) / 4)
    made = [median, w + ne - n, slope, mean, 2 * n - own(-2, 0)]
    if surprise is not None:
        made += [one + surprise for one in (median, slope, mean)]
    seen = np.stack(features(own, others))
    products = (coefficients @ seen.reshape(len(seen), -1)).reshape(LINEAR, *w.shape)
    linear = w + np.floor((products + PARTS // 2) / PARTS)
    found: Values = np.clip(np.concatenate([np.stack(made), linear]), *limits)
    return found


def blended(made: Values, errors: Neighbour) -> Values:
    """Return the weighted mean of predictions.

    Args:
        made: The predictions, as `predictions` returns them, (n, ...).
        errors: Magnitudes of the errors of each prediction at neighbours, (n, ...).
    """
    sums = np.add.reduce([errors(*place) for place in ERRORS]) + 1
    weights = np.floor(_RATIO * sums.min(axis=0) / sums) ** 2
    total = weights.sum(axis=0)
    found: Values = np.floor(((weights * made).sum(axis=0) + np.floor(total / 2)) / total)
    return found


def contexts(errors: Neighbour, before: Values | None) -> Int32[NDArray[np.int32], "..."]:
    """Return the contexts of pixels, by the magnitudes of errors of their blends nearby.

    Args:
        errors: Magnitudes of the errors of blends at neighbours.
        before: Those of the plane before at the same pixels; None in the first plane.
    """
    activity = np.add.reduce([errors(*place) for place in ERRORS]) + errors(0, -1) + errors(-1, 0)
    if before is not None:
        activity = np.floor(activity * 5 / 8) + 2 * before
    found: NDArray[np.int32] = _context_of().take(activity.astype(np.int32))
    return found


@lru_cache(maxsize=1)
def _context_of() -> NDArray[np.int32]:
    """Return the context of every activity a, 0 to 8 (2**16 - 1): 2 floor(log2(a + 1)), or one more from 3/2 on."""
    activity = np.arange(1, 8 * _LEVELS, dtype=np.int64)
    octaves = np.frexp(activity.astype(np.float64))[1].astype(np.int64) - 1
    return (2 * octaves + ((2 * activity >> octaves) & 1)).astype(np.int32)
