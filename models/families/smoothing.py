"""Smoothing transformations: a value zeta stands in for a binary sample z, so that gradients pass through it.

zeta is the inverse F^-1(rho) of a distribution function at a uniform rho. As beta grows it becomes 1 with probability
p, else 0. Transformations that `overlap` mix two densities r(zeta | z) of one support,

    q(zeta) = (1 - p) r(zeta | 0) + p r(zeta | 1),

so that zeta does not give z away: log r(zeta | 1) / r(zeta | 0) is finite, which the marginal bound and Boltzmann
priors need. Probabilities are clamped to [epsilon, 1 - epsilon]; float32 is enough up to beta = 30.

Source:
    Vahdat et al. (2018), "DVAE++", equation 3 and appendix B; Rolfe (2016) for the spike and exponential; Paul, "A
    Layman's Understanding of Discrete Variational Autoencoders", section 2.3, for f1 to f3'; Vahdat et al. (2018),
    "DVAE#", for the power function.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ...shapes import Float

Inverse = Callable[[Float[Tensor, " n"], Float[Tensor, " n"], float], Float[Tensor, " n"]]
"""A function of probabilities p, uniform values rho and beta."""


@dataclass(frozen=True)
class Smoothing:
    """One transformation.

    Args:
        function: F^-1 for p and rho inside (0, 1).
        ratio: log r(zeta | 1) - log r(zeta | 0) as a function of zeta and beta; None where the two do not overlap.
    """

    function: Inverse
    ratio: Callable[[Float[Tensor, " n"], float], Float[Tensor, " n"]] | None = None

    def inverse(self, p: Float[Tensor, " n"], rho: Float[Tensor, " n"], beta: float) -> Float[Tensor, " n"]:
        """Return zeta = F^-1(rho).

        Args:
            p: Probabilities that z = 1.
            rho: Values, uniform in (0, 1).
            beta: Inverse temperature, more than 1.
        """
        return self.function(_inside(p), _inside(rho), beta)

    def log_ratio(self, zeta: Float[Tensor, " n"], beta: float) -> Float[Tensor, " n"]:
        """Return log r(zeta | 1) - log r(zeta | 0), in nats.

        Raises:
            ValueError: If the transformation does not overlap.
        """
        if self.ratio is None:
            raise ValueError("a transformation that does not overlap has no ratio of densities")
        return self.ratio(zeta, beta)

    def nu(self, logit: Float[Tensor, " n"], zeta: Float[Tensor, " n"], beta: float) -> Float[Tensor, " n"]:
        """Return nu = q(z = 1 | zeta), whose mean over zeta is p (Vahdat et al. 2018, section 5).

        Args:
            logit: Log-odds of p, in nats.
            zeta: Values.
            beta: Inverse temperature.
        """
        return torch.sigmoid(logit + self.log_ratio(zeta, beta))


def _inside(probability: Tensor) -> Tensor:
    epsilon = torch.finfo(probability.dtype).eps
    return probability.clamp(epsilon, 1 - epsilon)


def _exponent(a: Tensor, b: Tensor, k: Tensor, beta: float) -> Tensor:
    """Return -log m of the positive root of a m^2 + b m - k e^-beta = 0, without cancellation for either sign of b."""
    magnitude = torch.where(b > 0, b, -b)
    log_sum = torch.log(magnitude + torch.sqrt(b.square() + 4 * a * k * math.exp(-beta)))
    return torch.where(b > 0, beta + log_sum - torch.log(2 * k), torch.log(2 * a) - log_sum)


def _exponential(p: Tensor, rho: Tensor, beta: float) -> Tensor:
    """Mix e^(-beta zeta) and e^(beta (zeta - 1)) on [0, 1].

    Source: Vahdat et al. (2018), "DVAE++", eq 3, times 1 - p. As printed, the root is 0 in float32 from beta = 17 on.
    """
    spread = math.exp(-beta)
    b = rho * (1 - spread) + p * spread - (1 - p)
    return (_exponent(1 - p, b, p, beta) / beta).clamp(0, 1)


def _logistic(p: Tensor, rho: Tensor, beta: float) -> Tensor:
    """Mix logistic densities of means 0 and 1 and scale 1 / beta, on the real line ("DVAE++", appendix B)."""
    spread = math.exp(-beta)
    b = rho * (1 + spread) - (1 - p) - p * spread
    return _exponent(rho, b, 1 - rho, beta) / beta


def _power(p: Tensor, rho: Tensor, beta: float) -> Tensor:
    """Mix zeta^(1/beta - 1) / beta and its mirror image on [0, 1] ("DVAE#").

    F has no inverse in closed form: the log-odds of zeta are found by bisection, and the gradient by the implicit
    function theorem, d zeta = (d rho - dF) / F'.
    """
    with torch.no_grad():
        logit = _bisect(p, rho, beta)
        zeta, low, high = logit.sigmoid(), torch.nn.functional.logsigmoid(logit), torch.nn.functional.logsigmoid(-logit)
        slope = ((1 - p) * torch.exp((1 / beta - 1) * low) + p * torch.exp((1 / beta - 1) * high)) / beta
    step = (rho - _power_distribution(p, logit, beta)) / slope
    return zeta + step - step.detach()


def _power_distribution(p: Tensor, logit: Tensor, beta: float) -> Tensor:
    """Return F at zeta, given its log-odds."""
    low = torch.exp(torch.nn.functional.logsigmoid(logit) / beta)
    return (1 - p) * low - p * torch.expm1(torch.nn.functional.logsigmoid(-logit) / beta)


def _bisect(p: Tensor, rho: Tensor, beta: float) -> Tensor:
    """Return the log-odds at which F is rho."""
    info = torch.finfo(rho.dtype)
    high = torch.full_like(rho, beta * (2 - math.log(info.eps)))
    low = -high
    for _ in range(info.bits + 4):
        middle = (low + high) / 2
        below = _power_distribution(p, middle, beta) < rho
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return (low + high) / 2


def _exponential_ratio(zeta: Tensor, beta: float) -> Tensor:
    return beta * (2 * zeta - 1)


def _logistic_ratio(zeta: Tensor, beta: float) -> Tensor:
    softplus = torch.nn.functional.softplus
    return beta - 2 * softplus(-beta * (zeta - 1)) + 2 * softplus(-beta * zeta)


def _power_ratio(zeta: Tensor, beta: float) -> Tensor:
    return (1 - 1 / beta) * torch.logit(_inside(zeta))


def _spike(rise: Callable[[Tensor, float], Tensor]) -> Inverse:
    """Return 0 for rho up to 1 - p, then a rise from 0 to 1 over the rest."""

    def inverse(p: Tensor, rho: Tensor, beta: float) -> Tensor:
        part = (rho + p - 1) / p
        above = part > 0  # the other branch never sees numbers at which its slope is infinite
        return torch.where(above, rise(torch.where(above, part, 1.0), beta), 0.0)

    return inverse


def _split(below: Callable[[Tensor, float], Tensor]) -> Inverse:
    """Return (1 - p) times a rise from 0 to 1 for rho up to 1 - p; above, p times its mirror image below 1."""

    def inverse(p: Tensor, rho: Tensor, beta: float) -> Tensor:
        left = rho < 1 - p
        size = torch.where(left, 1 - p, p)
        part = torch.where(left, rho, 1 - rho) / size
        risen = size * below(part.clamp(0, 1), beta)
        return torch.where(left, risen, 1 - risen)

    return inverse


def _log_rise(part: Tensor, beta: float) -> Tensor:
    """f1: log(part (e^beta - 1) + 1) / beta."""
    spread = math.exp(-beta)
    return 1 + torch.log(part * (1 - spread) + spread) / beta


def _power_rise(part: Tensor, beta: float) -> Tensor:
    """f2: 1 - (1 - part)^beta."""
    return 1 - (1 - part).clamp_min(0) ** beta


def _root_rise(part: Tensor, beta: float) -> Tensor:
    """f2': part^(1 / beta)."""
    return part ** (1 / beta)


def _hyperbola_rise(part: Tensor, beta: float) -> Tensor:
    """f2'': 1 - (1 - part) / (1 + beta part).

    The printed 1 - (1 - p) / (beta (rho - p)) has a pole at rho = p, and at rho = 1 it is 1 - 1 / beta. This hyperbola
    rises from 0 to 1 as the paper asks of every such function.
    """
    return 1 - (1 - part) / (1 + beta * part)


def _split_power(part: Tensor, beta: float) -> Tensor:
    """f3: part^beta, below 1 - p."""
    return part**beta


def _split_root(part: Tensor, beta: float) -> Tensor:
    """f3': 1 - (1 - part)^(1 / beta), below 1 - p.

    Above it the paper prints the root of -(rho + p - 1) / p, a negative number; of (rho + p - 1) / p it is right.
    """
    rest = 1 - part
    inside = rest > 0
    return torch.where(inside, 1 - torch.where(inside, rest, 1.0) ** (1 / beta), 1.0)


SMOOTHINGS = {
    "overlap-exponential": Smoothing(_exponential, _exponential_ratio),
    "overlap-logistic": Smoothing(_logistic, _logistic_ratio),
    "overlap-power": Smoothing(_power, _power_ratio),
    "spike-exponential": Smoothing(_spike(_log_rise)),
    "spike-power": Smoothing(_spike(_power_rise)),
    "spike-root": Smoothing(_spike(_root_rise)),
    "spike-hyperbola": Smoothing(_spike(_hyperbola_rise)),
    "split-power": Smoothing(_split(_split_power)),
    "split-root": Smoothing(_split(_split_root)),
}
"""The transformations by name."""
