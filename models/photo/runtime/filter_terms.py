"""The terms of the adaptive filter, its application and what its fit needs; `adaptive_filter.apply` defines them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
from jaxtyping import Float, Shaped
from numpy.typing import NDArray

from ...interface.adaptive_filter import ImageFilter
from ..adaptive_filter.fit import Moments
from ..adaptive_filter.squares import PAIRS, PLANES, RADIUS, SIDE, TERMS, WINDOWS, squares
from .transform import colour_rotation

MEAN_SCALE = np.float32(128)


def with_border(
    x: Float[NDArray[np.float32], "3 H W"], rows: slice, core: slice
) -> Float[NDArray[np.float32], "3 _ _"]:
    """Return the pixels of `core` and RADIUS more on all sides, repeating the image's border.

    Args:
        x: The pixels of `rows`.
        rows: Rows of the image that `x` holds.
        core: Rows of the image that are wanted.
    """
    above, below = min(RADIUS, core.start - rows.start), min(RADIUS, rows.stop - core.stop)
    part = x[:, core.start - rows.start - above : core.stop - rows.start + below]
    return np.pad(part, ((0, 0), (RADIUS - above, RADIUS - below), (RADIUS, RADIUS)), mode="edge")


def terms(x: Float[NDArray[np.float32], "3 _ _"]) -> Float[NDArray[np.float32], "terms H W"]:
    """Return the terms of pixels.

    Args:
        x: (3, H + 2 RADIUS, W + 2 RADIUS) in grey levels about 0.
    """
    planes = (_rotation() @ x.reshape(3, -1)).reshape(x.shape)
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
    x: Float[NDArray[np.float32], "3 H W"], rows: slice, core: slice, image_filter: ImageFilter
) -> Float[NDArray[np.float32], "3 _ W"]:
    """Return the filtered pixels of `core`.

    Args:
        x: The pixels of `rows` in grey levels.
        rows: Rows of the image that `x` holds.
        core: Rows of the image that are wanted.
        image_filter: The filter.
    """
    seen = with_border(x - 128, rows, core)
    out = x[:, core.start - rows.start : core.stop - rows.start].copy()
    for high, wide in squares(core, x.shape[2]):
        known = image_filter.of(high.start, wide.start)
        if known.any():
            top, height = high.start - core.start, high.stop - high.start
            added = _rotation().T @ known @ _of_square(seen, top, high, wide)
            out[:, top : top + height, wide] += added.reshape(PLANES, height, -1)
    return out


def _of_square(seen: NDArray[np.float32], top: int, high: slice, wide: slice) -> NDArray[np.float32]:
    """Return the terms (TERMS, n) of a square of pixels, whose first row is `top` rows below the first of `seen`."""
    height = high.stop - high.start
    return terms(seen[:, top : top + height + 2 * RADIUS, wide.start : wide.stop + 2 * RADIUS]).reshape(TERMS, -1)


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
    seen = with_border(x - 128, rows, core)
    for high, wide in squares(core, x.shape[2]):
        shown = x[:, high.start - rows.start : high.stop - rows.start, wide]
        found = _of_square(seen, high.start - core.start, high, wide)
        missing = _rotation() @ (pixels[high, wide].transpose(2, 0, 1) - shown).reshape(3, -1)
        products = (found @ np.concatenate([found, missing]).T).astype(np.float64)
        yield (high.start // SIDE, wide.start // SIDE), Moments(products[:, :TERMS], products[:, TERMS:])
