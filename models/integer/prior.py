"""Converts scores of a prior to integer frequencies in exact arithmetic.

Codebook means, precisions 1 / (2 s) and constants are integers times powers of two, so that the scores

    score_k = c_k - sum_d precision_kd (e_d - mean_kd)^2         (in bits)

are sums of dyadic numbers that fit 53 bits: float64 adds them exactly in any order. The exponential is a table.

Source:
    Willetts et al. (2021), "Relaxed-Responsibility Hierarchical Discrete VAEs", equation 7.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from ...shapes import Float32, Float64
from ..runtime import prior as runtime_prior
from ..runtime.prior import PEAK_BITS as PEAK_BITS
from ..runtime.prior import PRECISION_BITS
from ..runtime.prior import STEPS as STEPS


@lru_cache(maxsize=4)
def power_table(device: torch.device) -> Float64[Tensor, " entries"]:
    """Return the table of 2^-x: floor(round(2^(PEAK_BITS - j/256)) / 2^i) at index 256 i + j, followed by a 0.

    Returns:
        (STEPS * (PEAK_BITS + 1) + 1,) float64.
    """
    return torch.from_numpy(runtime_prior.power_table()).to(device)


def prior_weights(scores: Float64[Tensor, "n K"]) -> Float32[Tensor, "n K"]:
    """Convert scores to integer prior weights.

    u_k = table[floor(256 (max score - score_k))], w_k = floor(u_k M / sum u) with M = 2**24 - (K + 2); the remainder
    of the floors goes to symbol 0. Products stay below 2**53, where floor(a / b) of float64 is the integer quotient;
    the weights' sum stays below 2**24, exact in float32. As nothing is negative, truncation equals floor.

    Args:
        scores: (n, K) float64 in bits, up to a constant of each position.

    Returns:
        (n, K) float32 of integer values, rows summing to 2**24 - (K + 2).
    """
    table = power_table(scores.device)
    below = torch.sub(scores.amax(dim=1, keepdim=True), scores).mul_(STEPS).clamp_(max=len(table) - 1)
    raw = table.index_select(0, below.int().view(-1)).view_as(scores)
    total = 2**PRECISION_BITS - (scores.shape[1] + 2)
    sums = raw.sum(dim=1, keepdim=True)
    weights = raw.mul_(total).div_(sums, rounding_mode="trunc").float()
    weights[:, 0] += total - weights.sum(dim=1)
    return weights
