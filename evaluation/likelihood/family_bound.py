"""Bounds of the log-likelihood that a family's model gives to a data set, and the use of its codebooks.

ELBO     E_q log p(x | z) - sum_l KL(q(z_l | ..) || p(z_l | z_>l)), HARD samples     (Willetts et al. 2021, eq 5)
IW       E log 1/S sum_s p(x, z_s) / q(z_s | x), S samples                           (Burda et al. 2015)
relaxed  the same as the ELBO with relaxed samples, priors and posteriors taken at H(z~)  (Lievin et al. 2019, eq 14)
bias     |relaxed - ELBO|                                                            (eq 6)
bound    relaxed - sum_l kappa_l E |z~_l - H(z~_l)|_2 <= log p(x)      (eq 8, 12; models.families.lipschitz)
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from ...models.families.config import LayerPlan
from ...models.families.lipschitz import constants, relaxation_gap
from ...models.families.model import FamilyVAE
from ...models.families.relaxations import Relaxation
from ...models.families.symbol_sources import PassCosts, relaxed, sampled
from ...models.integer.guard import default_modes


@dataclass(frozen=True)
class LayerReport:
    """Figures of one layer over the data set."""

    name: str
    kl_nats: float
    """Mean KL(q || p) per image, in nats."""
    variables: int
    """Variables at each position; each variable has its own codebook, shared by all positions."""
    symbols: int
    """Entries of one codebook; 0 for a Gaussian layer."""
    perplexity: float
    """exp of the entropy of a variable's sampled symbols (the effective number in use); mean over the variables."""
    dead: int
    """Codebook entries, of all variables together, that were never sampled."""


@dataclass(frozen=True)
class FamilyBound:
    """Means per image, in nats; `bits_per_dim` is -ELBO / (dimensions ln 2)."""

    images: int
    dimensions: int
    elbo_nats: float
    likelihood_nats: float
    """E_q log p(x | z)."""
    kl_nats: float
    bits_per_dim: float
    layers: list[LayerReport] = field(default_factory=list)
    iw_samples: int = 0
    iw_nats: float | None = None
    iw_bits_per_dim: float | None = None
    temperature: float | None = None
    relaxed_nats: float | None = None
    """The relaxed objective at this temperature."""
    relaxation_bias_nats: float | None = None
    relaxed_bound_nats: float | None = None
    """The relaxed ELBO, a lower bound of log p(x); None where no Lipschitz constant is enforced."""
    images_per_second: float = 0.0
    """Speed of computing the ELBO."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


@default_modes()
@torch.no_grad()
def measure(
    model: FamilyVAE,
    data: Iterable[Tensor],
    *,
    iw_samples: int = 0,
    iw_batch: int = 512,
    temperature: float | None = None,
    seed: int = 0,
) -> FamilyBound:
    """Measure the bounds over a data set, on the model's device and in evaluation mode.

    Args:
        model: the family's model.
        data: batches (B, C, S, S) of levels 0..255, or of 0 and 1 for binary models.
        iw_samples: samples of the importance-weighted bound; 0 leaves it out.
        iw_batch: largest number of images times samples in memory at once.
        temperature: temperature of the relaxed objective and its bias; None leaves them out.
        seed: seed of the posterior's samples.

    Raises:
        ValueError: there are no images.
    """
    device = next(model.parameters()).device
    tally = _Tally(model, torch.Generator(device).manual_seed(seed))
    training = model.training
    model.eval()
    try:
        for batch in data:
            x = batch.to(device, torch.float32)
            tally.elbo(x)
            if iw_samples:
                tally.importance(x, iw_samples, iw_batch)
            if temperature is not None:
                tally.relaxed(x, Relaxation("gumbel-softmax", temperature))
    finally:
        model.train(training)
    return tally.report(iw_samples, temperature)


class _Tally:
    """Running sums over the data set."""

    def __init__(self, model: FamilyVAE, generator: torch.Generator) -> None:
        self.model, self.generator = model, generator
        self.images, self.dimensions, self.seconds = 0, 0, 0.0
        self.sums = {"likelihood": 0.0, "iw": 0.0, "relaxed": 0.0, "gap": 0.0}
        self.kl = {layer.plan.name: 0.0 for layer in model.layers()}
        self.kappas = constants(model)
        self.counts: dict[str, Tensor] = {}

    def elbo(self, x: Tensor) -> None:
        """Add a batch's evidence lower bound with hard samples."""
        started, costs = time.perf_counter(), PassCosts()
        likelihood = sample_likelihood(self.model, x, costs, self.generator)
        self.sums["likelihood"] += float(likelihood.double().sum())
        for name, kl in costs.kl.items():
            self.kl[name] += float(kl.double().sum())
        self._count(costs)
        self.images, self.dimensions = self.images + len(x), x[0].numel()
        self.seconds += time.perf_counter() - started

    def _count(self, costs: PassCosts) -> None:
        for layer, symbols in zip(self.model.layers(), costs.symbols(), strict=True):
            if layer.codebook is not None:
                found = layer.codebook.usage(symbols).cpu()
                self.counts[layer.plan.name] = self.counts.get(layer.plan.name, 0) + found

    def importance(self, x: Tensor, samples: int, at_once: int) -> None:
        """Add a batch's importance-weighted bound, with at most `at_once` samples in memory.

        All samples of an image are taken at once where they fit, since its inference runs once for each taking.
        """
        for part in torch.split(x, max(1, at_once // samples)):
            self._importance(part, samples, max(1, min(samples, at_once // len(part))))

    def _importance(self, x: Tensor, samples: int, repeats: int) -> None:
        log_sum = torch.full((len(x),), -math.inf, dtype=torch.float64, device=x.device)
        for start in range(0, samples, repeats):
            weights = self._weights(x, min(repeats, samples - start))
            log_sum = torch.logaddexp(log_sum, torch.logsumexp(weights, dim=0))
        self.sums["iw"] += float((log_sum - math.log(samples)).sum())

    def _weights(self, x: Tensor, copies: int) -> Tensor:
        """Return log p(x, z) - log q(z | x) of `copies` samples for each image, (copies, B) float64."""
        costs = PassCosts()
        likelihood = self.model.log_likelihood(x, sampled(self.generator), costs, copies)
        return (likelihood + costs.log_ratio().view(copies, -1)).double()

    def relaxed(self, x: Tensor, relaxation: Relaxation) -> None:
        """Add a batch's relaxed objective, and the distance of its samples from one-hot vectors."""
        costs = PassCosts()
        value = self.model.log_likelihood(x, relaxed(relaxation, self.generator), costs)[0] + costs.log_ratio()
        self.sums["relaxed"] += float(value.double().sum())
        if self.kappas is not None:
            gap = relaxation_gap(self.model.layers(), costs.choices, self.kappas, len(x))
            self.sums["gap"] += float(gap.double().sum())

    def report(self, iw_samples: int, temperature: float | None) -> FamilyBound:
        """Return the means.

        Raises:
            ValueError: there was no image.
        """
        if not self.images:
            raise ValueError("there are no images to measure")
        mean = {key: value / self.images for key, value in self.sums.items()}
        kl = sum(self.kl.values()) / self.images
        elbo, unit = mean["likelihood"] - kl, self.dimensions * math.log(2)
        relaxes = temperature is not None and self.model.config.categorical
        return FamilyBound(
            images=self.images,
            dimensions=self.dimensions,
            elbo_nats=elbo,
            likelihood_nats=mean["likelihood"],
            kl_nats=kl,
            bits_per_dim=-elbo / unit,
            layers=[self._layer(layer.plan) for layer in self.model.layers()],
            iw_samples=iw_samples,
            iw_nats=mean["iw"] if iw_samples else None,
            iw_bits_per_dim=-mean["iw"] / unit if iw_samples else None,
            temperature=temperature if relaxes else None,
            relaxed_nats=mean["relaxed"] if relaxes else None,
            relaxation_bias_nats=abs(mean["relaxed"] - elbo) if relaxes else None,
            relaxed_bound_nats=mean["relaxed"] - mean["gap"] if relaxes and self.kappas is not None else None,
            images_per_second=self.images / self.seconds if self.seconds else 0.0,
        )

    def _layer(self, plan: LayerPlan) -> LayerReport:
        kl, counts = self.kl[plan.name] / self.images, self.counts.get(plan.name)  # (V, K)
        if counts is None:
            return LayerReport(plan.name, kl, plan.variables, 0, 0.0, 0)
        p = counts.double() / counts.sum(1, keepdim=True)
        perplexity = float(torch.special.entr(p).sum(1).exp().mean())
        return LayerReport(plan.name, kl, plan.variables, plan.symbols, perplexity, int((counts == 0).sum()))


def sample_likelihood(
    model: FamilyVAE, x: Tensor, costs: PassCosts, generator: torch.Generator | None = None
) -> Tensor:
    """Return log p(x | z) (B,) for one hard posterior sample per image; divergences are added to `costs`.

    Args:
        model: the family's model.
        x: images, (B, C, S, S): levels 0 to 255, or 0 and 1 for binary images.
        costs: collects the KL divergences of the layers in nats.
        generator: random numbers; None for torch's own.

    Returns:
        Log-likelihoods in nats, (B,).
    """
    return model.log_likelihood(x, sampled(generator), costs)[0]
