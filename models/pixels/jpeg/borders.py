"""Predict coefficients so that neighbouring blocks meet without a gap where their borders touch.

Frequencies are coded diagonal by diagonal, in all blocks at once. So a block knows the lower frequencies of all its
neighbours, those below and to the right too: what its borders and theirs are made of so far, and the gaps between them.

Source:
    Lakhani (2003), "DCT coefficient prediction for JPEG image coding"; Horn et al. (2017), "The design, implementation
    and deployment of a system to transparently compress hundreds of petabytes of image files" (Lepton), section 4.
"""

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float64, Int32
from .frame import SIDE
from .transform import LARGEST

Values = NDArray[np.int32]
Weights = NDArray[np.int64]
_AT_BORDER = (362, 502, 473, 426, 362, 284, 196, 100)
"""The cosine of each frequency at the first sample, times 2**10; at the last one odd frequencies have another sign."""
PARTS = 16
"""Predictions are multiples of a step over PARTS."""
_BITS = 14
"""Gaps have 10 bits after the point and weights 8; predictions keep 4 of them."""
MOST_WEIGHT = 127


class Borders:
    """The borders of all blocks of a component, by the frequencies along them."""

    def __init__(self, means: Values) -> None:
        """Start with the means of blocks, (R, C), times their step."""
        shape = (SIDE, *means.shape)
        self._left, self._right, self._top, self._bottom = (np.zeros(shape, np.int32) for _ in range(4))
        self.add(0, 0, means)

    def add(self, down: int, across: int, values: Values) -> None:
        """Add the coefficients (R, C), times their step, of a vertical and a horizontal frequency."""
        beside, above = values * np.int32(_AT_BORDER[across]), values * np.int32(_AT_BORDER[down])
        self._left[down] += beside
        self._right[down] += -beside if across % 2 else beside
        self._top[across] += above
        self._bottom[across] += -above if down % 2 else above

    def gaps(self, down: int, across: int) -> tuple[Values, Values]:
        """Return the gaps to the left and the right together, and those above and below; 0 outside the image."""
        left, right = self._left[down], self._right[down]
        top, bottom = self._top[across], self._bottom[across]
        beside, above = np.zeros_like(left), np.zeros_like(left)
        beside[:, 1:] = right[:, :-1] - left[:, 1:]
        above[1:] = bottom[:-1] - top[1:]
        beside[:, :-1] += (left[:, 1:] - right[:, :-1]) * np.int32(-1 if across % 2 else 1)
        above[:-1] += (top[1:] - bottom[:-1]) * np.int32(-1 if down % 2 else 1)
        return beside, above


def predicted(
    gaps: tuple[Values, Values], weights: Weights, step: int
) -> tuple[Int32[Values, "R C"], Int32[Values, "R C"]]:
    """Return predictions of a frequency as whole steps, and what is left in parts of a step, 0 to PARTS - 1.

    Args:
        gaps: What `Borders.gaps` returned.
        weights: (2,) from -MOST_WEIGHT to MOST_WEIGHT.
        step: The quantisation step.
    """
    sums: Float64[NDArray[np.float64], "R C"] = gaps[0] * float(weights[0]) + gaps[1] * float(weights[1])
    parts = np.floor(sums / (step << _BITS))
    most = LARGEST // step
    whole = np.floor((parts + PARTS // 2) / PARTS)
    return whole.clip(-most, most).astype(np.int32), (parts + PARTS // 2 - PARTS * whole).astype(np.int32)


def fit(gaps: tuple[Values, Values], values: Values, step: int) -> Weights:
    """Return the weights that predict the values (R, C), coefficients times their step, best in the mean."""
    seen = np.stack([gap.ravel() for gap in gaps]).astype(np.float64) / 2**10
    weighted = seen / (np.abs(values.ravel()) + step)
    found = np.linalg.solve(weighted @ seen.T + 1e-3 * np.eye(2), weighted @ values.ravel())
    weights: Weights = np.rint(found * 2**8).clip(-MOST_WEIGHT, MOST_WEIGHT).astype(np.int64)
    return weights
