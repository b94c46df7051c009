"""The lossy image beside lossless pixels: a hierarchy's picture of half the size, and how it is brought to full size.

Half the size costs a quarter of the time; what pixels gain from the lossy image hardly differs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....shapes import UInt8

Pixels = UInt8[NDArray[np.uint8], "H W *colours"]


def halved(pixels: Pixels) -> UInt8[NDArray[np.uint8], "h w *colours"]:
    """Return the means of 2 x 2 pixels, the border repeated: (ceil(H / 2), ceil(W / 2)) of them."""
    margins = [(0, side % 2) for side in pixels.shape[:2]] + [(0, 0)] * (pixels.ndim - 2)
    whole = np.pad(pixels, margins, mode="edge").astype(np.uint16)
    pairs = whole[0::2] + whole[1::2]
    return np.asarray((pairs[:, 0::2] + pairs[:, 1::2] + np.uint16(2)) >> 2, np.uint8)


def doubled(pixels: Pixels, height: int, width: int) -> UInt8[NDArray[np.uint8], "{height} {width} *colours"]:
    """Return an image at twice its size, cut to (height, width).

    A pixel is 9/16 of the one it lies in, 3/16 of the next ones across and down and 1/16 of the one between these,
    rounded half up; the border is repeated.
    """
    tall = _stretched(pixels.astype(np.uint16))
    wide = _stretched(tall.swapaxes(0, 1)).swapaxes(0, 1)
    whole = (wide[:height, :width] + np.uint16(8)) >> np.uint16(4)
    return np.ascontiguousarray(whole.astype(np.uint8))


def _stretched(rows: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Return four times what lies a quarter of a step before and after each of (n, ...): (2 n, ...)."""
    padded = np.concatenate([rows[:1], rows, rows[-1:]])
    middle = padded[1:-1] * np.uint16(3)
    both = np.stack([middle + padded[:-2], middle + padded[2:]], axis=1)
    return both.reshape(-1, *rows.shape[1:])
