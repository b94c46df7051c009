"""Skewed samples of a pass: the decoded pixels and prediction errors of tiles, laid out by wavefront.

The features of a wavefront's pixels are gathered from them. Values are in steps of 2**-4 grey levels; the layout is
that of `skew`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32
from ..grids import UNIT
from . import features
from .features import Shift
from .skew import RowRun, SkewedMaps, Tiling

PLANES = slice(0, 3)


@lru_cache(maxsize=4)
def row_runs(offsets: tuple[Shift, ...]) -> tuple[RowRun, ...]:
    """Return offsets (dy, dx), which are row by row and without gaps, as runs of columns."""
    rows = sorted({dy for dy, _ in offsets})
    columns = {row: [dx for dy, dx in offsets if dy == row] for row in rows}
    return tuple((row, columns[row][0], columns[row][-1] + 1) for row in rows)


class SkewedSamples:
    """Stores decoded planes and predictors' errors, and gathers features from them.

    They are filled wavefront by wavefront; what is not decoded yet is 0.

    Args:
        tiling: The tiles of the strip.
        predictors: Number of linear predictors of a plane.
        around: The lossy image at the offsets of its features, in grey levels (`features.shown_around`).
    """

    def __init__(self, tiling: Tiling, predictors: int, around: Float32[NDArray[np.float32], "maps tiles h w"]) -> None:
        self.tiling, self.predictors = tiling, predictors
        self.errors = slice(3, 3 + 3 * predictors)
        field = features.RECEPTIVE_FIELD
        self.maps = SkewedMaps(
            tiling, self.errors.stop, tiling.count, np.float32, above=field.rows, beside=field.columns
        )
        self.shown = SkewedMaps.of(tiling, around)
        self.shown.values *= np.float32(UNIT)
        inside = features.inside_image(tiling.height, tiling.width)
        self.inside = SkewedMaps.of(tiling, inside[:, None])
        weights = features.weights_of(tiling.height, tiling.width)
        self.above, self.left, self.start = (SkewedMaps.of(tiling, weight[:, None]) for weight in weights)
        self.start.values *= np.float32(UNIT)
        self.middle = np.array(features.START, np.float32)[:, None, None] * np.float32(UNIT)

    def planes(self) -> Float32[NDArray[np.float32], "3 height width"]:
        """Return the decoded planes of the strip, in grey levels."""
        return self.tiling.strip(self.maps.straight()[PLANES]) / np.float32(UNIT)

    def put(
        self,
        front: int,
        plane: int,
        values: Float32[NDArray[np.float32], " n"],
        errors: Float32[NDArray[np.float32], "J n"],
    ) -> None:
        """Store one plane of a front's pixels, tile after tile, and its predictors' errors.

        Args:
            front: Index of the wavefront.
            plane: 0, 1 or 2.
            values: The pixels (n,), in steps of 2**-4 grey levels.
            errors: The errors of the plane's predictors (J, n), in the same steps; clamped to the features' range.
        """
        target, J = self.maps.front(front)[0], self.predictors
        target[plane] = values.reshape(target.shape[1:])
        first = self.errors.start + J * plane
        target[first : first + J] = features.clamped(errors).reshape(J, *target.shape[1:])

    def features(
        self, front: int
    ) -> tuple[Float32[NDArray[np.float32], "3 n"], Float32[NDArray[np.float32], "inputs n"]]:
        """Return the base of a front's pixels, tile after tile, and their features.

        Args:
            front: Index of the wavefront.

        Returns:
            Base (3, n) and features (inputs, n) in steps of 2**-4 grey levels, features within their range.
        """
        n, linear = self.tiling.length(front), features.linear_inputs()
        everything = np.empty((features.inputs(self.predictors), self.tiling.count, n), np.float32)
        base = self._base(front)
        self._linear(front, base, everything[:linear])
        self._gather(front, self.errors, features.PAST, everything[linear:])
        return base.reshape(3, -1), features.fill_logarithms(everything.reshape(len(everything), -1), self.predictors)

    def _base(self, front: int) -> NDArray[np.float32]:
        above, left = self.maps.front(front, PLANES, (-1, 0, 1))[0], self.maps.front(front, PLANES, (0, -1, 0))[0]
        sums: NDArray[np.float32] = above * self.above.front(front)[0]
        sums += left * self.left.front(front)[0]
        sums *= np.float32(1 / UNIT)
        sums += np.float32(0.5)
        np.floor(sums, out=sums)
        sums *= np.float32(UNIT)
        sums += self.start.front(front)[0]
        return sums

    def _linear(self, front: int, base: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        """Fill in the features that the predictors take. (linear, tiles, n)"""
        near, light = 3 * len(features.NEAR), len(features.SHOWN)
        self._gather(front, PLANES, features.NEAR, out)
        apart = out[:near].reshape(len(features.NEAR), 3, *base.shape[1:])
        apart -= base
        apart *= self.inside.front(front)[0][:, None]
        shown = self.shown.front(front)[0]
        np.subtract(shown[:light], base[:1], out=out[near : near + light])
        np.subtract(shown[light:], base[1:], out=out[near + light : near + light + 2])
        np.subtract(base, self.middle, out=out[near + light + 2 :])
        features.clamped(out)

    def _gather(self, front: int, maps: slice, offsets: tuple[Shift, ...], out: NDArray[np.float32]) -> None:
        """Copy maps at offsets into the first rows of `out`."""
        place, count = 0, maps.stop - maps.start
        for run in row_runs(offsets):
            found = self.maps.front(front, maps, run)
            end = place + len(found) * count
            out[place:end].reshape(found.shape)[:] = found
            place = end
