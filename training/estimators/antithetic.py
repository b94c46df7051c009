"""DisARM: pairs of antithetic samples of binary variables."""

from __future__ import annotations

import torch
from torch import Tensor

from ...models.families.distributions import Choice, Distribution
from ...models.families.model import FamilyVAE
from ...models.families.symbol_sources import Sampler, sampled
from ...shapes import Float
from .sampled import Estimator
from .terms import Draw, Estimate, Known, by_row, draw, log_probabilities


class Uniform:
    """Draws binary symbols from uniform numbers, which it keeps: 1 where the number is below q(1)."""

    def __init__(self) -> None:
        self.drawn: list[Tensor] = []

    def __call__(self, distribution: Distribution) -> Choice:
        """Return symbols, (rows,)."""
        log_p = log_probabilities(distribution)
        self.drawn.append(torch.rand_like(log_p[:, 1]))
        return (self.drawn[-1] < log_p[:, 1].exp()).long()

    def antithetic(self, layer: int, distribution: Distribution) -> Choice:
        """Return the symbols of 1 - u in the place of u.

        Args:
            layer: The layer's place in the order of the draws.
            distribution: Its distribution.
        """
        return (1 - self.drawn[layer] < log_probabilities(distribution)[:, 1].exp()).long()


class Disarm(Estimator):
    """Antithetic pairs of binary variables, with the randomness of their common uniform numbers integrated out.

    With alpha the log-odds, b and b' a pair, the gradient by alpha is
    1/2 [f(b) - f(b')] (-1)^b' 1[b != b'] sigma(|alpha|). Of several layers each has a pair of its own: the layers above
    keep their symbols, and those below are drawn anew under b'.

    Source:
        Dong et al. (2020), "DisARM: An Antithetic Gradient Estimator for Binary Latent Variables", equation 7.
    """

    def forward(
        self, model: FamilyVAE, x: Float[Tensor, "B C S S"], weight: float = 1.0, sampler: Sampler | None = None
    ) -> Estimate:
        """Return the estimate for a batch; the sampler, if any, must keep its uniform numbers."""
        pair = sampler if isinstance(sampler, Uniform) else Uniform()
        drawn = draw(model, x, self.samples, weight, pair)
        draws, linear = [drawn], torch.zeros_like(drawn.terms.joint)
        for layer, step in enumerate(drawn.costs.steps):
            assert step.posterior is not None
            other = pair.antithetic(layer, step.posterior)
            known = Known([*drawn.costs.choices[:layer], other], sampled())
            draws.append(draw(model, x, self.samples, weight, known))
            linear = linear + _by_odds(drawn, layer, other, drawn.terms.bound - draws[-1].terms.bound)
        joint, bound = (torch.stack(each).mean((0, 1)) for each in zip(*map(_ends, draws), strict=True))
        return Estimate(joint + linear.mean(0), bound, drawn)


def _ends(drawn: Draw) -> tuple[Tensor, Tensor]:
    return drawn.terms.joint, drawn.terms.bound


def _by_odds(drawn: Draw, layer: int, other: Choice, difference: Float[Tensor, "S B"]) -> Float[Tensor, "S B"]:
    """Return a surrogate with the gradient of a layer's log-odds; `difference` is that of f over the pair."""
    step, first = drawn.costs.steps[layer], drawn.costs.choices[layer]
    assert step.posterior is not None
    log_pi = log_probabilities(step.posterior)
    odds = log_pi[:, 1] - log_pi[:, 0]
    sign = torch.where(first != other, 1.0 - 2.0 * other, 0.0) * torch.sigmoid(odds.detach().abs())
    rows = by_row(step, difference.flatten())
    return step.by_image(0.5 * rows * sign * odds).view(difference.shape)
