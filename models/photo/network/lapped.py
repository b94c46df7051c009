"""Blocks that overlap: a map of the eight samples about every border of blocks, before the blocks' cosine transform.

Of the eight samples, four to either side of a border, it leaves the sums of mirrored ones as they are and maps their
differences by a 4x4 matrix (Tran, Liang and Tu 2003). A block's basis functions then reach four samples into its
neighbours and fade there: smooth images need fewer coefficients, and coarse ones show no blocks. The image's own
borders are left alone.

The map is not orthonormal. Coefficients are scaled so that an error in one of them costs about its square in pixels;
errors in several of them may add up to a little more or less.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .transform import BLOCK, precise_basis

HALF = BLOCK // 2
STEPS = 256

DIFFERENCES = ((244, 201, 91, 61), (-141, 231, 158, 60), (29, -93, 279, 100), (-8, 2, -31, 304))
"""V in steps of 2**-8: maximises the coding gain on a first-order process of correlation 0.95 (9.615 dB; blocks by
themselves have 8.826, the best orthonormal V 9.26)."""

NORMS = (215, 216, 237, 238, 246, 245, 251, 250)
"""Norms of the eight synthesis functions of that transform along one axis, in steps of 2**-8."""

MEANS = {16: (176,) * 6 + (142,) * 3, 32: (217,) * 6 + (199,) * 3, 64: (237,) * 6 + (227,) * 3 + (246,) * 3}
"""Norms of what the coefficients of the block means' Haar pyramid add to an image, by stride, in steps of 2**-8."""


def border_matrix() -> Tensor:
    """What becomes of eight samples about a border: 1/2 W diag(I, V) W, W = [[I, J], [J, -I]]. (8, 8) float64"""
    same, mirror = torch.eye(HALF, dtype=torch.float64), torch.eye(HALF, dtype=torch.float64).flip(0)
    fold = torch.cat([torch.cat([same, mirror], dim=1), torch.cat([mirror, -same], dim=1)])
    inner = torch.eye(BLOCK, dtype=torch.float64)
    inner[HALF:, HALF:] = torch.tensor(DIFFERENCES, dtype=torch.float64) / STEPS
    return fold @ inner @ fold / 2


def inverse_border_matrix() -> Tensor:
    """The inverse of `border_matrix`. (8, 8) float64"""
    inverse: Tensor = torch.linalg.inv(border_matrix())
    return inverse


def scales() -> Tensor:
    """How much a unit of a block's coefficients counts in pixels; 1 for its means. (192,) float64, colour-major"""
    along = torch.tensor(NORMS, dtype=torch.float64) / STEPS
    both = torch.outer(along, along).flatten()
    both[0] = 1
    return both.repeat(3)


def mean_scales(stride: int) -> Tensor:
    """The same of the means' Haar pyramid at a stride. (9,) or, at stride 64, (12,) float64"""
    return torch.tensor(MEANS[stride], dtype=torch.float64) / STEPS


def analysis_basis() -> Tensor:
    """From a block's 192 samples, lapped, to its scaled coefficients. (192, 192) float64"""
    return precise_basis() * scales()[:, None]


def synthesis_basis() -> Tensor:
    """From scaled coefficients (rows) to a block's samples, still lapped (columns). (192, 192) float64"""
    return precise_basis() / scales()[:, None]


def across(x: Tensor, matrix: Tensor, rounding: Callable[[Tensor], Tensor] = lambda x: x) -> Tensor:
    """`matrix` (8, 8) times the samples (..., H, W) about every border of blocks, along rows, then along columns.

    Sides are multiples of 8. `rounding` is applied to what either step has mapped.
    """
    return _along(_along(x, matrix, rounding).transpose(-1, -2), matrix, rounding).transpose(-1, -2)


def _along(x: Tensor, matrix: Tensor, rounding: Callable[[Tensor], Tensor]) -> Tensor:
    if x.shape[-1] <= BLOCK:
        return x
    first, between, last = torch.split(x, [HALF, x.shape[-1] - BLOCK, HALF], dim=-1)
    mapped = between.reshape(*x.shape[:-1], -1, BLOCK) @ matrix.to(x).t()
    return torch.cat([first, rounding(mapped.flatten(-2)), last], dim=-1)
