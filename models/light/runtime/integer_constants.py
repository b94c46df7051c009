"""The inverse transform's matrices and sigma as integers, the same on every machine."""

from __future__ import annotations

from decimal import Decimal, localcontext
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float64
from ...photo.quality import FINEST_QUALITY
from ...photo.runtime.transform import inverse_border_matrix, precise_basis, scales

BASIS_BITS, SIGMA_BITS = 12, 8
"""Binary digits of the matrices' entries, and of sigma in grey levels."""


@cache
def integer_basis() -> Float64[NDArray[np.float64], "192 192"]:
    """Return round(2**12 basis), from samples (columns) to coefficients (rows) of a lapped block: whole numbers."""
    return np.asarray(np.floor(precise_basis() / scales("lapped")[:, None] * 2**BASIS_BITS + 0.5))


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
