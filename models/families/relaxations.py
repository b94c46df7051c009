"""Differentiable stand-ins for a categorical sample (Lievin et al. 2019, eq 4; Paul's review of discrete VAEs)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

KINDS = ("gumbel-softmax", "straight-through", "straight-through-gumbel")


@dataclass(frozen=True)
class Relaxation:
    """How a choice lets gradients through, and at which temperature. ValueError for an unknown kind."""

    kind: str = "gumbel-softmax"
    temperature: float = 0.5

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"relaxation {self.kind!r} is none of {', '.join(KINDS)}")
        if not self.temperature > 0:
            raise ValueError("a temperature must be positive")

    def __call__(self, log_p: Tensor, noise: Tensor) -> Tensor:
        """Weights (n, K) from log-probabilities (n, K) and Gumbel noise (n, K)."""
        if self.kind == "gumbel-softmax":
            return gumbel_softmax(log_p, noise, self.temperature)
        if self.kind == "straight-through":
            return straight_through(log_p, noise)
        return straight_through_gumbel(log_p, noise, self.temperature)


def gumbel(like: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Noise of Gumbel(0, 1): minus the logarithm of an exponential variable."""
    tiny = torch.finfo(like.dtype).tiny
    return torch.empty_like(like).exponential_(generator=generator).clamp_min_(tiny).log_().neg_()


def gumbel_softmax(log_p: Tensor, noise: Tensor, temperature: float) -> Tensor:
    """Eq 4: z~_i ~ exp((log pi_i + g_i) / tau). Towards 0 it becomes one-hot with Cat(pi)'s frequencies. (n, K)"""
    return torch.softmax((log_p + noise) / temperature, dim=-1)


def straight_through(log_p: Tensor, noise: Tensor) -> Tensor:
    """A sample of Cat(pi) forwards, the gradient of pi backwards. (n, K)"""
    probabilities = log_p.exp()
    return one_hot(log_p + noise) + probabilities - probabilities.detach()


def straight_through_gumbel(log_p: Tensor, noise: Tensor, temperature: float) -> Tensor:
    """A sample of Cat(pi) forwards, the gradient of `gumbel_softmax` under the same noise backwards. (n, K)"""
    soft = gumbel_softmax(log_p, noise, temperature)
    return one_hot(soft) + soft - soft.detach()


def one_hot(scores: Tensor) -> Tensor:
    """H of Lievin et al.: 1 at the largest entry of each row. (n, K)"""
    return torch.zeros_like(scores).scatter_(-1, scores.detach().argmax(-1, keepdim=True), 1.0)
