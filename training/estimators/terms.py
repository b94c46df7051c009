"""What gradient estimators are made of: hard samples of a model's passes, and their terms by sample and image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ...models.families.distributions import Categorical, Choice, Distribution
from ...models.families.model import FamilyVAE
from ...models.families.steps import LatentStep
from ...models.families.symbol_sources import PassCosts, Sampler
from ...shapes import Float, Int64


@dataclass
class StepCosts(PassCosts):
    """Records costs as `PassCosts` does, and the steps themselves, in coding order."""

    steps: list[LatentStep] = field(default_factory=list)

    def note(self, step: LatentStep, choice: Int64[Tensor, " rows"] | Float[Tensor, "rows _"]) -> None:
        """Record a step and its choice."""
        super().note(step, choice)
        self.steps.append(step)


@dataclass(frozen=True)
class Terms:
    """The terms of the bound of S samples of each of B images, with gradients, in nats.

    Args:
        joint: log p(x | z) + weight log p(z).
        log_q: log q(z | x).
        weight: Weight of the divergence; 1 but while it warms up.
    """

    joint: Float[Tensor, "S B"]
    log_q: Float[Tensor, "S B"]
    weight: float = 1.0

    @property
    def bound(self) -> Float[Tensor, "S B"]:
        """Return f(z) = log p(x | z) + weight (log p(z) - log q(z | x)), without gradients."""
        return (self.joint - self.weight * self.log_q).detach()


@dataclass
class Draw:
    """Hard samples with their terms, log p(x | z) (S, B), and what the pass recorded."""

    terms: Terms
    likelihood: Tensor
    costs: StepCosts


@dataclass
class Estimate:
    """A gradient estimate: the gradient of `surrogate`, which is to rise.

    Args:
        surrogate: Its mean over images is differentiated.
        objective: The bound that rises: the ELBO, or of `vimco` the importance-weighted bound, without gradients.
        draw: The samples that it was made of.
        own: A loss of the estimator's own parameters, which no other parameter sees.
    """

    surrogate: Float[Tensor, " B"]
    objective: Float[Tensor, " B"]
    draw: Draw
    own: Tensor | float = 0.0


class Known:
    """Takes known choices of the first layers, then those of another sampler.

    Args:
        choices: Choices in the order in which they are asked for.
        then: The other sampler.
    """

    def __init__(self, choices: Sequence[Choice], then: Sampler) -> None:
        self._left, self._then = list(choices), then

    def __call__(self, distribution: Distribution) -> Choice:
        """Return the next choice."""
        return self._left.pop(0) if self._left else self._then(distribution)


def fixed(sampler: Sampler) -> Sampler:
    """Return a sampler whose choices let no gradient through: algorithm 1 of Stojanovic, line 3."""
    return lambda distribution: sampler(distribution).detach()


def draw(model: FamilyVAE, x: Tensor, samples: int, weight: float, sampler: Sampler) -> Draw:
    """Return hard samples and their terms.

    Args:
        model: The model.
        x: Images, (B, C, S, S).
        samples: Number of samples of each image.
        weight: Weight of the divergence.
        sampler: Takes a hard choice from a posterior.
    """
    costs = StepCosts()
    likelihood = model.log_likelihood(x, fixed(sampler), costs, samples)
    log_p, log_q = (torch.stack(logs).sum(0).view(samples, -1) for logs in (costs.log_p, costs.log_q))
    return Draw(Terms(likelihood + weight * log_p, log_q, weight), likelihood, costs)


def by_row(step: LatentStep, values: Float[Tensor, " B"]) -> Float[Tensor, " rows"]:
    """Return values of images for each of their variables and positions: the transpose of `LatentStep.by_image`."""
    variables = step.layer.plan.variables
    return values[None, :, None].expand(variables, -1, step.layer.plan.side**2).reshape(-1)


def one_hot(choice: Choice, posterior: Distribution) -> Float[Tensor, "rows K"]:
    """Return hard choices as one-hot rows in the precision of a categorical posterior."""
    scores = log_probabilities(posterior)
    return torch.zeros_like(scores).scatter_(-1, choice[:, None], 1.0)


def log_probabilities(posterior: Distribution) -> Float[Tensor, "rows K"]:
    """Return log pi of a categorical posterior."""
    assert isinstance(posterior, Categorical)
    return posterior.log_p
