"""DisARM: pairs of antithetic samples of one layer of binary variables; and other choices in the place of a sample."""

from __future__ import annotations

import torch
from torch import Tensor

from ...models.families.distributions import Choice, Distribution
from ...models.families.model import FamilyVAE
from ...models.families.symbol_sources import Prior, Replay, Sampler, mode
from ...shapes import Float
from .sampled import Estimator
from .terms import Draw, Estimate, Terms, by_row, draw, log_probabilities


def likelihood_of(model: FamilyVAE, x: Tensor, drawn: Draw, choice: Choice) -> Float[Tensor, "S B"]:
    """Return log p(x | z) of another choice for the one layer, symbols or relaxed weights."""
    samples, images = drawn.likelihood.shape
    raw = model.decode(samples * images, Replay([choice], Prior(mode)))
    return model.p_x().log_prob(x.repeat(samples, 1, 1, 1), raw).view(samples, images)


class Uniform:
    """Draws binary symbols from uniform numbers, which it keeps: 1 where the number is below q(1)."""

    def __init__(self) -> None:
        self.drawn: Tensor | None = None

    def __call__(self, distribution: Distribution) -> Choice:
        """Return symbols, (rows,)."""
        log_p = log_probabilities(distribution)
        self.drawn = torch.rand_like(log_p[:, 1])
        return (self.drawn < log_p[:, 1].exp()).long()

    def antithetic(self, distribution: Distribution) -> Choice:
        """Return the symbols of 1 - u in the place of u."""
        assert self.drawn is not None
        return (1 - self.drawn < log_probabilities(distribution)[:, 1].exp()).long()


class Disarm(Estimator):
    """Antithetic pairs of binary variables, with the randomness of their common uniform numbers integrated out.

    With alpha the log-odds, b and b' a pair, the gradient by alpha is
    1/2 [f(b) - f(b')] (-1)^b' 1[b != b'] sigma(|alpha|).

    Source:
        Dong et al. (2020), "DisARM: An Antithetic Gradient Estimator for Binary Latent Variables", equation 7.
    """

    def forward(
        self, model: FamilyVAE, x: Float[Tensor, "B C S S"], weight: float = 1.0, sampler: Sampler | None = None
    ) -> Estimate:
        """Return the estimate for a batch; the sampler, if any, must keep its uniform numbers."""
        pair = sampler if isinstance(sampler, Uniform) else Uniform()
        drawn = draw(model, x, self.samples, weight, pair)
        step = drawn.costs.steps[0]
        assert step.posterior is not None
        first, other = drawn.costs.choices[0], pair.antithetic(step.posterior)
        shape = drawn.likelihood.shape
        log_p, log_q = (step.by_image(one.log_prob(other)).view(shape) for one in (step.prior, step.posterior))
        joint = likelihood_of(model, x, drawn, other) + weight * log_p
        rest = Terms(joint, log_q, weight)
        log_pi = log_probabilities(step.posterior)
        odds = log_pi[:, 1] - log_pi[:, 0]
        sign = torch.where(first != other, 1.0 - 2.0 * other, 0.0) * torch.sigmoid(odds.detach().abs())
        difference = by_row(step, (drawn.terms.bound - rest.bound).flatten())
        linear = step.by_image(0.5 * difference * sign * odds).view(shape)
        surrogate = 0.5 * (drawn.terms.joint + joint) + linear
        return Estimate(surrogate.mean(0), 0.5 * (drawn.terms.bound + rest.bound).mean(0), drawn)
