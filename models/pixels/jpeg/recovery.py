"""Recover the coefficients of an image that was decoded from a JPEG file, in bands of rows."""

import numpy as np
from numpy.typing import NDArray

from . import luma
from .chroma import Search
from .estimates import components
from .frame import SIDE, Frame
from .reconstruction import Coefficients

_UNIT = 2 * SIDE
"""Rows of luma under a row of blocks, of any component, at most."""
_BAND, _HALO = 16 * _UNIT, 2 * _UNIT
"""Rows of a band, and those above and below that are looked at with it."""

Seen = NDArray[np.bool_]
"""(H, W)."""


def recovered(
    pixels: NDArray[np.uint8], frame: Frame, steps: tuple[NDArray[np.int64], ...], seen: Seen | None = None
) -> list[Coefficients]:
    """Return coefficients that give the pixels, or most of them, back.

    Args:
        pixels: Grey (H, W) or RGB (H, W, 3), of the size of the frame.
        frame: The frame.
        steps: Quantisation steps (64,) of luma, and of chroma if there is any.
        seen: Which pixels count; None for all.
    """
    found = [np.zeros((SIDE, SIDE, *frame.blocks(i)), np.int32) for i in range(frame.components)]
    for top in range(0, frame.height, _BAND):
        start, end = max(0, top - _HALO), min(frame.height, top + _BAND + _HALO)
        part = Frame(end - start, frame.width, frame.sampling, frame.smooth)
        own = _band(pixels[start:end], part, steps, None if seen is None else seen[start:end])
        for i, (whole, band) in enumerate(zip(found, own, strict=True)):
            rows = SIDE * (frame.rows if i else 1)
            inside = slice((top - start) // rows, -(-(min(top + _BAND, frame.height) - start) // rows))
            to = slice(top // rows, top // rows + inside.stop - inside.start)
            whole[:, :, to] = band[inside].transpose(2, 0, 1).reshape(SIDE, SIDE, -1, band.shape[1])
    return found


def _band(
    pixels: NDArray[np.uint8], frame: Frame, steps: tuple[NDArray[np.int64], ...], seen: Seen | None
) -> list[NDArray[np.int32]]:
    """Return the coefficients of a band, (R, C, 64) of each component."""
    if frame.components == 1:
        low = high = pixels.astype(np.int16)
        chroma, estimate = [], pixels.astype(np.float32)
    else:
        search = Search(pixels, frame, (steps[0], steps[1]), seen)
        low, high = search.run()
        chroma, estimate = search.coefficients[1:], components(pixels)[0]
    if seen is not None:
        low, high = np.where(seen, low, 0).astype(np.int16), np.where(seen, high, 255).astype(np.int16)
    return [luma.found_between(low, high, estimate, steps[0]), *chroma]
