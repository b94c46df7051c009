"""Fit the linear predictions of a plane of deep samples, as an encoder does; decoders read the coefficients."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ....shapes import Int64
from .prediction import LINEAR, PARTS, Neighbour, Values, features

_MOST = 2**15
"""About how many pixels are looked at."""
_LARGEST = 2**15 - 1


def fit(samples: Values, own: Neighbour, others: Sequence[Neighbour]) -> Int64[NDArray[np.int64], "linear features"]:
    """Return coefficients times PARTS, in 16 bits with sign: first those for calm surroundings, then for all.

    Args:
        samples: The plane, (H, W).
        own: Neighbours in the plane.
        others: Neighbours in each plane before.
    """
    every = max(1, samples.size // _MOST)
    seen = np.stack([one.ravel()[::every] for one in features(own, others)], axis=1)
    wanted = (samples - own(0, -1)).ravel()[::every]
    activity = np.abs(seen[:, :3]).sum(axis=1)
    calm = _solved(seen, wanted, 1 / (activity + 8) ** 2)
    left = np.abs(wanted - seen @ calm)
    calm = _solved(seen, wanted, 1 / ((left + left.mean() / 10 + 1) * (activity + 8)))
    general = _solved(seen, wanted, 1 / (activity + activity.mean() + 1))
    found = np.rint(np.stack([calm, general]) * PARTS).clip(-_LARGEST, _LARGEST).astype(np.int64)
    assert len(found) == LINEAR
    return found


def _solved(seen: Values, wanted: Values, weights: Values) -> Values:
    """Return the coefficients of weighted least squares, slightly regularised."""
    weighted = seen * weights[:, None]
    matrix = seen.T @ weighted
    ridge = 1e-6 * np.trace(matrix) / len(matrix) + 1e-9
    found: Values = np.linalg.solve(matrix + ridge * np.eye(len(matrix)), weighted.T @ wanted)
    return found
