"""The exact reconstruction, for lossless files: pixels that are the same on every machine.

Lossy files compute the reconstruction in floats, which may round differently on each machine. Here the layers'
predictions are exact sums on a grid, the inverse transform is one of integers, and sigma is a fixed-point number. The
learned correction of the synthesis is left out: the model of the pixels takes its place.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float, Float64, UInt8
from ..layout import BLOCK
from ..quality import FINEST_QUALITY
from .layer import PREDICTION_LIMIT, RECONSTRUCTION_BITS, RuntimeLayer
from .transform import (
    STRIDES,
    Levels,
    across_borders,
    inverse_border_matrix,
    mean_scales,
    precise_basis,
    samples_of,
    scales,
    unfolded,
)

RECONSTRUCTION_LIMIT = 2.0**18
"""Bound of the sum of predictions and symbols, in sigma."""
BASIS_BITS, SIGMA_BITS, SAMPLE_BITS = 12, 8, 6
BAND_BLOCKS = 64
"""Rows of blocks of a band of the inverse transform."""


def check_values(layers: list[RuntimeLayer]) -> None:
    """Check that the sums of a coefficient's symbols stay within the 24 bits of its grid. ValueError if not."""
    sums: dict[tuple[int, int], float] = {}
    for layer in layers:
        layer.check_exact_predictions()
        for coefficient, most in zip(layer.plan.coefficients, np.abs(layer.values).max(0).tolist(), strict=True):
            key = layer.plan.stride, coefficient
            sums[key] = sums.get(key, 0.0) + most + PREDICTION_LIMIT
    if max(sums.values()) >= RECONSTRUCTION_LIMIT:
        raise ValueError("the values of its codebooks are too large to be exact")


@cache
def integer_basis(transform: str) -> Float64[NDArray[np.float64], "192 192"]:
    """Return round(2**12 basis), from samples (columns) to coefficients (rows) of a block: whole numbers."""
    return np.asarray(np.floor(precise_basis() / scales(transform)[:, None] * 2**BASIS_BITS + 0.5))


@cache
def integer_borders() -> Float64[NDArray[np.float64], "8 8"]:
    """Return round(2**12 inverse border matrix) of lapped blocks: whole numbers."""
    return np.asarray(np.floor(inverse_border_matrix() * 2**BASIS_BITS + 0.5))


@cache
def fixed_sigma(sigma_coarse: float, sigma_fine: float, quality: int) -> int:
    """Return round(2**8 sigma) at a network quality: coarse (fine / coarse)^(quality / 4096), in grey levels."""
    with localcontext() as context:
        context.prec = 40
        coarse, fine = Decimal(sigma_coarse), Decimal(sigma_fine)
        sigma = coarse * ((fine / coarse).ln() * quality / FINEST_QUALITY).exp()
        return int((sigma * 2**SIGMA_BITS).to_integral_value())


def image_of(levels: Levels, size: tuple[int, int], sigma: int, transform: str) -> UInt8[NDArray[np.uint8], "H W 3"]:
    """Return the pixels of an exact reconstruction.

    Args:
        levels: Coefficients by stride, whole blocks of stride 64.
        size: Height and width in pixels.
        sigma: In steps of 2**-8 grey levels.
        transform: "cosine" or "lapped".
    """
    means = unfolded({s: _unscaled(levels[s].astype(np.float64), s, transform) for s in STRIDES[:-1]})
    rows, columns = (-(-side // BLOCK) for side in size)
    pixels = np.empty((*size, 3), np.uint8)
    for first in range(0, rows, BAND_BLOCKS):
        start, stop = max(first - 1, 0), min(first + BAND_BLOCKS + 1, rows)  # lapped blocks need one more
        steps = _samples(levels[BLOCK][:, start:stop, :columns], means[:, start:stop, :columns], transform)
        part = pixels[BLOCK * first : BLOCK * (first + BAND_BLOCKS)]
        inside = steps[:, BLOCK * (first - start) :][:, : len(part), : size[1]]
        part[:] = _to_pixels(inside, sigma)
    return pixels


def _unscaled(level: NDArray[np.float64], stride: int, transform: str) -> NDArray[np.float64]:
    """Undo the scale of lapped blocks in coefficients (C, h, w) of the block means' pyramid."""
    if transform != "lapped":
        return level
    factors = _rounded(2.0**BASIS_BITS / mean_scales(stride, transform))[:, None, None]
    return _rounded(level * factors * 2.0 ** (RECONSTRUCTION_BITS - BASIS_BITS)) * 2.0**-RECONSTRUCTION_BITS


def _samples(
    coefficients: Float[NDArray[np.float32], "192 h w"], means: NDArray[np.float64], transform: str
) -> NDArray[np.float64]:
    """Return samples (3, 8h, 8w) in steps of 2**-6 sigma."""
    wide = coefficients.astype(np.float64)
    wide[:: BLOCK**2] = means
    flat = integer_basis(transform).T @ wide.reshape(len(wide), -1)
    steps = samples_of(_rounded(flat * 2.0 ** (SAMPLE_BITS - BASIS_BITS)).reshape(wide.shape))
    if transform == "lapped":
        steps = across_borders(steps, integer_borders(), lambda x: _rounded(x * 2.0**-BASIS_BITS))
    return steps


def _to_pixels(steps: NDArray[np.float64], sigma: int) -> NDArray[np.uint8]:
    """Convert samples (3, H, W) to pixels (H, W, 3)."""
    grey = np.floor(steps * sigma * 2.0 ** -(SAMPLE_BITS + SIGMA_BITS) + 128.5)
    return np.clip(grey, 0, 255).astype(np.uint8).transpose(1, 2, 0)


def _rounded(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return floor(x + 1/2)."""
    return np.asarray(np.floor(x + 0.5))
