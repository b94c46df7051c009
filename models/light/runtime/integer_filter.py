"""The adaptive filter in integers: the terms of `models.photo.adaptive_filter`, its application and what its fit needs.

Everything is in steps of 2**-4 grey levels about 128, so that filtered pixels are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ....shapes import Int16, Int32, UInt8
from ...interface.adaptive_filter import ImageFilter
from ...interface.photo import Region
from ...photo.adaptive_filter.fit import Grid, Moments
from ...photo.adaptive_filter.squares import PAIRS, RADIUS, SIDE, TERMS, WINDOWS, squares

LEVEL_BITS = 4
"""Binary digits of grey levels."""
LEVEL_LIMIT = 2**13
"""Largest magnitude of a level about 128, in steps."""
TERM_LIMIT = 2**15 - 1
"""Largest magnitude of a term, in steps."""
MEAN_SHIFT = 7 + LEVEL_BITS
"""Binary digits of 128 levels, which means are divided by."""
ROTATION_BITS = 8

ROTATION = ((148, 148, 148), (181, 0, -181), (105, -209, 105))
"""The rotation of colours in steps of 2**-8: luminance, red minus blue, green against both."""
LINES = ((1, 2, 1), (-2, 0, 2), (-1, 2, -1))
"""The lines whose products, divided by 16, are the 3x3 kernels."""

Terms = NDArray[np.int32]


@cache
def _rotation() -> NDArray[np.int32]:
    return np.array(ROTATION, np.int32)


def rotated(x: Int32[NDArray[np.int32], "3 H W"]) -> Int32[NDArray[np.int32], "3 H W"]:
    """Return the planes of levels."""
    rows = [row[0] * x[0] + row[1] * x[1] + row[2] * x[2] for row in _rotation()]
    return np.stack([_divided(row, 2**ROTATION_BITS) for row in rows])


def _divided(x: Terms, by: int) -> Terms:
    """Return x / by, rounded half up."""
    found: Terms = (2 * x + by) // (2 * by)
    return found


def _limited(x: NDArray[np.int64]) -> Terms:
    return np.asarray(np.clip(x, -TERM_LIMIT, TERM_LIMIT), np.int32)


def terms(x: Int32[NDArray[np.int32], "3 _ _"]) -> Int32[NDArray[np.int32], "terms H W"]:
    """Return the terms of pixels.

    Args:
        x: levels (3, H + 2 RADIUS, W + 2 RADIUS).
    """
    planes = rotated(x)
    height, width = (side - 2 * RADIUS for side in x.shape[1:])
    out = np.empty((TERMS, height, width), np.int32)
    centre = planes[:, RADIUS : RADIUS + height, RADIUS : RADIUS + width]
    count = 0
    for window in WINDOWS:
        for term in _of_window(planes, centre, window):
            out[count] = term
            count += 1
    near = planes[0, RADIUS - 1 : RADIUS + height + 1, RADIUS - 1 : RADIUS + width + 1]
    for i, along in enumerate(LINES):
        rows = [along[k] * near[k : k + height] for k in range(3)]
        mapped = rows[0] + rows[1] + rows[2]
        for j, across in enumerate(LINES):
            if i or j:
                columns = [across[k] * mapped[:, k : k + width] for k in range(3)]
                out[count] = _divided(columns[0] + columns[1] + columns[2], 16)
                count += 1
    return out


def _of_window(planes: Terms, centre: Terms, window: int) -> Iterator[Terms]:
    """Yield the terms of one window, (H, W) each."""
    cut = RADIUS - window // 2
    wide = planes[:, cut : planes.shape[1] - cut, cut : planes.shape[2] - cut]
    mean = _divided(_sums(_sums(wide, window, 1), window, 2), window**2)
    detail = centre - mean
    yield from (_limited(part) for part in detail)
    for plane in detail:
        yield from (_product(plane, part) for part in mean)
    for i, j in PAIRS:
        yield _product(_product(detail[0], mean[i]), mean[j])


def _product(detail: Terms, mean: Terms) -> Terms:
    """Return a detail times a mean of 128 levels."""
    return _limited((detail.astype(np.int64) * mean + 2 ** (MEAN_SHIFT - 1)) >> MEAN_SHIFT)


def _sums(x: Terms, window: int, axis: int) -> Terms:
    """Return the sums of `window` samples along an axis."""
    sums = np.cumsum(x, axis=axis, dtype=np.int32)
    sums = np.concatenate([np.zeros_like(sums.take([0], axis)), sums], axis=axis)
    count = sums.shape[axis] - window
    found: Terms = sums.take(range(window, window + count), axis) - sums.take(range(count), axis)
    return found


def levels(samples: NDArray[np.float32], sigma: int, bits: int) -> Int16[NDArray[np.int16], "3 H W"]:
    """Return samples as levels about 128.

    Args:
        samples: whole numbers, (3, H, W).
        sigma: levels of 2**bits samples.
        bits: binary digits of the samples and of sigma together.
    """
    found = np.floor(samples.astype(np.float64) * sigma * 2.0 ** (LEVEL_BITS - bits) + 0.5)
    return np.asarray(np.clip(found, -LEVEL_LIMIT, LEVEL_LIMIT), np.int16)


def _around(x: Int16[NDArray[np.int16], "3 H W"], rows: slice, columns: slice) -> Terms:
    """Return the levels of some pixels and of RADIUS more on all sides; the border repeats."""
    spans, margins = [], []
    for part, side in zip((rows, columns), x.shape[1:], strict=True):
        first, last = max(part.start - RADIUS, 0), min(part.stop + RADIUS, side)
        spans.append(slice(first, last))
        margins.append((first - part.start + RADIUS, part.stop + RADIUS - last))
    return np.pad(x[:, spans[0], spans[1]], ((0, 0), *margins), mode="edge").astype(np.int32)


def filtered(
    x: Int16[NDArray[np.int16], "3 H W"], top: int, region: Region, image_filter: ImageFilter
) -> UInt8[NDArray[np.uint8], "h w 3"]:
    """Return the filtered pixels of a region.

    Args:
        x: levels of rows of the image from `top` on. Rows that are missing within RADIUS of the region lie outside it.
        top: the first row of `x`.
        region: rows and columns of the image.
        image_filter: the filter.
    """
    rows, columns = region
    out = np.empty((rows.stop - rows.start, columns.stop - columns.start, 3), np.uint8)
    for high, wide in squares(rows, columns):
        inner = slice(high.start - top, high.stop - top)
        own = x[:, inner, wide].astype(np.int32)
        place = high.start // image_filter.side, wide.start // image_filter.side
        steps = image_filter.steps[place]
        if steps.any():
            own = own + _corrections(terms(_around(x, inner, wide)), steps, image_filter.precision)
        place_out = slice(high.start - rows.start, high.stop - rows.start)
        out[place_out, wide.start - columns.start : wide.stop - columns.start] = to_bytes(own)
    return out


def _corrections(found: Terms, steps: NDArray[np.int32], precision: int) -> Terms:
    """Return what a region's coefficients add to the levels of red, green and blue."""
    used = np.flatnonzero(steps.any(axis=0))
    planes = np.tensordot(steps[:, used].astype(np.float64), found[used].astype(np.float64), 1)  # below 2**30: exact
    colours = np.tensordot(_rotation().T.astype(np.float64), planes, 1)
    return np.floor(colours * 2.0 ** -(precision + ROTATION_BITS) + 0.5).astype(np.int32)


def to_bytes(x: Int32[NDArray[np.int32], "3 H W"]) -> UInt8[NDArray[np.uint8], "H W 3"]:
    """Return levels about 128 as pixels."""
    half = 2 ** (LEVEL_BITS - 1)
    grey = np.clip((x + half >> LEVEL_BITS) + 128, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(grey.transpose(1, 2, 0))


def moments(x: Int16[NDArray[np.int16], "3 H W"], pixels: UInt8[NDArray[np.uint8], "H W 3"]) -> Grid:
    """Return what the fit needs, by row and column of the smallest regions, in grey levels.

    Args:
        x: levels of the whole image.
        pixels: the original image.
    """
    grid: Grid = {}
    matrix = _rotation().astype(np.float32) / 2**ROTATION_BITS
    for high, wide in squares(slice(0, x.shape[1]), slice(0, x.shape[2])):
        found = terms(_around(x, high, wide)).reshape(TERMS, -1).astype(np.float32) / 2**LEVEL_BITS
        shown = x[:, high, wide].astype(np.float32) / 2**LEVEL_BITS + 128
        missing = matrix @ (pixels[high, wide].transpose(2, 0, 1) - shown).reshape(3, -1)
        products = (found @ np.concatenate([found, missing]).T).astype(np.float64)
        grid[high.start // SIDE, wide.start // SIDE] = Moments(products[:, :TERMS], products[:, TERMS:])
    return grid
