"""A restricted Boltzmann machine as the prior of the coarsest binary variables.

    p(z_1, z_2) = exp(a_1 z_1 + a_2 z_2 + z_1 W z_2) / Z

Its sides are the two coarsest layers, or the halves of a single one. log Z is a sum over the states of the smaller side
where that has at most 16 units. Otherwise its gradient is that of the energy under persistent chains (Tieleman 2008),
and its value is estimated by annealed importance sampling (Salakhutdinov and Murray 2008) wherever a model is measured;
in training it is the value of the last estimate.

Source:
    Vahdat et al. (2018), "DVAE++", section 5 and equation 6.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...shapes import Float
from .boltzmann_checks import LARGEST_EXACT
from .relaxations import gumbel
from .runtime.machine import IntegerMachine

CHAINS, SWEEPS = 128, 10
"""Persistent chains, and the sweeps of each in a step of training."""
ANNEALED, TEMPERATURES = 500, 1000
"""Chains and temperatures of an estimate of log Z."""
BURN_IN = 1000
"""Sweeps of a sample from a machine whose sides are both large."""


class BoltzmannMachine(nn.Module):
    """The machine of two sides.

    Args:
        first: Units of z_1.
        second: Units of z_2.
    """

    def __init__(self, first: int, second: int) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.zeros(first))
        self.second = nn.Parameter(torch.zeros(second))
        self.weight = nn.Parameter(0.01 * torch.randn(first, second))
        self.exact = min(first, second) <= LARGEST_EXACT
        if not self.exact:
            self.register_buffer("chains", torch.randint(2, (CHAINS, first)).float())
            self.register_buffer("estimate", torch.full((), (first + second) * math.log(2)))
        self.chains: Tensor
        self.estimate: Tensor
        self._estimated: tuple[int, ...] = ()
        self.frozen: IntegerMachine | None = None
        """The tables that files are coded with, in a machine restored from a weights file."""

    def score(self, first: Float[Tensor, "n first"], second: Float[Tensor, "n second"]) -> Float[Tensor, " n"]:
        """Return minus the energy of values, which may lie between 0 and 1."""
        return first @ self.first + second @ self.second + (first @ self.weight * second).sum(-1)

    def second_logits(self, first: Float[Tensor, "n first"]) -> Float[Tensor, "n second"]:
        """Return the log-odds of the units of z_2 given z_1."""
        return self.second + first @ self.weight

    def first_logits(self, second: Float[Tensor, "n second"]) -> Float[Tensor, "n first"]:
        """Return the log-odds of the units of z_1 given z_2."""
        return self.first + second @ self.weight.T

    def first_score(self, first: Float[Tensor, "n first"]) -> Float[Tensor, " n"]:
        """Return log p(z_1) + log Z: z_2 is summed out."""
        return first @ self.first + F.softplus(self.second_logits(first)).sum(-1)

    def second_score(self, second: Float[Tensor, "n second"]) -> Float[Tensor, " n"]:
        """Return log p(z_2) + log Z: z_1 is summed out."""
        return second @ self.second + F.softplus(self.first_logits(second)).sum(-1)

    def log_partition(self) -> Float[Tensor, ""]:
        """Return log Z, in nats."""
        if self.exact:
            return torch.logsumexp(self.state_scores(), 0)
        if not self.training:
            self._update_estimate()
            return self.estimate
        with torch.no_grad():
            first, second = self._sweep(self.chains, SWEEPS, None)
            self.chains.copy_(first)
        mean = self.score(first, second).mean()
        return mean - mean.detach() + self.estimate

    def _smaller_is_first(self) -> bool:
        return len(self.first) <= len(self.second)

    def _states(self) -> Tensor:
        """Return every state of the smaller side, (2^n, n)."""
        count = min(self.weight.shape)
        numbers = torch.arange(2**count, device=self.weight.device)
        return ((numbers[:, None] >> torch.arange(count, device=self.weight.device)) & 1).to(self.weight.dtype)

    def state_scores(self) -> Float[Tensor, " states"]:
        """Return log p + log Z of every state of the smaller side, whose j-th binary digit is unit j."""
        return (self.first_score if self._smaller_is_first() else self.second_score)(self._states())

    @torch.no_grad()
    def sample(
        self, count: int, generator: torch.Generator | None = None, temperature: float = 1.0
    ) -> tuple[Float[Tensor, "count first"], Float[Tensor, "count second"]]:
        """Return samples of both sides: exact ones, or the ends of long chains where both sides are large.

        Args:
            count: Number of samples.
            generator: Random numbers; None for torch's own.
            temperature: Below 1 likelier states are favoured, and 0 takes the likeliest of the smaller side.
        """
        if not self.exact:
            start = _draw(self.first.expand(count, -1), generator)
            return self._sweep(start, BURN_IN, generator, temperature)
        scores, states = self.state_scores(), self._states()
        drawn = states[(scores + temperature * gumbel(scores.expand(count, -1), generator)).argmax(-1)]
        if self._smaller_is_first():
            return drawn, _draw(self.second_logits(drawn), generator, temperature)
        return _draw(self.first_logits(drawn), generator, temperature), drawn

    def _sweep(
        self, first: Tensor, sweeps: int, generator: torch.Generator | None, temperature: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Return chains after Gibbs sampling of one side given the other, so many times."""
        second = _draw(self.second_logits(first), generator, temperature)
        for _ in range(sweeps):
            first = _draw(self.first_logits(second), generator, temperature)
            second = _draw(self.second_logits(first), generator, temperature)
        return first, second

    @torch.no_grad()
    def _update_estimate(self) -> None:
        """Estimate log Z anew if the parameters have changed since."""
        versions = tuple(parameter._version for parameter in self.parameters())
        if versions != self._estimated:
            self._estimated = versions
            self.estimate.copy_(self.annealed(torch.Generator(self.weight.device).manual_seed(0)))

    @torch.no_grad()
    def annealed(self, generator: torch.Generator | None = None) -> Float[Tensor, ""]:
        """Estimate log Z by annealed importance sampling from independent units to the whole machine.

        Source:
            Salakhutdinov and Murray (2008), "On the Quantitative Analysis of Deep Belief Networks", section 4.
        """
        first = _draw(self.first.expand(ANNEALED, -1), generator)
        log_weights = (F.softplus(self.first).sum() + F.softplus(self.second).sum()).expand(ANNEALED)
        before = first @ self.weight
        for step in range(1, TEMPERATURES + 1):
            low, high = (step - 1) / TEMPERATURES, step / TEMPERATURES
            grown = F.softplus(self.second + high * before) - F.softplus(self.second + low * before)
            log_weights = log_weights + grown.sum(-1)
            second = _draw(self.second + high * before, generator)
            first = _draw(self.first + high * (second @ self.weight.T), generator)
            before = first @ self.weight
        return torch.logsumexp(log_weights, 0) - math.log(ANNEALED)


def _draw(logits: Tensor, generator: torch.Generator | None, temperature: float = 1.0) -> Tensor:
    """Return units that are 1 with the probabilities of log-odds, sharpened by a temperature below 1."""
    uniform = torch.rand(logits.shape, dtype=logits.dtype, device=logits.device, generator=generator)
    return (logits + temperature * torch.logit(uniform) > 0).to(logits.dtype)
