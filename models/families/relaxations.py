"""Differentiable stand-ins for a categorical sample; `smoothing` has those of a binary one.

Source:
    Lievin et al. (2019), equation 4; Jang et al. (2017), "Categorical Reparameterization with Gumbel-Softmax"; Bengio
    et al. (2013), "Estimating or propagating gradients through stochastic neurons for conditional computation".
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...shapes import Float
from .config import LARGEST_BETA
from .smoothing import SMOOTHINGS

KINDS = ("gumbel-softmax", "straight-through", "straight-through-gumbel", *SMOOTHINGS)


@dataclass(frozen=True)
class Relaxation:
    """Relaxes categorical samples, so that gradients pass through them.

    Args:
        kind: One of `KINDS`.
        temperature: Temperature tau > 0 of the softmax; a straight-through sample has none.
        beta: Inverse temperature, more than 1, of a smoothing transformation of binary samples.

    Raises:
        ValueError: For another kind, or a temperature or beta out of bounds.
    """

    kind: str = "gumbel-softmax"
    temperature: float | Float[Tensor, ""] = 0.5
    beta: float = 8.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"relaxation {self.kind!r} is none of {', '.join(KINDS)}")
        if not self.temperature > 0:
            raise ValueError("a temperature must be positive")
        if not 1 < self.beta <= LARGEST_BETA:
            raise ValueError(f"beta must be more than 1 and at most {LARGEST_BETA:g}")

    def __call__(self, log_p: Float[Tensor, "n K"], noise: Float[Tensor, "n K"]) -> Float[Tensor, "n K"]:
        """Return relaxed one-hot weights.

        Args:
            log_p: Log-probabilities, in nats.
            noise: Gumbel noise.
        """
        if self.kind in SMOOTHINGS:
            return smoothed(self.kind, log_p, noise, self.beta)
        if self.kind == "gumbel-softmax":
            return gumbel_softmax(log_p, noise, self.temperature)
        if self.kind == "straight-through":
            return straight_through(log_p, noise)
        return straight_through_gumbel(log_p, noise, self.temperature)


def gumbel(like: Float[Tensor, "*shape"], generator: torch.Generator | None = None) -> Float[Tensor, "*shape"]:
    """Return noise of Gumbel(0, 1) in the shape of a tensor: minus the logarithm of an exponential variable."""
    tiny = torch.finfo(like.dtype).tiny
    return torch.empty_like(like).exponential_(generator=generator).clamp_min_(tiny).log_().neg_()


def gumbel_softmax(
    log_p: Float[Tensor, "n K"], noise: Float[Tensor, "n K"], temperature: float | Float[Tensor, ""]
) -> Float[Tensor, "n K"]:
    """Return z~_i ~ exp((log pi_i + g_i) / tau), which as tau falls to 0 becomes a one-hot sample of Cat(pi).

    Source: Jang et al. (2017); equation 4 of Lievin et al. (2019).
    """
    return torch.softmax((log_p + noise) / temperature, dim=-1)


def straight_through(log_p: Float[Tensor, "n K"], noise: Float[Tensor, "n K"]) -> Float[Tensor, "n K"]:
    """Return a one-hot sample of Cat(pi) whose gradient is that of pi (Bengio et al. 2013)."""
    probabilities = log_p.exp()
    return one_hot(log_p + noise) + probabilities - probabilities.detach()


def straight_through_gumbel(
    log_p: Float[Tensor, "n K"], noise: Float[Tensor, "n K"], temperature: float | Float[Tensor, ""]
) -> Float[Tensor, "n K"]:
    """Return a one-hot sample of Cat(pi) whose gradient is that of `gumbel_softmax` under the same noise.

    Source: Jang et al. (2017), section 2.2.
    """
    soft = gumbel_softmax(log_p, noise, temperature)
    return one_hot(soft) + soft - soft.detach()


def smoothed(kind: str, log_p: Float[Tensor, "n K"], noise: Float[Tensor, "n K"], beta: float) -> Float[Tensor, "n K"]:
    """Return the weights 1 - zeta and zeta of a smoothing transformation.

    The difference of two Gumbel variables is logistic, so that its logistic function is uniform.

    Args:
        kind: One of `SMOOTHINGS`.
        log_p: Log-probabilities of two symbols, in nats.
        noise: Gumbel noise.
        beta: Inverse temperature.

    Raises:
        ValueError: If there are not two symbols.
    """
    if log_p.shape[-1] != 2:
        raise ValueError(f"a smoothing transformation has two symbols, not {log_p.shape[-1]}")
    zeta = SMOOTHINGS[kind].inverse(log_p[..., 1].exp(), torch.sigmoid(noise[..., 1] - noise[..., 0]), beta)
    return torch.stack([1 - zeta, zeta], dim=-1)


def one_hot(scores: Float[Tensor, "n K"]) -> Float[Tensor, "n K"]:
    """Return 1 at the largest entry of each row, 0 elsewhere: H of Lievin et al. (2019)."""
    return torch.zeros_like(scores).scatter_(-1, scores.detach().argmax(-1, keepdim=True), 1.0)
