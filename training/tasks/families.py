"""Train the families of small images by the evidence lower bound with relaxed samples, in nats an image.

    loss = -log p(x | z~) + beta sum_l max(KL_l, free bits) [+ VQ-VAE's codebook and commitment losses]

or by another bound of `objectives.family_bounds`.

Source: Willetts et al. (2021), eq. 5; Lievin et al. (2019), eq. 5. KL_l is the whole divergence of q(z_l | ..) from
p(z_l | z~_>l) instead of one sample of it: the expectation over H(z~) of Lievin et al., eq. 14.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ...errors import DvcodecError, InvalidArgument
from ...models.families.codebooks import Nearest
from ...models.families.config import FamilyConfig
from ...models.families.initialisation import add_mean, centre, data_dependent_initialisation
from ...models.families.lipschitz import constants, relaxation_gap
from ...models.families.model import FamilyVAE
from ...models.families.relaxations import Relaxation
from ...models.families.smoothing import SMOOTHINGS
from ...models.families.symbol_sources import PassCosts, Posterior, relaxed, sampled
from ..estimators import Estimator, estimator_of
from ..estimators.temperature import Temperature
from ..loop.checkpoints import ESTIMATOR
from ..loop.numerics import SMALLER
from ..loop.task import LossTerms, ParameterGroup, Progress, Task
from ..objectives.family_bounds import divergence_of, importance_weighted
from ..recipes.families import FamilyRecipe
from ..recipes.overrides import override
from ..warm_start.families import warm_start_family

STARTING_IMAGES = 16
"""Images that the initialisation sees at least: the spread of one or two tells too little, and networks blow up."""
MEAN_OF = 2000
"""Training images whose mean is a perceptron's mean image."""


class BatchSource(Protocol):
    """Training images."""

    def batch(self, count: int, rng: np.random.Generator) -> Tensor:
        """Draw images: (count, C, S, S) float32, levels 0 to 255, or 0 and 1 for a binary data set."""
        ...


class ElboTask(Task):
    """A family of small images on a data set.

    Args:
        config: the model's sizes.
        recipe: how it is trained.
        data: the training images.
        validation: gives the batches that `validate` measures; None for a run without validation.
        start: checkpoint whose parameters the run starts from; None starts from random networks.

    Raises:
        InvalidArgument: the recipe's bound needs a model of another kind.
    """

    module: FamilyVAE

    def __init__(
        self,
        config: FamilyConfig,
        recipe: FamilyRecipe,
        data: BatchSource,
        validation: Callable[[], Iterable[Tensor]] | None = None,
        start: Path | None = None,
    ) -> None:
        self.recipe, self.data, self.validation, self.start = recipe, data, validation, start
        self.module = FamilyVAE(config)
        if recipe.bound == "relaxed-elbo" and constants(self.module) is None:
            raise InvalidArgument(
                "the relaxed ELBO needs a model with a Lipschitz constant", '`model="hdvae-lipschitz"`'
            )
        self.temperature = Temperature(recipe.temperatures[0]) if recipe.learnt_temperature else None
        self.estimator = estimator_of(recipe, config)
        own = self.temperature or self.estimator
        if own is not None:
            self.module.add_module(ESTIMATOR, own)  # its parameters are trained and saved with the model's

    def groups(self) -> Sequence[ParameterGroup]:
        """Return memory values, whose gradients are sparse (Lievin et al., appendix A), and the networks."""
        named = [(name, p) for name, p in self.module.named_parameters()]
        values = [p for name, p in named if name.endswith("codebook.values")]
        rest = [p for name, p in named if not name.endswith("codebook.values")]
        rates = (self.recipe.values_rate or self.recipe.rate, self.recipe.rate)
        groups = (ParameterGroup("values", values, rates[0]), ParameterGroup("networks", rest, rates[1]))
        return [group for group in groups if group.parameters]

    def batch(self, rng: np.random.Generator, progress: Progress) -> Tensor:
        """Draw training images: (B, C, S, S), on the CPU."""
        return self.data.batch(self.recipe.batch, rng)

    def prepare(self, rng: np.random.Generator) -> None:
        """Initialise the weights from batches of images, or take the parameters of `start`."""
        model = self.module
        if self.start is not None:
            return warm_start_family(model, self.start)
        device = next(model.parameters()).device
        mean = self.data.batch(MEAN_OF, rng).mean(0).to(device) if model.centred else None
        if mean is not None:
            centre(model, mean)
        x = self.data.batch(max(self.recipe.batch, STARTING_IMAGES), rng).to(device)
        sampler = relaxed(self._relaxation(Progress(0, 0.0)))
        with data_dependent_initialisation(model):
            model.decode(len(x), Posterior(sampler), model.infer(x, sampler))
        if mean is not None:
            add_mean(model, mean)

    def loss_terms(self, batch: Tensor, progress: Progress) -> LossTerms:
        """Compute the bound on a batch. DvcodecError that names the first layer whose KL is not finite."""
        if self.estimator is not None:
            return self._estimated(self.estimator, batch, progress)
        model, relaxation = self.module, self._relaxation(progress)
        costs = PassCosts(divergence_of(self.recipe.bound, relaxation))
        likelihood = self._likelihood(batch, costs, relaxation)
        refuse_nan(costs, likelihood)
        loss = self._negative_bound(likelihood, costs, self._weight(progress), len(batch))
        if model.config.latent_of(0) == "nearest":
            loss = loss + self._dictionary(costs, len(batch))
        kl_nats = torch.stack(list(costs.kl.values())).sum(0).detach()
        elbo = float((likelihood.detach() - kl_nats).mean())
        return LossTerms(
            loss,
            {
                "relaxed_elbo_nats": elbo,
                "bits_per_dim": -elbo / (batch[0].numel() * math.log(2)),
                "kl_nats": float(kl_nats.mean()),
                **_sharpness(relaxation),
            },
            {name: kl.detach() for name, kl in costs.kl.items()},
            self._codes(costs),
        )

    def _likelihood(self, batch: Tensor, costs: PassCosts, relaxation: Relaxation) -> Tensor:
        """Return log p(x | z~) of the recipe's number of samples of each image, (S * B,)."""
        model, sampler = self.module, relaxed(relaxation)
        x = batch.repeat(self.recipe.samples, 1, 1, 1)
        raw = model.decode(len(x), Posterior(sampler, costs), model.infer(x, sampler))
        return model.p_x().log_prob(x, raw)

    def _negative_bound(self, likelihood: Tensor, costs: PassCosts, weight: float, images: int) -> Tensor:
        """Return minus the recipe's bound, with a weight and free bits of the divergences."""
        if self.recipe.bound == "iw":
            weights = likelihood - weight * torch.stack(list(costs.kl.values())).sum(0)
            return -importance_weighted(weights.view(-1, images)).mean()
        floor = torch.as_tensor(self.recipe.free_bits, device=likelihood.device)
        divergence = sum((torch.maximum(kl.mean(), floor) for kl in costs.kl.values()), torch.zeros_like(floor))
        loss = -likelihood.mean() + weight * divergence
        if self.recipe.bound != "relaxed-elbo":
            return loss
        kappas = constants(self.module)
        assert kappas is not None
        return loss + relaxation_gap(self.module.layers(), costs.choices, kappas, images).mean()

    def _estimated(self, estimator: Estimator, batch: Tensor, progress: Progress) -> LossTerms:
        """Compute the bound on hard samples, and a loss of its value that has the estimator's gradient."""
        estimate = estimator(self.module, batch, self._weight(progress))
        costs, likelihood = estimate.draw.costs, estimate.draw.likelihood
        refuse_nan(costs, likelihood)
        descent = -estimate.surrogate.mean() + estimate.own
        objective = float(estimate.objective.mean())
        figures = {
            "objective_nats": objective,
            "bits_per_dim": -objective / (batch[0].numel() * math.log(2)),
            "kl_nats": float((likelihood - estimate.draw.terms.bound).detach().mean()),
        }
        layers = {name: kl.detach() for name, kl in costs.kl.items()}
        return LossTerms(descent - descent.detach() - objective, figures, layers, self._codes(costs))

    @torch.no_grad()
    def validate(self) -> float:
        """Return -ELBO with hard samples over validation images, in nats an image. DvcodecError if there are none."""
        if self.validation is None:
            raise DvcodecError("there are no validation images", override("validate_every", "0"))
        model, total, images = self.module, 0.0, 0
        device = next(model.parameters()).device
        for batch in self.validation():
            x, costs, sampler = batch.to(device), PassCosts(), sampled()
            raw = model.decode(len(x), Posterior(sampler, costs), model.infer(x, sampler))
            kl = torch.stack(list(costs.kl.values())).sum()
            total += float(kl - model.p_x().log_prob(x, raw).sum())
            images += len(x)
        return total / images

    def synchronise(self, average: Callable[[Iterable[Tensor]], None]) -> None:
        """Let EMA codebooks and the running means of estimators follow the batches of all processes."""
        if self.estimator is not None:
            average(self.estimator.buffers())
        for layer in self.module.layers():
            if isinstance(layer.codebook, Nearest) and layer.codebook.ema:
                layer.codebook.synchronise(average)

    def _relaxation(self, progress: Progress) -> Relaxation:
        recipe = self.recipe
        scheduled = float(np.interp(progress.fraction, recipe.fractions, recipe.temperatures))
        start, end = recipe.betas
        temperature = scheduled if self.temperature is None else self.temperature()
        return Relaxation(recipe.relaxation, temperature, start + (end - start) * progress.fraction)

    def _weight(self, progress: Progress) -> float:
        risen = min(1.0, (progress.step + 1) / self.recipe.kl_warm_up) if self.recipe.kl_warm_up else 1.0
        return self.recipe.kl_weight * risen

    def _dictionary(self, costs: PassCosts, images: int) -> Tensor:
        """Return VQ-VAE's losses in nats of a Gaussian with unit variance, and update EMA codebooks."""
        losses = []
        for layer, query, choice in zip(self.module.layers(), costs.queries, costs.symbols(), strict=True):
            losses.append(layer.vq_losses(query, choice).sum() / images)
            if self.module.config.ema_codebook and self.module.training:
                layer.update_moving_averages(query, choice)
        return torch.stack(losses).sum()

    def _codes(self, costs: PassCosts) -> dict[str, int]:
        """Count the symbols in use by layer over all its variables' codebooks: V * K at most."""
        pairs = zip(self.module.layers(), costs.symbols(), strict=True)
        usage = {layer.plan.name: layer.codebook.usage(found) for layer, found in pairs if layer.codebook is not None}
        return {name: int((counts > 0).sum()) for name, counts in usage.items()}


def _sharpness(relaxation: Relaxation) -> dict[str, float]:
    """Return the relaxation's parameter by the name under which a log shows it."""
    smooth = relaxation.kind in SMOOTHINGS
    return {"beta": relaxation.beta} if smooth else {"temperature": float(relaxation.temperature)}


def refuse_nan(costs: PassCosts, likelihood: Tensor) -> None:
    """Raise DvcodecError that names the first layer whose KL divergence is not finite, or the likelihood."""
    terms = {f"layer {name}": kl for name, kl in costs.kl.items()} | {"the likelihood": likelihood}
    finite = torch.stack([torch.isfinite(term.detach()).all() for term in terms.values()])
    if not bool(finite.all()):
        where = list(terms)[int((~finite).nonzero()[0])]
        raise DvcodecError(f"the loss is not a number, first in {where}", SMALLER)
