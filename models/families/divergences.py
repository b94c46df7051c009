"""What a layer's choice costs in a bound of log p(x): the divergence of q(z_l | ..) from p(z_l | ..), in nats a row.

whole       the sum over all symbols, given the layers above      (Vahdat et al. 2018, eq 4; Lievin et al. 2019, eq 14)
one_sample  log q - log p of the choice, linear in a relaxed one                           (Lievin et al. 2019, eq 15)
marginal    log q(zeta) - log p(zeta) of a smoothed choice                                 (Vahdat et al. 2018, eq 5)
concrete    log q(z~) - log p(z~) of densities of relaxed choices                          (Lievin et al. 2019, eq 16)
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ...shapes import Float
from .boltzmann_priors import FirstSide, MachinePrior, SecondSide, values_of
from .distributions import Categorical, Choice, Normal
from .smoothing import SMOOTHINGS
from .steps import LatentStep

Divergence = Callable[[LatentStep, Choice], Float[Tensor, " rows"]]
"""A rule that says what a choice costs, for each row."""


def whole(step: LatentStep, choice: Choice) -> Float[Tensor, " rows"]:
    """Return the exact divergence; one sample of it where layers above were inferred from this very choice.

    The sum over all symbols would hold those layers fixed.
    """
    assert step.posterior is not None
    if isinstance(step.prior, MachinePrior):
        return step.prior.divergence(step.posterior, values_of(choice))
    return step.posterior.kl(step.prior) if step.layer.up is None else one_sample(step, choice)


def one_sample(step: LatentStep, choice: Choice) -> Float[Tensor, " rows"]:
    """Return log q - log p of the choice."""
    assert step.posterior is not None
    return step.posterior.kl_estimate(step.prior, choice)


def marginal(kind: str, beta: float) -> Divergence:
    """Return the rule of the bound in which the symbols are summed out and zeta alone is left.

    The density r(zeta | 0) is a factor of both q(zeta) and p(zeta); what remains needs the ratio of densities alone.

    Args:
        kind: A smoothing transformation that overlaps.
        beta: Its inverse temperature.

    Source:
        Vahdat et al. (2018), "DVAE++", section 4.2 and equation 5.
    """

    def divergence(step: LatentStep, choice: Choice) -> Tensor:
        if isinstance(step.posterior, Normal):
            return whole(step, choice)
        assert isinstance(step.posterior, Categorical) and isinstance(step.prior, Categorical)
        ratio = SMOOTHINGS[kind].log_ratio(choice[:, 1], beta)
        return _log_mixture(step.posterior.log_p, ratio) - _log_mixture(step.prior.log_p, ratio)

    return divergence


SMALLEST = 1e-30
"""Least weight of a relaxed choice whose logarithm is taken."""


def concrete(temperature: float) -> Divergence:
    """Return the rule in which relaxed choices are continuous variables, with Concrete densities under q and p.

    With densities (K - 1)! T^(K-1) prod_k pi_k z_k^(-T-1) / sum_j pi_j z_j^-T, what is alike in both cancels.

    Args:
        temperature: T.

    Source:
        Maddison et al. (2017), "The Concrete Distribution", equation 10; Lievin et al. (2019), equation 16.
    """

    def log_density(log_pi: Tensor, log_z: Tensor) -> Tensor:
        """Return the logarithm of a density up to what does not depend on pi."""
        total = torch.logsumexp(log_pi - temperature * log_z, -1)
        return log_pi.sum(-1) - log_pi.shape[-1] * total

    def divergence(step: LatentStep, choice: Choice) -> Tensor:
        if isinstance(step.posterior, Normal):
            return whole(step, choice)
        assert isinstance(step.posterior, Categorical) and isinstance(step.prior, Categorical)
        log_z = torch.log(choice.clamp_min(SMALLEST))
        return log_density(step.posterior.log_p, log_z) - log_density(step.prior.log_p, log_z)

    return divergence


class SmoothedMachine:
    """Is the rule `whole` with nu in place of zeta between the sides of a Boltzmann machine; good for one pass.

    Args:
        kind: A smoothing transformation that overlaps.
        beta: Its inverse temperature.

    Source:
        Vahdat et al. (2018), "DVAE++", equation 6.
    """

    def __init__(self, kind: str, beta: float) -> None:
        self.smoothing, self.beta = SMOOTHINGS[kind], beta
        self.second: SecondSide | None = None

    def __call__(self, step: LatentStep, choice: Choice) -> Float[Tensor, " rows"]:
        """Return the divergence of a layer."""
        q = step.posterior
        if isinstance(step.prior, FirstSide):
            assert isinstance(q, Categorical)
            nu = self.smoothing.nu(q.log_p[:, 1] - q.log_p[:, 0], choice[:, 1], self.beta)
            self.second = SecondSide(step.prior.machine, nu, step.images)
            return step.prior.divergence(q, nu)
        if isinstance(step.prior, SecondSide):
            assert q is not None and self.second is not None
            return q.kl(self.second)
        return whole(step, choice)


def _log_mixture(log_p: Float[Tensor, "n 2"], ratio: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """Return log of (1 - p) r(zeta | 0) + p r(zeta | 1), less log r(zeta | 0)."""
    return torch.logaddexp(log_p[:, 0], log_p[:, 1] + ratio)
