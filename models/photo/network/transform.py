"""The orthonormal transform of the model's coefficients: colour rotation, 8x8 DCT, and a Haar pyramid of the DCs.

An orthonormal transform preserves squared errors: |x - y|^2 over the pixels is |T(x) - T(y)|^2 over the coefficients,
so that the posterior may measure distortion on coefficients.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ....shapes import Float, Float64, Shaped

BLOCK = 8
CHANNELS = 3 * BLOCK * BLOCK
"""Coefficients of a block at stride 8, ordered by colour, then by DCT frequency row by row (192)."""


def colour_rotation() -> Float64[Tensor, "3 3"]:
    """Return orthonormal rows: luminance, red minus blue, green against red and blue. (3, 3) float64"""
    rows = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]], dtype=torch.float64)
    return torch.div(rows, torch.linalg.vector_norm(rows, dim=1, keepdim=True))


def dct_matrix(size: int = BLOCK) -> Float64[Tensor, "size size"]:
    """Return the orthonormal DCT-II with frequencies along rows, (size, size) float64."""
    k = torch.arange(size, dtype=torch.float64)
    matrix = math.sqrt(2 / size) * torch.cos(math.pi * (2 * k[None] + 1) * k[:, None] / (2 * size))
    matrix[0] /= math.sqrt(2)
    return matrix


def precise_basis() -> Float64[Tensor, "192 192"]:
    """Return the orthonormal map from samples (colour, row, column) to coefficients of a block. (192, 192)"""
    return torch.kron(colour_rotation(), torch.kron(dct_matrix(), dct_matrix()))


def haar(parents: Shaped[Tensor, "B C H W"]) -> tuple[Shaped[Tensor, "B C h w"], Shaped[Tensor, "B 3*C h w"]]:
    """Apply one orthonormal Haar step.

    Args:
        parents: Map (B, C, 2h, 2w).

    Returns:
        Means (B, C, h, w) and details (B, 3C, h, w): horizontal, then vertical, then diagonal.
    """
    a, b = parents[..., 0::2, 0::2], parents[..., 0::2, 1::2]
    c, d = parents[..., 1::2, 0::2], parents[..., 1::2, 1::2]
    details = torch.cat([a - b + c - d, a + b - c - d, a - b - c + d], dim=1)
    return (a + b + c + d) / 2, details / 2


def unhaar(means: Float[Tensor, "B C h w"], details: Float[Tensor, "B 3*C h w"]) -> Float[Tensor, "B C 2*h 2*w"]:
    """Invert `haar`: means (B, C, h, w) and details (B, 3C, h, w) -> (B, C, 2h, 2w)."""
    h, v, x = details.chunk(3, dim=1)
    rows = [
        torch.stack([means + h + v + x, means - h + v - x], dim=-1),
        torch.stack([means + h - v - x, means - h - v + x], dim=-1),
    ]
    B, C, H, W = means.shape
    return (torch.stack(rows, dim=-3) / 2).view(B, C, 2 * H, 2 * W)
