"""Overlapping blocks: a map of the eight samples about every block border, before the blocks' cosine transform.

Of the eight samples, four on each side of a border, the map keeps the sums of mirrored samples and multiplies their
differences by a 4x4 matrix. A block's basis functions then extend four samples into its neighbours and fade there:
smooth images need fewer coefficients, and coarse ones show no blocks. The image's own borders are left alone.

The map is not orthonormal. Coefficients are scaled so that an error in one of them costs about its square in pixels;
errors in several of them may add up to a little more or less.

Source:
    Tran, Liang and Tu (2003), "Lapped transform via time-domain pre- and post-filtering".
"""

from __future__ import annotations

import torch
from torch import Tensor

from ....shapes import Float, Float64
from ..runtime.transform import DIFFERENCES, HALF, MEANS, NORMS, STEPS
from .transform import BLOCK, precise_basis


def border_matrix() -> Float64[Tensor, "8 8"]:
    """Return the map of eight samples about a border: 1/2 W diag(I, V) W, W = [[I, J], [J, -I]]. (8, 8) float64"""
    same, mirror = torch.eye(HALF, dtype=torch.float64), torch.eye(HALF, dtype=torch.float64).flip(0)
    fold = torch.cat([torch.cat([same, mirror], dim=1), torch.cat([mirror, -same], dim=1)])
    inner = torch.eye(BLOCK, dtype=torch.float64)
    inner[HALF:, HALF:] = torch.tensor(DIFFERENCES, dtype=torch.float64) / STEPS
    return fold @ inner @ fold / 2


def inverse_border_matrix() -> Float64[Tensor, "8 8"]:
    """Return the inverse of `border_matrix`. (8, 8) float64"""
    inverse: Tensor = torch.linalg.inv(border_matrix())
    return inverse


def scales() -> Float64[Tensor, " 192"]:
    """Return the norm in pixels of a unit of each of a block's coefficients; 1 for its means. (192,) float64"""
    along = torch.tensor(NORMS, dtype=torch.float64) / STEPS
    both = torch.outer(along, along).flatten()
    both[0] = 1
    return both.repeat(3)


def mean_scales(stride: int) -> Float64[Tensor, " coefficients"]:
    """Return the norms of the coefficients of the means' Haar pyramid: (9,) or, at stride 64, (12,) float64."""
    return torch.tensor(MEANS[stride], dtype=torch.float64) / STEPS


def analysis_basis() -> Float64[Tensor, "192 192"]:
    """Return the map from a block's 192 samples, already mapped, to its scaled coefficients. (192, 192) float64"""
    return precise_basis() * scales()[:, None]


def synthesis_basis() -> Float64[Tensor, "192 192"]:
    """Return the map from scaled coefficients (rows) to a block's samples before the inverse map. (192, 192) float64"""
    return precise_basis() / scales()[:, None]


def across(x: Float[Tensor, "... H W"], matrix: Float[Tensor, "8 8"]) -> Float[Tensor, "... H W"]:
    """Multiply the eight samples about every block border by a matrix, along rows, then along columns.

    Args:
        x: Samples (..., H, W) whose sides are multiples of 8.
        matrix: (8, 8).
    """
    return _along(_along(x, matrix).transpose(-1, -2), matrix).transpose(-1, -2)


def _along(x: Tensor, matrix: Tensor) -> Tensor:
    if x.shape[-1] <= BLOCK:
        return x
    first, between, last = torch.split(x, [HALF, x.shape[-1] - BLOCK, HALF], dim=-1)
    mapped = between.reshape(*x.shape[:-1], -1, BLOCK) @ matrix.to(x).t()
    return torch.cat([first, mapped.flatten(-2), last], dim=-1)
