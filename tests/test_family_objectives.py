"""The bounds that families are trained by, against quadrature over zeta and enumeration over symbols."""

import math
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import families_small as small
import numpy as np
import pytest
import torch
from torch import Tensor

from dvcodec.errors import InvalidArgument
from dvcodec.evaluation.likelihood.enumeration import enumerate_states
from dvcodec.models.families.config import FamilyConfig
from dvcodec.models.families.distributions import Categorical, Distribution
from dvcodec.models.families.divergences import Divergence, concrete, marginal, one_sample, whole
from dvcodec.models.families.lipschitz import constants, relaxation_gap
from dvcodec.models.families.model import FamilyVAE
from dvcodec.models.families.relaxations import Relaxation, gumbel
from dvcodec.models.families.smoothing import SMOOTHINGS
from dvcodec.models.families.steps import LatentStep
from dvcodec.models.families.symbol_sources import PassCosts, Posterior
from dvcodec.training.loop.task import Progress
from dvcodec.training.objectives.family_bounds import divergence_of, importance_weighted
from dvcodec.training.recipes.family_presets import FAMILY_PRESETS
from dvcodec.training.recipes.registry import resolve
from dvcodec.training.tasks.families import ElboTask

PAIR = FamilyConfig(
    sides=(1, 1),
    symbols=(2, 2),
    variables=(1, 1),
    channels=1,
    image=2,
    hierarchy="skip-lvae",
    latent="logits",
    prior="direct",
    likelihood="bernoulli",
    width=4,
    values=2,
    exact=False,
)
"""Two layers of one binary variable each: integrals over zeta are sums over a square."""
SIDE = 48


class Quadrature:
    """Takes zeta at the midpoints of a grid of uniform values, one column of them for each layer."""

    def __init__(self, kind: str, beta: float) -> None:
        middle = (torch.arange(SIDE, dtype=torch.float64) + 0.5) / SIDE
        self.columns = list(torch.cartesian_prod(middle, middle).T)
        self.kind, self.beta = kind, beta

    def __call__(self, distribution: Distribution) -> Tensor:
        """The next layer's weights."""
        assert isinstance(distribution, Categorical)
        zeta = SMOOTHINGS[self.kind].inverse(distribution.log_p[:, 1].exp(), self.columns.pop(0), self.beta)
        return torch.stack([1 - zeta, zeta], -1)


@torch.no_grad()
def log_weights(model: FamilyVAE, x: Tensor, kind: str, beta: float, divergence: Divergence) -> Tensor:
    """log p(x | zeta) less the divergences at every point of the square."""
    sampler, costs, many = Quadrature(kind, beta), PassCosts(divergence), x.expand(SIDE**2, -1, -1, -1)
    raw = model.decode(len(many), Posterior(sampler, costs), model.infer(many, sampler))
    return model.p_x().log_prob(many, raw) - torch.stack(list(costs.kl.values())).sum(0)


@pytest.fixture(scope="module")
def model() -> FamilyVAE:
    """A lively model in float64."""
    return small.lively(PAIR).double()


@pytest.fixture(scope="module")
def x() -> Tensor:
    """One image."""
    return small.images(PAIR, 1, seed=5).double()


@pytest.mark.parametrize("kind", ["overlap-exponential", "overlap-logistic", "overlap-power"])
def test_the_joint_bound_is_below_the_marginal_one_and_that_below_log_p(kind: str, model: FamilyVAE, x: Tensor) -> None:
    for beta in (2.0, 8.0):
        joint = log_weights(model, x, kind, beta, whole)
        ratios = log_weights(model, x, kind, beta, marginal(kind, beta))
        found = float(importance_weighted(ratios[:, None]))  # E_q of the ratio of densities is p(x)
        pairs = importance_weighted(
            torch.stack([ratios, ratios[torch.randperm(len(ratios), generator=torch.Generator().manual_seed(0))]])
        )
        assert float(joint.mean()) + 1e-3 < float(ratios.mean()) < float(pairs.mean()) < found - 1e-4


@torch.no_grad()
def test_both_bounds_become_the_elbo_as_beta_grows(model: FamilyVAE, x: Tensor) -> None:
    likelihood, costs = enumerate_states(model, x)
    log_q = torch.stack(costs.log_q).sum(0)
    elbo = float(log_q.exp() @ (likelihood + costs.log_ratio()))
    for rule in (whole, None):
        distances = []
        for beta in (4.0, 30.0, 500.0):
            divergence = rule or marginal("overlap-exponential", beta)
            bound = log_weights(model, x, "overlap-exponential", beta, divergence).mean()
            distances.append(abs(float(bound) - elbo))
        assert distances == sorted(distances, reverse=True)
        assert distances[-1] < 0.06 < 1 < distances[0]  # what is left is mostly the width of the grid


@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_ratios_of_concrete_densities_are_those_of_distributions(temperature: float) -> None:
    """E_q p(z~) / q(z~) is 1 by quadrature over the noise, and their KL exceeds that of the symbols."""
    u = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
    log_q, log_p = (torch.log_softmax(torch.tensor(s, dtype=torch.float64), 0) for s in ([0.3, -0.5], [-0.2, 0.9]))
    z = torch.sigmoid((log_q[1] - log_q[0] + torch.logit(u)) / temperature)
    step = cast(LatentStep, SimpleNamespace(posterior=Categorical(log_q[None]), prior=Categorical(log_p[None])))
    ratio = concrete(temperature)(step, torch.stack([1 - z, z], -1))
    assert float(torch.exp(-ratio).mean()) == pytest.approx(1.0, abs=1e-4)
    symbols = float(Categorical(log_q[None]).kl(Categorical(log_p[None])))
    assert float(ratio.mean()) > symbols + 0.01
    linear = one_sample(step, torch.stack([1 - z, z], -1))  # the negative control: no ratio of densities
    assert abs(float(torch.exp(-linear).mean()) - 1) > 0.01


def test_what_a_bound_accounts() -> None:
    smooth, gumbel_softmax = Relaxation("overlap-logistic", beta=8.0), Relaxation()
    assert divergence_of("joint", gumbel_softmax) is whole is divergence_of("relaxed-elbo", gumbel_softmax)
    assert divergence_of("iw", gumbel_softmax) is one_sample is divergence_of("iw", Relaxation("spike-root"))
    assert divergence_of("iw", smooth).__qualname__ == divergence_of("marginal", smooth).__qualname__
    weights = torch.tensor([[0.0, 2.0], [math.log(3.0), 2.0]])
    assert importance_weighted(weights).tolist() == pytest.approx([math.log(2.0), 2.0])


def task_of(config: FamilyConfig, **changes: Any) -> ElboTask:
    """A task over discs, its model lively."""
    recipe = replace(FAMILY_PRESETS["hdvae-small"].recipe, free_bits=0.0, **changes)
    task = ElboTask(config, recipe, small.Discs(config))
    task.module.load_state_dict(task.module.state_dict() | small.lively(config).state_dict())
    return task


def loss(task: ElboTask, x: Tensor) -> float:
    """The loss of a batch under one seed."""
    torch.manual_seed(0)
    return float(task.loss_terms(x, Progress(0, 0.0)).loss.detach())


def test_more_samples_raise_the_importance_weighted_bound() -> None:
    x = small.images(PAIR, 2).repeat(60, 1, 1, 1)
    smooth = {"relaxation": "overlap-exponential", "betas": (5.0, 5.0)}
    one, few, many = (loss(task_of(PAIR, bound="iw", samples=n, **smooth), x) for n in (1, 3, 8))
    assert one > few > many
    assert one == pytest.approx(loss(task_of(PAIR, bound="marginal", **smooth), x), rel=1e-5)
    assert one < loss(task_of(PAIR, bound="joint", **smooth), x)


def test_the_relaxed_elbo_takes_the_gap_of_its_samples_off() -> None:
    x = small.images(small.LVAE, 20)
    task = task_of(small.LVAE, bound="relaxed-elbo")
    difference = loss(task, x) - loss(task_of(small.LVAE), x)
    kappas, model = constants(task.module), task.module
    assert kappas is not None
    torch.manual_seed(0)
    costs = PassCosts()

    def sampler(distribution: Distribution) -> Tensor:
        assert isinstance(distribution, Categorical)
        return Relaxation("gumbel-softmax", 0.8)(distribution.log_p, gumbel(distribution.log_p))

    model.decode(len(x), Posterior(sampler, costs), model.infer(x, sampler))
    gap = relaxation_gap(model.layers(), costs.choices, kappas, len(x))
    assert gap.shape == (20,) and bool((gap > 0).all())
    assert difference == pytest.approx(float(gap.mean().detach()), rel=1e-3)


def test_the_relaxed_elbo_chooses_its_temperature() -> None:
    """By its derivative, also without the gap, which wants a lower temperature than the relaxed objective alone."""
    x = small.images(small.LVAE, 20)
    task = task_of(small.LVAE, bound="relaxed-elbo", learnt_temperature=True)
    assert task.temperature is not None
    logarithm, slopes = task.temperature.logarithm, dict[str, float]()
    for name, kappa in (("gap", 1.0), ("objective alone", 0.0)):
        bound = partial(_bound_of, task, x, kappa)
        (slope,) = torch.autograd.grad(bound(), logarithm)
        with torch.no_grad():
            logarithm.add_(1e-2)
            above = float(bound())
            logarithm.sub_(2e-2)
            assert float(slope) == pytest.approx((above - float(bound())) / 2e-2, rel=0.05)
            logarithm.add_(1e-2)
        slopes[name] = float(slope)
    assert slopes["gap"] < min(slopes["objective alone"], 0)
    assert any(logarithm is parameter for group in task.groups() for parameter in group.parameters)


def _bound_of(task: ElboTask, x: Tensor, kappa: float) -> Tensor:
    """The relaxed ELBO with constants times kappa, of the same noise each time."""
    torch.manual_seed(0)
    costs, relaxation = PassCosts(), task._relaxation(Progress(0, 0.5))
    likelihood = task._likelihood(x, costs, relaxation)
    kappas = {name: kappa * value for name, value in (constants(task.module) or {}).items()}
    gap = relaxation_gap(task.module.layers(), costs.choices, kappas, len(x))
    return (likelihood - torch.stack(list(costs.kl.values())).sum(0) - gap).mean()


def test_every_bound_has_gradients_for_all_networks() -> None:
    smooth: dict[str, Any] = {"relaxation": "overlap-power", "betas": (6.0, 9.0)}
    for bound in ("joint", "marginal", "iw", "concrete"):
        relaxation = {} if bound == "concrete" else smooth
        task = task_of(PAIR, bound=bound, samples=3 if bound == "iw" else 1, **relaxation)
        task.loss_terms(task.batch(np.random.default_rng(0), Progress(0, 0.5)), Progress(0, 0.5)).loss.backward()  # type: ignore[no-untyped-call]
        for name, parameter in task.module.named_parameters():
            assert parameter.grad is not None and bool(torch.isfinite(parameter.grad).all()), name


def test_bounds_refuse_what_they_are_not_defined_for() -> None:
    refused = {
        "overlap": {"bound": "marginal", "free_bits": "0"},
        "relaxed-elbo is that of": {"bound": "relaxed-elbo", "relaxation": "straight-through"},
        "concrete is that of": {"bound": "concrete", "relaxation": "straight-through-gumbel"},
        "set bound=iw": {"samples": "5"},
        "no free bits": {"bound": "iw"},
        "set bound=relaxed-elbo": {"learnt_temperature": "true"},
    }
    for reason, changes in refused.items():
        with pytest.raises(InvalidArgument, match=reason):
            resolve("hdvae-l1", changes, None)
    with pytest.raises(InvalidArgument, match="bound=joint"):
        resolve("vqvae", {"bound": "iw", "free_bits": "0"}, None)
    with pytest.raises(InvalidArgument, match="Lipschitz"):
        task_of(PAIR, bound="relaxed-elbo")
