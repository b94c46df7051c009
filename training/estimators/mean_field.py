"""MuProp: a baseline linear in the symbols, from one pass with means in the place of samples."""

from __future__ import annotations

import torch
from torch import Tensor

from ...models.families.distributions import Distribution
from ...models.families.model import FamilyVAE
from ...models.families.symbol_sources import Sampler, sampled
from ...shapes import Float
from .sampled import Estimator
from .terms import Draw, Estimate, StepCosts, draw, log_probabilities, one_hot


class MuProp(Estimator):
    """REINFORCE with the Taylor expansion of f at the mean-field pass as its baseline, whose expectation is known.

    Let m_l be the probabilities that layer l has in a pass where all layers hand on their probabilities, f(m) the bound
    there, with log p and log q linear in the symbols, and g_l its derivative by m_l, through all layers below. The
    score of a layer is weighted by f(z) - f(m) - g_l (z_l - m_l), and the gradient of g_l pi_l(z_>l), which is what the
    linear part would have given, is added: without this correction the estimate is biased. Coefficients do not depend
    on samples, so that the estimate is unbiased for any number of layers.

    Source:
        Gu et al. (2016), "MuProp: Unbiased Backpropagation for Stochastic Neural Networks", equations 4 to 7.
    """

    corrected = True
    """Whether the correction is added; tests leave it out."""

    def forward(
        self, model: FamilyVAE, x: Float[Tensor, "B C S S"], weight: float = 1.0, sampler: Sampler | None = None
    ) -> Estimate:
        """Return the estimate for a batch."""
        drawn = draw(model, x, self.samples, weight, sampler or sampled())
        centre, means, slopes = _expansion(model, x, weight)
        f = drawn.terms.bound
        surrogate = drawn.terms.joint
        for index, step in enumerate(drawn.costs.steps):
            mean, slope = (self._copies(drawn, index, rows[index]) for rows in (means, slopes))
            assert step.posterior is not None
            chosen = one_hot(drawn.costs.choices[index], step.posterior)
            linear = step.by_image((slope * (chosen - mean)).sum(-1)).view(f.shape)
            surrogate = surrogate + (f - centre - linear) * drawn.costs.log_q[index].view(f.shape)
            if self.corrected:
                expected = step.by_image((slope * log_probabilities(step.posterior).exp()).sum(-1))
                surrogate = surrogate + expected.view(f.shape)
        return Estimate(surrogate.mean(0), f.mean(0), drawn)

    def _copies(self, drawn: Draw, index: int, rows: Float[Tensor, "rows K"]) -> Float[Tensor, "S*rows K"]:
        """Return rows of images for all samples of them, the first sample of every image first."""
        plan = drawn.costs.steps[index].layer.plan
        by_image = rows.view(plan.variables, -1, plan.side**2, rows.shape[1])
        return by_image.repeat(1, self.samples, 1, 1).flatten(0, 2)


def _expansion(model: FamilyVAE, x: Tensor, weight: float) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Return f(m) (B,), the means of each layer, and the derivatives of f(m) by them, (rows, K), in coding order."""
    costs = StepCosts()
    with torch.enable_grad():
        likelihood = model.log_likelihood(x, _probabilities, costs)[0]
        f = likelihood - weight * torch.stack([_cost(costs, i) for i in range(len(costs.steps))]).sum(0)
        slopes = torch.autograd.grad(f.sum(), costs.choices)
    return f.detach(), [mean.detach() for mean in costs.choices], list(slopes)


def _probabilities(distribution: Distribution) -> Tensor:
    return log_probabilities(distribution).exp()


def _cost(costs: StepCosts, index: int) -> Tensor:
    """Return log q - log p of a layer's means, linear in them, (B,)."""
    step = costs.steps[index]
    assert step.posterior is not None
    return step.by_image(step.posterior.kl_estimate(step.prior, costs.choices[index]))
