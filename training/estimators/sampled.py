"""Estimators that see f and log q of hard samples alone, and NVIL, whose baseline is learnt from the images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ...models.families.config import FamilyConfig
from ...models.families.model import FamilyVAE
from ...models.families.symbol_sources import Sampler, sampled
from ...shapes import Float
from ..objectives.family_bounds import importance_weighted
from . import score_function
from .terms import Draw, Estimate, Terms, draw

HIDDEN = 100
"""Hidden units of learnt baselines and surrogates (Mnih and Gregor 2014)."""


class Estimator(nn.Module, ABC):
    """Estimates the gradient of a bound from hard samples. Its parameters, if any, are its own.

    Args:
        samples: Samples of each image.
    """

    def __init__(self, samples: int) -> None:
        super().__init__()
        self.samples = samples

    @abstractmethod
    def forward(
        self, model: FamilyVAE, x: Float[Tensor, "B C S S"], weight: float = 1.0, sampler: Sampler | None = None
    ) -> Estimate:
        """Return the estimate for a batch.

        Args:
            model: The model.
            x: Images.
            weight: Weight of the divergence.
            sampler: Takes hard choices from posteriors; None samples.
        """


class SampleEstimator(Estimator):
    """An estimator without parameters: a function of the samples' terms.

    Args:
        samples: Samples of each image.
        surrogate: The function, of `score_function`.
        tight: Whether the bound that rises is the importance-weighted one.
    """

    def __init__(self, samples: int, surrogate: Callable[[Terms], Tensor], *, tight: bool = False) -> None:
        super().__init__(samples)
        self.surrogate, self.tight = surrogate, tight

    def forward(
        self, model: FamilyVAE, x: Float[Tensor, "B C S S"], weight: float = 1.0, sampler: Sampler | None = None
    ) -> Estimate:
        """Return the estimate for a batch."""
        drawn = draw(model, x, self.samples, weight, sampler or sampled())
        f = drawn.terms.bound
        objective = importance_weighted(f) if self.tight else f.mean(0)
        return Estimate(self.surrogate(drawn.terms), objective, drawn)


class Nvil(Estimator):
    """REINFORCE with a baseline that is learnt: a network of the image and a running mean of f.

    The signal is not divided by its running standard deviation, which would only change the learning rate.

    Source:
        Mnih and Gregor (2014), "Neural Variational Inference and Learning in Belief Networks", section 2.3.
    """

    DECAY = 0.8

    def __init__(self, samples: int, config: FamilyConfig) -> None:
        super().__init__(samples)
        pixels = config.channels * config.image**2
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(pixels, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 1))
        self.register_buffer("mean", torch.zeros(()))
        self.mean: Tensor

    def forward(
        self, model: FamilyVAE, x: Float[Tensor, "B C S S"], weight: float = 1.0, sampler: Sampler | None = None
    ) -> Estimate:
        """Return the estimate for a batch, and move the running mean."""
        drawn = draw(model, x, self.samples, weight, sampler or sampled())
        f = drawn.terms.bound
        baseline = self.net(model.scaled(x))[:, 0] + self.mean
        surrogate = score_function.reinforce(drawn.terms, baseline.detach())
        own = (f - baseline).square().mean()
        if self.training:
            self.mean.lerp_(f.mean().to(self.mean.dtype), 1 - self.DECAY)
        return Estimate(surrogate, f.mean(0), drawn, own)


def summed(drawn: Draw, rows: list[Tensor]) -> Float[Tensor, "S B"]:
    """Return the sums over layers, variables and positions of quantities by row, one tensor a layer."""
    steps = drawn.costs.steps
    total = torch.stack([step.by_image(row) for step, row in zip(steps, rows, strict=True)]).sum(0)
    return total.view(drawn.likelihood.shape)
