"""What an encoder codes: the coefficients of pixels in steps of the symbols' grids."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, UInt8
from ...photo.layout import BLOCK, COEFFICIENTS
from ...photo.runtime.transform import Levels, analyse, border_matrix, mean_scales
from ...photo.runtime.windows import GROUP, bands, grid_sizes
from ..config import COST_SHARES, STRIDES
from ..grids import VALUE_BITS
from ..layout import coded_channels, light_layout
from ..sensitivity import log_sensitivities
from .borders import across_borders
from .inverse import SymbolValues
from .posterior import LightTargets, TokenCosts


def targets_of(
    pixels: UInt8[NDArray[np.uint8], "H W 3"],
    sigma: float,
    values: SymbolValues,
    costs: TokenCosts,
    *,
    perceptual: bool,
) -> LightTargets:
    """Return the targets of an image.

    Args:
        pixels: the image.
        sigma: in grey levels.
        values: what symbols stand for at this tuning.
        costs: of symbols.
        perceptual: whether errors count by their sensitivities.
    """
    steps = {s: _steps(values, s) for s in STRIDES}
    planes = _planes(pixels, sigma, steps)
    units, shrink = [], []
    for stride, stages in light_layout().items():
        root = np.exp(log_sensitivities(stride) / 2) if perceptual else np.ones(COEFFICIENTS[stride])
        norms = _norms(stride)
        rows = dict(zip(coded_channels(stride), values.shrink[stride], strict=True))
        for channels in (group for stage in stages for group in stage):
            units.append((steps[stride] * root * norms)[channels].astype(np.float32))
            nearer = np.stack([rows[c] for c in channels]) * 2.0**-VALUE_BITS / steps[stride][channels][:, None]
            shrink.append(nearer.astype(np.float32))
    return LightTargets(planes, units, shrink, costs, cost_share=COST_SHARES[perceptual])


def _norms(stride: int) -> NDArray[np.float64]:
    return np.ones(COEFFICIENTS[BLOCK]) if stride == BLOCK else mean_scales(stride, "lapped")


def _steps(values: SymbolValues, stride: int) -> NDArray[np.float64]:
    """Return the step of every coefficient in units of sigma and of the transform's own norms; 1 if it is not coded."""
    out = np.ones(COEFFICIENTS[stride])
    out[values.channels[stride]] = values.step[stride] * 2.0**-VALUE_BITS
    return out


def _planes(
    pixels: UInt8[NDArray[np.uint8], "H W 3"], sigma: float, steps: dict[int, NDArray[np.float64]]
) -> dict[int, NDArray[np.float32]]:
    """Return the coefficients in steps by stride, computed in bands of rows."""
    size = (pixels.shape[0], pixels.shape[1])
    sizes = grid_sizes(size)
    maps = {s: np.empty((COEFFICIENTS[s], *sizes[s]), np.float32) for s in STRIDES}
    scales = {s: (1 / (sigma * steps[s] * _norms(s))).astype(np.float32)[:, None, None] for s in STRIDES}
    for core, wide in bands(size, BLOCK):
        for s, level in _levels(pixels[wide].transpose(2, 0, 1).astype(np.float32)).items():
            first, last = core.start // s, -(-core.stop // s)
            offset = (core.start - wide.start) // s
            np.multiply(level[:, offset : offset + last - first], scales[s], out=maps[s][:, first:last])
    return {s: level.reshape(len(level), -1) for s, level in maps.items()}


def _levels(pixels: Float32[NDArray[np.float32], "3 H W"]) -> Levels:
    """Return the coefficients by stride, (C, rows, columns), of grey levels."""
    height, width = pixels.shape[1:]
    x = np.pad(pixels - 128, ((0, 0), (0, -height % GROUP), (0, -width % GROUP)), mode="edge")
    sizes = grid_sizes((height, width))
    rows, columns = (BLOCK * n for n in sizes[BLOCK])  # of the image; padding up to 64 only fills the pyramid
    x[:, :rows, :columns] = across_borders(x[:, :rows, :columns], border_matrix())
    return {s: level[:, : sizes[s][0], : sizes[s][1]] for s, level in analyse(x, "lapped").items()}
