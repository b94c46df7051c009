"""Tell whether pixels were decoded from a JPEG file, and find its sampling and its tables."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....shapes import UInt8
from . import estimates
from .chroma import exact
from .frame import FACTORS, FULL, GREY, HALF, HALF_WIDTH, SIDE, Frame
from .tables import Table, fitting, standard

Pixels = UInt8[NDArray[np.uint8], "H W ..."]
_ERROR = 0.35
"""Standard deviation of a sample's errors by rounding, about."""
_UNKNOWN = 90
"""The quality of chroma that has hardly any details."""
_BLOCKS, _AREA = 1024, 2**18
"""Blocks of luma, and pixels of chroma, that are looked at, about."""


@dataclass(frozen=True)
class Origin:
    """What a JPEG file was, as far as its pixels tell."""

    frame: Frame
    tables: tuple[Table, ...]
    """Of luma, and of chroma if there is any."""


def origin_of(pixels: Pixels) -> Origin | None:
    """Return what JPEG file pixels were decoded from, or None."""
    height, width = pixels.shape[:2]
    if height < SIDE or width < SIDE:
        return None
    luma = fitting(_luma_frequencies(pixels), np.full(SIDE**2, _ERROR), chroma=False)
    if luma is None:
        return None
    if pixels.ndim == 2:
        return Origin(Frame(height, width, GREY), (luma,))
    sampling, chroma = _chroma(pixels, luma)
    return Origin(Frame(height, width, sampling), (luma, chroma))


def _luma_frequencies(pixels: Pixels) -> NDArray[np.float64]:
    """Return coefficients (n, 64) of some blocks of luma without clipped pixels, if there are enough of these."""
    height, width = (side // SIDE * SIDE for side in pixels.shape[:2])
    blocks = pixels[:height, :width].reshape(height // SIDE, SIDE, width // SIDE, SIDE, -1).swapaxes(1, 2)
    blocks = blocks.reshape(-1, SIDE, SIDE, blocks.shape[-1])
    blocks = blocks[:: max(1, len(blocks) // _BLOCKS)]
    whole = ~((blocks == 0) | (blocks == 255)).any(axis=(1, 2, 3))
    blocks = blocks[whole] if 4 * whole.sum() > len(blocks) else blocks
    luma = estimates.components(blocks)[0] if blocks.shape[-1] == 3 else blocks[..., 0].astype(np.float32)
    return estimates.transformed(luma - 128).astype(np.float64)


def _chroma(pixels: Pixels, luma: Table) -> tuple[int, Table]:
    """Return the sampling of chroma, and its table."""
    rows = max(2 * SIDE, _AREA // pixels.shape[1] // (2 * SIDE) * 2 * SIDE)
    top = max(0, len(pixels) - rows) // 2 // (2 * SIDE) * 2 * SIDE
    part = pixels[top : top + rows]
    known, *planes = exact(part)
    found = {}
    for sampling in (FULL, HALF_WIDTH, HALF):
        frame = Frame(part.shape[0], part.shape[1], sampling)
        frequencies = [estimates.frequencies(estimates.reduced(plane, frame)) for plane in planes]
        whole = _whole(known, frame)
        whole = whole if 8 * whole.sum() > whole.size else np.ones(whole.shape, bool)
        values = np.concatenate([one[whole] for one in frequencies]).astype(np.float64)
        found[sampling] = fitting(values, _chroma_errors(frame), chroma=True, likely=luma.quality)
    fits = {sampling: table for sampling, table in found.items() if table}
    if fits:
        return max(fits.items(), key=lambda item: item[1].gain)
    quality = luma.quality or _UNKNOWN
    return HALF, Table(standard(quality, chroma=True), quality, 0.0)


def _whole(known: NDArray[np.bool_], frame: Frame) -> NDArray[np.bool_]:
    """Return the blocks of chroma (R, C) all of whose pixels are known."""
    rows, columns = (factor * SIDE for factor in FACTORS[frame.sampling])
    full = np.pad(known, ((0, -known.shape[0] % rows), (0, -known.shape[1] % columns)), mode="edge")
    found: NDArray[np.bool_] = np.logical_and.reduce(
        full.reshape(-1, rows, full.shape[1] // columns, columns), axis=(1, 3)
    )
    return found


def _chroma_errors(frame: Frame) -> NDArray[np.float64]:
    """Return standard deviations of the errors of coefficients of chroma, which reducing it raises."""
    waves = np.cos(np.arange(SIDE) * np.pi / SIDE)
    rows, columns = (
        1 / (0.75 + 0.25 * waves) / np.sqrt(2) if factor == 2 else np.ones(SIDE) for factor in FACTORS[frame.sampling]
    )
    found: NDArray[np.float64] = _ERROR * np.sqrt(1 + np.outer(rows, columns) ** 2).ravel()
    return found
