"""Wavefronts of deep samples: pixel (y, x) is in the wavefront x + 2 y, whose pixels see earlier ones only.

Outside a plane, neighbours are these: row -1 is row 0 moved right by two columns and row -2 the same by four, the
middle of the plane's range where row 0 has nothing to the left; left of a row is the first sample of the row above (of
row 0, the middle); right of a row is its last sample. Errors outside are 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .prediction import Neighbour, Values

_SLOTS = 8
"""Wavefronts that are remembered; neighbours are at most 5 back."""
_ABOVE, _BESIDE = 2, 2
"""Rows above and columns on either side of a plane that neighbours are in."""


@dataclass(frozen=True)
class Front:
    """A wavefront: its number, and its first row and the one after its last."""

    number: int
    first: int
    end: int


def fronts(height: int, width: int) -> Iterator[Front]:
    """Yield all wavefronts; some are empty where the image is one pixel wide."""
    for number in range(width + 2 * (height - 1)):
        first = max(0, (number - width + 2) // 2)
        yield Front(number, first, min(height - 1, number // 2) + 1)


def places(height: int, width: int, planes: int) -> NDArray[np.int64]:
    """Return the place of every sample in coding order, (planes, H, W): by wavefront, by plane, from the top."""
    every = list(fronts(height, width))
    first = np.array([front.first for front in every], np.int64)
    sizes = np.array([front.end - front.first for front in every], np.int64)
    starts = np.cumsum(sizes) - sizes
    rows, columns = np.mgrid[:height, :width]
    number = columns + 2 * rows
    one = planes * starts[number] + rows - first[number]
    return np.stack([one + plane * sizes[number] for plane in range(planes)])


def padded(samples: Values, middle: int) -> Values:
    """Return a plane (H, W) with what neighbours outside are: two rows above, and two columns on either side."""
    height, width = samples.shape
    wide = np.full((height + _ABOVE, width + 2 * _BESIDE), float(middle))
    wide[_ABOVE:, _BESIDE:-_BESIDE] = samples
    wide[_ABOVE + 1 :, :_BESIDE] = samples[:-1, :1]
    wide[_ABOVE:, -_BESIDE:] = samples[:, -1:]
    for row in range(_ABOVE):
        moved = _BESIDE + 2 * (_ABOVE - row)
        wide[row, moved:] = samples[0, : wide.shape[1] - moved]
    return wide


def neighbours_of(wide: Values) -> Neighbour:
    """Return the neighbours of all pixels of a padded plane, (..., H + 2, W + 4)."""
    height, width = wide.shape[-2] - _ABOVE, wide.shape[-1] - 2 * _BESIDE

    def neighbour(down: int, right: int) -> Values:
        top, left = _ABOVE + down, _BESIDE + right
        return wide[..., top : top + height, left : left + width]

    return neighbour


class Recent:
    """The last wavefronts of a plane: samples, or errors of several predictions."""

    def __init__(self, height: int, outside: int, *count: int) -> None:
        """Start with nothing but what is outside; `count` is the number of predictions, none for samples."""
        self._kept = np.full((_SLOTS, *count, height + _ABOVE + 1), float(outside))

    def neighbours(self, front: Front) -> Neighbour:
        """Return the neighbours of a wavefront's pixels."""

        def neighbour(down: int, right: int) -> Values:
            slot = self._kept[(front.number + right + 2 * down) % _SLOTS]
            part: Values = slot[..., front.first + down + _ABOVE : front.end + down + _ABOVE]
            return part

        return neighbour

    def put_errors(self, front: Front, errors: Values) -> None:
        """Keep the errors of a wavefront, and that those on either side of it are 0."""
        slot = self._kept[front.number % _SLOTS]
        slot[..., front.first + _ABOVE : front.end + _ABOVE] = errors
        slot[..., front.end + _ABOVE] = 0
        if front.first:
            slot[..., front.first + _ABOVE - 1] = 0

    def put_samples(self, front: Front, samples: Values) -> None:
        """Keep the samples of a wavefront, and what is outside beside it."""
        slot, before = self._kept[front.number % _SLOTS], self._kept[(front.number - 1) % _SLOTS]
        first, end = front.first + _ABOVE, front.end + _ABOVE
        slot[first:end] = samples
        slot[end] = before[end] if front.number % 2 else slot[end - 1]
        if front.first:
            slot[first - 1] = before[first - 1]
        else:
            slot[:_ABOVE] = slot[_ABOVE]
