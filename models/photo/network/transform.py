"""The orthonormal transform whose coefficients the canvas adds up: colour rotation, 8x8 DCT, Haar pyramid of the DCs.

Being orthonormal, it keeps squared errors: |x - y|^2 over the pixels is |T(x) - T(y)|^2 over the coefficients, so
the posterior may measure distortion on coefficients.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

BLOCK = 8
CHANNELS = 3 * BLOCK * BLOCK
"""Coefficients of a block at stride 8: colour-major, then row-major DCT frequency (192)."""


def colour_rotation() -> Tensor:
    """Orthonormal rows: luminance, red minus blue, green against red and blue. (3, 3)"""
    rows = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]], dtype=torch.float64)
    return torch.div(rows, torch.linalg.vector_norm(rows, dim=1, keepdim=True))


def dct_matrix(size: int = BLOCK) -> Tensor:
    """Orthonormal DCT-II, frequencies along rows. (size, size)"""
    k = torch.arange(size, dtype=torch.float64)
    matrix = math.sqrt(2 / size) * torch.cos(math.pi * (2 * k[None] + 1) * k[:, None] / (2 * size))
    matrix[0] /= math.sqrt(2)
    return matrix


def precise_basis() -> Tensor:
    """From a block's 192 samples (colour, row, column) to its 192 coefficients, orthonormal. (192, 192) float64"""
    return torch.kron(colour_rotation(), torch.kron(dct_matrix(), dct_matrix()))


def haar(parents: Tensor) -> tuple[Tensor, Tensor]:
    """One orthonormal Haar step: (B, C, 2h, 2w) -> means (B, C, h, w), details (B, 3C, h, w).

    Details are horizontal, then vertical, then diagonal.
    """
    a, b = parents[..., 0::2, 0::2], parents[..., 0::2, 1::2]
    c, d = parents[..., 1::2, 0::2], parents[..., 1::2, 1::2]
    details = torch.cat([a - b + c - d, a + b - c - d, a - b - c + d], dim=1)
    return (a + b + c + d) / 2, details / 2


def unhaar(means: Tensor, details: Tensor) -> Tensor:
    """Inverse of `haar`: (B, C, h, w), (B, 3C, h, w) -> (B, C, 2h, 2w)."""
    h, v, x = details.chunk(3, dim=1)
    rows = [
        torch.stack([means + h + v + x, means - h + v - x], dim=-1),
        torch.stack([means + h - v - x, means - h - v + x], dim=-1),
    ]
    B, C, H, W = means.shape
    return (torch.stack(rows, dim=-3) / 2).view(B, C, 2 * H, 2 * W)


def zigzag() -> list[int]:
    """Row-major indices of the 64 frequencies by diagonal, low first; the DC is first."""
    cells = [(r + c, r if (r + c) % 2 else c, r * BLOCK + c) for r in range(BLOCK) for c in range(BLOCK)]
    return [index for _, _, index in sorted(cells)]
