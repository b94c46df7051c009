"""REBAR and RELAX: relaxed samples as control variates of the score function, for symbols.

Let b be the symbols of the largest entries of log pi + Gumbel noise, z that sum and z~ another draw of it given b. For
any function c, E [c(z~) grad log q(b)] = E [grad c(z) - grad c(z~)], so that

    [f(b) - c(z~)] grad log q(b) + grad c(z) - grad c(z~) + grad log p(x, b)

is unbiased. REBAR takes c(z) = eta f(softmax(z / lambda)); RELAX adds a network of softmax(z / lambda). Both learn
eta, lambda and the network by the gradient of the variance, that of the squared estimate by the posterior's scores. Of
several layers each has a c of its own, given the symbols of the layers above. Those below are relaxed, too, with noise
that z and z~ have in common, so that c is differentiable.

Source:
    Tucker et al. (2017), "REBAR: Low-variance, unbiased gradient estimates for discrete latent variable models", whose
    logistic noise is the difference of the Gumbel noise of two symbols; Grathwohl et al. (2018), "Backpropagation
    through the Void", appendix B for more symbols.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ...models.families.config import FamilyConfig
from ...models.families.distributions import Distribution
from ...models.families.divergences import one_sample
from ...models.families.model import FamilyVAE
from ...models.families.relaxations import gumbel
from ...models.families.steps import LatentStep
from ...models.families.symbol_sources import Sampler
from ...shapes import Float, Int64
from .sampled import HIDDEN, Estimator
from .terms import Draw, Estimate, Known, StepCosts, by_row, draw, log_probabilities, one_hot


class GumbelMax:
    """Draws symbols by the Gumbel-max trick and keeps the noise."""

    def __init__(self) -> None:
        self.noise: list[Tensor] = []

    def __call__(self, distribution: Distribution) -> Int64[Tensor, " rows"]:
        """Return symbols."""
        log_p = log_probabilities(distribution)
        self.noise.append(gumbel(log_p))
        return (log_p + self.noise[-1]).argmax(-1)


class Below:
    """Relaxes the layers below with noise that is the same every time.

    Args:
        sharpness: 1 / lambda.
        noise: The noise of these layers so far, which grows.
    """

    def __init__(self, sharpness: Tensor, noise: list[Tensor]) -> None:
        self._sharpness, self._noise, self._at = sharpness, noise, 0

    def __call__(self, distribution: Distribution) -> Float[Tensor, "rows K"]:
        """Return relaxed symbols."""
        log_p = log_probabilities(distribution)
        if self._at == len(self._noise):
            self._noise.append(gumbel(log_p))
        self._at += 1
        return torch.softmax((log_p + self._noise[self._at - 1]) * self._sharpness, -1)


def conditional(log_p: Float[Tensor, "rows K"], symbols: Int64[Tensor, " rows"]) -> Float[Tensor, "rows K"]:
    """Return log pi + Gumbel noise given that its largest entry is that of `symbols`, differentiable in log pi.

    The largest entry m is a Gumbel variable, whatever pi is; another entry i is -log(e^-m + E / pi_i), E exponential.

    Source:
        Grathwohl et al. (2018), appendix B.
    """
    chosen = torch.zeros_like(log_p, dtype=torch.bool).scatter_(-1, symbols[:, None], True)
    largest, below = gumbel(log_p[:, :1]), gumbel(log_p)
    return torch.where(chosen, largest, -torch.logaddexp(-largest, -log_p - below))


class ControlVariate(Estimator):
    """REBAR, or with a network of the relaxed symbols RELAX; see above.

    Args:
        samples: Samples of each image.
        config: The model's configuration.
        network: Whether c has a network.
        temperature: Temperature lambda at the start.
    """

    def __init__(self, samples: int, config: FamilyConfig, *, network: bool, temperature: float = 0.5) -> None:
        super().__init__(samples)
        self.scale = nn.Parameter(torch.ones(()))
        self.log_temperature = nn.Parameter(torch.tensor(temperature).log())
        self.net: nn.Sequential | None = None
        if network:
            inputs = sum(plan.variables * plan.side**2 * plan.symbols for plan in config.plans())
            self.net = nn.Sequential(nn.Linear(inputs, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 1))

    def forward(
        self, model: FamilyVAE, x: Float[Tensor, "B C S S"], weight: float = 1.0, sampler: Sampler | None = None
    ) -> Estimate:
        """Return the estimate for a batch; the sampler, if any, must keep its noise."""
        pick = sampler if isinstance(sampler, GumbelMax) else GumbelMax()
        drawn = draw(model, x, self.samples, weight, pick)
        own = {name: value.detach().requires_grad_() for name, value in self.named_parameters()}
        f, surrogate, learnt = drawn.terms.bound, drawn.terms.joint, torch.zeros(())
        for layer, step in enumerate(drawn.costs.steps):
            assert step.posterior is not None
            log_p, b, noise = log_probabilities(step.posterior), drawn.costs.choices[layer], list[Tensor]()
            both = (log_p + pick.noise[layer], conditional(log_p, b))
            free, given = (self._variate(model, x, drawn, layer, scores, noise, own) for scores in both)
            log_q = drawn.costs.log_q[layer].view(f.shape)
            surrogate = surrogate + (f - given.detach()) * log_q + free - given
            if self.training and torch.is_grad_enabled():
                learnt = learnt + self._variance_loss(step, b, f - given, free - given, own)
        return Estimate(surrogate.mean(0), f.mean(0), drawn, learnt)

    def _variate(
        self,
        model: FamilyVAE,
        x: Tensor,
        drawn: Draw,
        layer: int,
        scores: Float[Tensor, "rows K"],
        noise: list[Tensor],
        own: Mapping[str, Tensor],
    ) -> Float[Tensor, "S B"]:
        """Return c of a layer's noisy scores under given parameters of c; `noise` is that of the layers below."""
        sharpness, above = torch.exp(-own["log_temperature"]), drawn.costs.choices[:layer]
        soft, costs = torch.softmax(scores * sharpness, -1), StepCosts(one_sample)
        sampler = Known([*above, soft], Below(sharpness, noise))
        likelihood = model.log_likelihood(x, sampler, costs, self.samples)
        cost = torch.stack(list(costs.kl.values())).sum(0).view(likelihood.shape)
        value = own["scale"] * (likelihood - drawn.terms.weight * cost)
        if self.net is None:
            return value
        parameters = {name.removeprefix("net."): one for name, one in own.items() if name.startswith("net.")}
        found: Tensor = torch.func.functional_call(self.net, parameters, (_seen(drawn, layer, soft),))
        return value + found.view(likelihood.shape)

    def _variance_loss(
        self, step: LatentStep, b: Tensor, signal: Tensor, difference: Tensor, own: Mapping[str, Tensor]
    ) -> Tensor:
        """Return a loss of value 0 whose gradient is that of the squared estimate by this estimator's parameters."""
        assert step.posterior is not None
        log_p = log_probabilities(step.posterior)
        (paths,) = torch.autograd.grad(difference.sum(), log_p, create_graph=True)
        by_log_p = by_row(step, signal.flatten())[:, None] * one_hot(b, step.posterior) + paths
        by_score = by_log_p - log_p.detach().exp() * by_log_p.sum(-1, keepdim=True)
        slopes = torch.autograd.grad(by_score.square().sum() / signal.numel(), list(own.values()), retain_graph=True)
        mine = dict(self.named_parameters())
        moved = [((mine[name] - mine[name].detach()) * slope).sum() for name, slope in zip(own, slopes, strict=True)]
        return torch.stack(moved).sum()


def _seen(drawn: Draw, layer: int, soft: Float[Tensor, "rows K"]) -> Float[Tensor, "SB inputs"]:
    """Return the symbols above a layer, its relaxed ones, and zeros for the layers below, by image."""
    parts = []
    for index, step in enumerate(drawn.costs.steps):
        assert step.posterior is not None
        hard = one_hot(drawn.costs.choices[index], step.posterior)
        rows = hard if index < layer else soft if index == layer else torch.zeros_like(hard)
        parts.append(step.layer.maps(rows).flatten(1))
    return torch.cat(parts, 1)
