"""What a prior or posterior is at a layer: categorical, one-hot or Gaussian rows. Everything is in nats."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor

from .relaxations import Relaxation, gumbel


class Distribution(Protocol):
    """Independent rows of one kind."""

    def sample(self, generator: torch.Generator | None, temperature: float = 1.0) -> Tensor:
        """Hard choices, one a row."""
        ...

    def relaxed(self, relaxation: Relaxation, generator: torch.Generator | None) -> Tensor:
        """Choices that let gradients through."""
        ...

    def mode(self) -> Tensor:
        """The likeliest choices."""
        ...

    def log_prob(self, choice: Tensor) -> Tensor:
        """log p of hard or relaxed choices, the latter's H(z~) counting (Lievin et al., eq 14). (n,)"""
        ...

    def kl(self, prior: Distribution) -> Tensor:
        """KL(self || prior). (n,)"""
        ...

    def kl_estimate(self, prior: Distribution, choice: Tensor) -> Tensor:
        """log q - log p of hard choices, linear in relaxed ones (Lievin et al., eq 15): one sample of the KL. (n,)"""
        ...


class Categorical:
    """Rows Cat(softmax(scores)); choices are symbols (n,) int64 or weights (n, K)."""

    def __init__(self, scores: Tensor) -> None:
        self.log_p = torch.log_softmax(scores, dim=-1)  # (n, K)

    def sample(self, generator: torch.Generator | None, temperature: float = 1.0) -> Tensor:
        """Symbols (n,), by the Gumbel-max trick; below temperature 1 likelier ones more often."""
        return (self.log_p + temperature * gumbel(self.log_p, generator)).argmax(-1)

    def relaxed(self, relaxation: Relaxation, generator: torch.Generator | None) -> Tensor:
        """Weights (n, K)."""
        return relaxation(self.log_p, gumbel(self.log_p, generator))

    def mode(self) -> Tensor:
        """Symbols (n,)."""
        return self.log_p.argmax(-1)

    def log_prob(self, choice: Tensor) -> Tensor:
        """log pi at the chosen symbol. (n,)"""
        return self.log_p.gather(-1, hard(choice)[:, None])[:, 0]

    def kl(self, prior: Distribution) -> Tensor:
        """sum_k q_k (log q_k - log p_k). (n,)"""
        assert isinstance(prior, Categorical)
        return (self.log_p.exp() * (self.log_p - prior.log_p)).sum(-1)

    def kl_estimate(self, prior: Distribution, choice: Tensor) -> Tensor:
        """sum_k z~_k (log q_k - log p_k). (n,)"""
        assert isinstance(prior, Categorical)
        if not choice.is_floating_point():
            return self.log_prob(choice) - prior.log_prob(choice)
        return (choice * (self.log_p - prior.log_p)).sum(-1)


class OneHot(Categorical):
    """The deterministic posterior of a nearest neighbour (van den Oord et al. 2017; eq 1 of Willetts et al.)."""

    def sample(self, generator: torch.Generator | None, temperature: float = 1.0) -> Tensor:
        """The one symbol there is. (n,)"""
        return self.mode()

    def relaxed(self, relaxation: Relaxation, generator: torch.Generator | None) -> Tensor:
        """The one symbol; the layer copies its gradient to the query. (n,)"""
        return self.mode()

    def log_prob(self, choice: Tensor) -> Tensor:
        """0 at the one symbol, -inf elsewhere. (n,)"""
        return torch.where(hard(choice) == self.mode(), 0.0, -math.inf)

    def kl(self, prior: Distribution) -> Tensor:
        """-log p of the one symbol. (n,)"""
        return -prior.log_prob(self.mode())

    def kl_estimate(self, prior: Distribution, choice: Tensor) -> Tensor:
        """The same: there is one symbol. (n,)"""
        return self.kl(prior)


class Normal:
    """Rows N(mean, exp(log_scale)^2 I); choices are values (n, D)."""

    def __init__(self, mean: Tensor, log_scale: Tensor) -> None:
        self.mean, self.log_scale = mean, log_scale.clamp(-7, 7)

    def sample(self, generator: torch.Generator | None, temperature: float = 1.0) -> Tensor:
        """Values (n, D), reparameterised."""
        noise = torch.empty_like(self.mean).normal_(generator=generator)
        return self.mean + temperature * self.log_scale.exp() * noise

    def relaxed(self, relaxation: Relaxation, generator: torch.Generator | None) -> Tensor:
        """`sample`: it lets gradients through as it is."""
        return self.sample(generator)

    def mode(self) -> Tensor:
        """The mean. (n, D)"""
        return self.mean

    def log_prob(self, choice: Tensor) -> Tensor:
        """The log-density. (n,)"""
        z = (choice - self.mean) * torch.exp(-self.log_scale)
        return (-0.5 * z.square() - self.log_scale - 0.5 * math.log(2 * math.pi)).sum(-1)

    def kl(self, prior: Distribution) -> Tensor:
        """KL of two diagonal Gaussians. (n,)"""
        assert isinstance(prior, Normal)
        ratio = 2 * (self.log_scale - prior.log_scale)
        distance = ((self.mean - prior.mean) * torch.exp(-prior.log_scale)).square()
        return 0.5 * (ratio.exp() + distance - 1 - ratio).sum(-1)

    def kl_estimate(self, prior: Distribution, choice: Tensor) -> Tensor:
        """log q - log p of the values. (n,)"""
        return self.log_prob(choice) - prior.log_prob(choice)


def hard(choice: Tensor) -> Tensor:
    """Symbols (n,) of a hard or relaxed choice."""
    return choice.argmax(-1) if choice.is_floating_point() else choice
