"""The terms of the adaptive filter, its application and what its fit needs; `adaptive_filter.apply` defines them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float, Shaped
from ...interface.adaptive_filter import ImageFilter
from ..adaptive_filter.fit import Moments
from ..adaptive_filter.squares import PAIRS, RADIUS, SIDE, TERMS, WINDOWS, Square, squares
from .transform import colour_rotation

MEAN_SCALE = np.float32(128)


def with_border(
    x: Float[NDArray[np.float32], "3 H W"], wide: Square, core: Square
) -> Float[NDArray[np.float32], "3 _ _"]:
    """Return the pixels of `core` and RADIUS more on all sides, repeating the image's border.

    Args:
        x: The pixels of `wide`, which ends less than RADIUS beyond `core` only at the image's border.
        wide: Rows and columns of the image that `x` holds.
        core: Rows and columns of the image that are wanted.
    """
    parts, margins = [], []
    for inner, outer in zip(core, wide, strict=True):
        before, after = min(RADIUS, inner.start - outer.start), min(RADIUS, outer.stop - inner.stop)
        parts.append(slice(inner.start - outer.start - before, inner.stop - outer.start + after))
        margins.append((RADIUS - before, RADIUS - after))
    return np.pad(x[:, parts[0], parts[1]], ((0, 0), *margins), mode="edge")


def terms(x: Float[NDArray[np.float32], "3 _ _"]) -> Float[NDArray[np.float32], "terms H W"]:
    """Return the terms of pixels.

    Args:
        x: (3, H + 2 RADIUS, W + 2 RADIUS) in grey levels about 0.
    """
    planes = np.stack([row[0] * x[0] + row[1] * x[1] + row[2] * x[2] for row in _rotation()])
    height, width = (side - 2 * RADIUS for side in x.shape[1:])
    out = np.empty((TERMS, height, width), np.float32)
    centre = planes[:, RADIUS : RADIUS + height, RADIUS : RADIUS + width]
    count = 0
    for window in WINDOWS:
        for term in _of_window(planes, centre, window):
            out[count] = term
            count += 1
    near = planes[0, RADIUS - 1 : RADIUS + height + 1, RADIUS - 1 : RADIUS + width + 1]
    for i, along in enumerate(_lines()):
        mapped = sum(along[k] * near[k : k + height] for k in range(3))
        for j, across in enumerate(_lines()):
            if i or j:
                out[count] = sum(across[k] * mapped[:, k : k + width] for k in range(3))
                count += 1
    return out


def _of_window(planes: NDArray[np.float32], centre: NDArray[np.float32], window: int) -> Iterator[NDArray[np.float32]]:
    """Yield the terms of one window, (H, W) each."""
    cut = RADIUS - window // 2
    wide = planes[:, cut : planes.shape[1] - cut, cut : planes.shape[2] - cut]
    mean = _mean(_mean(wide, window, 1), window, 2)
    detail, scaled = centre - mean, mean / MEAN_SCALE
    yield from detail
    for plane in detail:
        yield from plane * scaled
    for i, j in PAIRS:
        yield detail[0] * scaled[i] * scaled[j]


def _mean(x: NDArray[np.float32], window: int, axis: int) -> NDArray[np.float32]:
    """Return the running means of `window` samples along an axis."""
    sums = np.cumsum(x, axis=axis, dtype=np.float64)
    sums = np.concatenate([np.zeros_like(sums.take([0], axis)), sums], axis=axis)
    count = sums.shape[axis] - window
    shifted = sums.take(range(window, window + count), axis) - sums.take(range(count), axis)
    return (shifted / window).astype(np.float32)


@cache
def _rotation() -> NDArray[np.float32]:
    return colour_rotation().astype(np.float32)


def _lines() -> NDArray[np.float32]:
    """Return the three lines whose products are the kernels, (3, 3)."""
    return np.array([[1, 2, 1], [-2, 0, 2], [-1, 2, -1]], np.float32) / np.float32(4)


def apply_filter(
    x: Float[NDArray[np.float32], "3 H W"], wide: Square, core: Square, image_filter: ImageFilter
) -> Float[NDArray[np.float32], "3 _ _"]:
    """Return the filtered pixels of `core`.

    Args:
        x: The pixels of `wide` in grey levels.
        wide: Rows and columns of the image that `x` holds.
        core: Rows and columns of the image that are wanted.
        image_filter: The filter.
    """
    seen = with_border(x - 128, wide, core)
    top, left = core[0].start - wide[0].start, core[1].start - wide[1].start
    height, width = (part.stop - part.start for part in core)
    out = x[:, top : top + height, left : left + width].copy()
    for square in squares(*core):
        known = image_filter.of(square[0].start, square[1].start)
        if known.any():
            rows, columns = (slice(a.start - b.start, a.stop - b.start) for a, b in zip(square, core, strict=True))
            out[:, rows, columns] += _corrections(known, seen, rows, columns, square[1].start % SIDE)
    return out


def _corrections(
    known: NDArray[np.float32], seen: NDArray[np.float32], rows: slice, columns: slice, left: int
) -> NDArray[np.float32]:
    """Return what a region's filter adds to a square of pixels, whose first column is the region's `left`.

    Products have one size, whatever part of a square is wanted: see `transform.tiled_product`.
    """
    height, width = rows.stop - rows.start, columns.stop - columns.start
    found = _of_square(seen, rows, columns).reshape(TERMS, height, width)
    if width < SIDE:
        found = np.pad(found, ((0, 0), (0, 0), (left, SIDE - left - width)))
    added = (_rotation().T @ known) @ found.transpose(1, 0, 2)
    return np.asarray(added.transpose(1, 0, 2)[:, :, left : left + width])


def _of_square(seen: NDArray[np.float32], rows: slice, columns: slice) -> NDArray[np.float32]:
    """Return the terms (TERMS, n) of a square of pixels, counted from the first inside the border of `seen`."""
    part = seen[:, rows.start : rows.stop + 2 * RADIUS, columns.start : columns.stop + 2 * RADIUS]
    return terms(part).reshape(TERMS, -1)


def moments(
    x: Float[NDArray[np.float32], "3 _ W"], rows: slice, core: slice, pixels: Shaped[NDArray[np.uint8], "_ W 3"]
) -> Iterator[tuple[tuple[int, int], Moments]]:
    """Yield what the fit needs, by row and column of the smallest regions; those of bands can be added.

    Args:
        x: The decoded pixels of `rows` in grey levels.
        rows: Rows of the image that `x` holds.
        core: Rows of the image that count.
        pixels: The whole original image.
    """
    every = slice(0, x.shape[2])
    seen = with_border(x - 128, (rows, every), (core, every))
    for high, wide in squares(core, every):
        shown = x[:, high.start - rows.start : high.stop - rows.start, wide]
        found = _of_square(seen, slice(high.start - core.start, high.stop - core.start), wide)
        missing = _rotation() @ (pixels[high, wide].transpose(2, 0, 1) - shown).reshape(3, -1)
        products = (found @ np.concatenate([found, missing]).T).astype(np.float64)
        yield (high.start // SIDE, wide.start // SIDE), Moments(products[:, :TERMS], products[:, TERMS:])
