"""Priors and posteriors of a layer: rows of categorical, one-hot or Gaussian distributions. All values are in nats."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor

from ...shapes import Float, Int64
from .relaxations import Relaxation, gumbel

Choice = Int64[Tensor, " n"] | Float[Tensor, "n _"]
"""Choices of n rows: symbols (n,), relaxed one-hot weights (n, K) or Gaussian values (n, D)."""


class Distribution(Protocol):
    """n independent rows of one kind of distribution."""

    def sample(self, generator: torch.Generator | None, temperature: float = 1.0) -> Choice:
        """Return hard samples, one for each row."""
        ...

    def relaxed(self, relaxation: Relaxation, generator: torch.Generator | None) -> Choice:
        """Return samples that let gradients through."""
        ...

    def mode(self) -> Choice:
        """Return the likeliest choices."""
        ...

    def log_prob(self, choice: Choice) -> Float[Tensor, " n"]:
        """Return log p of choices, (n,); relaxed ones count as their nearest hard one (Lievin et al. 2019, eq 14)."""
        ...

    def kl(self, prior: Distribution) -> Float[Tensor, " n"]:
        """Return KL(self || prior), (n,)."""
        ...

    def kl_estimate(self, prior: Distribution, choice: Choice) -> Float[Tensor, " n"]:
        """Return log q - log p of choices, (n,): a one-sample estimate of the KL (Lievin et al. 2019, eq 15).

        It is linear in relaxed choices.
        """
        ...


class Categorical:
    """Categorical rows Cat(softmax(scores)); choices are symbols (n,) int64 or relaxed one-hot weights (n, K).

    Args:
        scores: In nats, up to a constant of each row.
    """

    def __init__(self, scores: Float[Tensor, "n K"]) -> None:
        self.log_p = torch.log_softmax(scores, dim=-1)  # (n, K)

    def sample(self, generator: torch.Generator | None, temperature: float = 1.0) -> Int64[Tensor, " n"]:
        """Return symbols by the Gumbel-max trick; a temperature below 1 favours the likelier ones."""
        return (self.log_p + temperature * gumbel(self.log_p, generator)).argmax(-1)

    def relaxed(self, relaxation: Relaxation, generator: torch.Generator | None) -> Float[Tensor, "n K"]:
        """Return relaxed one-hot weights."""
        return relaxation(self.log_p, gumbel(self.log_p, generator))

    def mode(self) -> Int64[Tensor, " n"]:
        """Return the likeliest symbols."""
        return self.log_p.argmax(-1)

    def log_prob(self, choice: Choice) -> Float[Tensor, " n"]:
        """Return log pi of the chosen symbols."""
        return self.log_p.gather(-1, hard(choice)[:, None])[:, 0]

    def kl(self, prior: Distribution) -> Float[Tensor, " n"]:
        """Return sum_k q_k (log q_k - log p_k), (n,)."""
        assert isinstance(prior, Categorical)
        return (self.log_p.exp() * (self.log_p - prior.log_p)).sum(-1)

    def kl_estimate(self, prior: Distribution, choice: Choice) -> Float[Tensor, " n"]:
        """Return sum_k z~_k (log q_k - log p_k), (n,)."""
        assert isinstance(prior, Categorical)
        if not choice.is_floating_point():
            return self.log_prob(choice) - prior.log_prob(choice)
        return (choice * (self.log_p - prior.log_p)).sum(-1)


class OneHot(Categorical):
    """The deterministic posterior of a nearest neighbour: the symbol of the largest score has probability 1.

    Source: van den Oord et al. (2017); equation 1 of Willetts et al. (2021).
    """

    def sample(self, generator: torch.Generator | None, temperature: float = 1.0) -> Int64[Tensor, " n"]:
        """Return the only symbol with any probability."""
        return self.mode()

    def relaxed(self, relaxation: Relaxation, generator: torch.Generator | None) -> Int64[Tensor, " n"]:
        """Return the only symbol; the layer copies its gradient to e_q."""
        return self.mode()

    def log_prob(self, choice: Choice) -> Float[Tensor, " n"]:
        """Return 0 at the only symbol, -inf elsewhere."""
        return torch.where(hard(choice) == self.mode(), 0.0, -math.inf)

    def kl(self, prior: Distribution) -> Float[Tensor, " n"]:
        """Return -log p of the only symbol, (n,)."""
        return -prior.log_prob(self.mode())

    def kl_estimate(self, prior: Distribution, choice: Choice) -> Float[Tensor, " n"]:
        """Return the exact KL, since there is only one symbol, (n,)."""
        return self.kl(prior)


class Normal:
    """Gaussian rows N(mean, diag(exp(log_scale))^2); choices are values (n, D).

    Args:
        mean: Means.
        log_scale: Logarithms of the standard deviations, clamped to [-7, 7].
    """

    def __init__(self, mean: Float[Tensor, "n D"], log_scale: Float[Tensor, "n D"]) -> None:
        self.mean, self.log_scale = mean, log_scale.clamp(-7, 7)

    def sample(self, generator: torch.Generator | None, temperature: float = 1.0) -> Float[Tensor, "n D"]:
        """Return reparameterised values."""
        noise = torch.empty_like(self.mean).normal_(generator=generator)
        return self.mean + temperature * self.log_scale.exp() * noise

    def relaxed(self, relaxation: Relaxation, generator: torch.Generator | None) -> Float[Tensor, "n D"]:
        """Return `sample`, which lets gradients through as it is."""
        return self.sample(generator)

    def mode(self) -> Float[Tensor, "n D"]:
        """Return the means."""
        return self.mean

    def log_prob(self, choice: Choice) -> Float[Tensor, " n"]:
        """Return log-densities."""
        z = (choice - self.mean) * torch.exp(-self.log_scale)
        return (-0.5 * z.square() - self.log_scale - 0.5 * math.log(2 * math.pi)).sum(-1)

    def kl(self, prior: Distribution) -> Float[Tensor, " n"]:
        """Return the KL of two diagonal Gaussians, (n,)."""
        assert isinstance(prior, Normal)
        ratio = 2 * (self.log_scale - prior.log_scale)
        distance = ((self.mean - prior.mean) * torch.exp(-prior.log_scale)).square()
        return 0.5 * (ratio.exp() + distance - 1 - ratio).sum(-1)

    def kl_estimate(self, prior: Distribution, choice: Choice) -> Float[Tensor, " n"]:
        """Return log q - log p of the values, (n,)."""
        return self.log_prob(choice) - prior.log_prob(choice)


def hard(choice: Choice) -> Int64[Tensor, " n"]:
    """Return the symbols (n,) of hard choices (n,) or relaxed ones (n, K)."""
    return choice.argmax(-1) if choice.is_floating_point() else choice
