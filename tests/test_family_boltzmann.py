"""Boltzmann machines as priors: against enumeration of every state, and equation 6 against direct estimates."""

import math
from dataclasses import replace
from itertools import product
from typing import Any

import families_small as small
import pytest
import torch
from torch import Tensor

from dvcodec.errors import InvalidArgument
from dvcodec.evaluation.likelihood.enumeration import enumerate_states
from dvcodec.evaluation.likelihood.family_samples import draw
from dvcodec.models.families import boltzmann
from dvcodec.models.families.boltzmann import BoltzmannMachine
from dvcodec.models.families.boltzmann_priors import FirstSide, SecondSide
from dvcodec.models.families.config import FamilyConfig
from dvcodec.models.families.distributions import Categorical
from dvcodec.models.families.divergences import SmoothedMachine, whole
from dvcodec.models.families.model import FamilyVAE
from dvcodec.models.families.packing import pack
from dvcodec.models.families.relaxations import Relaxation
from dvcodec.models.families.symbol_sources import PassCosts, Posterior, relaxed
from dvcodec.models.runtime.linear import BoundError
from dvcodec.training.recipes.registry import resolve

TWO = FamilyConfig(
    sides=(1, 1),
    symbols=(2, 2),
    variables=(2, 3),
    channels=1,
    image=2,
    hierarchy="skip-lvae",
    latent="logits",
    prior="direct",
    top_prior="rbm",
    likelihood="bernoulli",
    width=4,
    values=1,
    exact=False,
)
ONE = replace(TWO, sides=(1,), symbols=(2,), variables=(5,))


def machine(first: int, second: int, scale: float = 1.0) -> BoltzmannMachine:
    """A machine with random parameters, in float64."""
    torch.manual_seed(2)
    found = BoltzmannMachine(first, second).double().eval()
    for parameter in found.parameters():
        torch.nn.init.normal_(parameter, std=scale)
    return found.requires_grad_(False)


def states(count: int) -> Tensor:
    """Every state of so many units."""
    return torch.tensor(list(product((0.0, 1.0), repeat=count)), dtype=torch.float64)


def lively(config: FamilyConfig) -> FamilyVAE:
    """A model far from uniform, its machine too."""
    model = small.lively(config, seed=6).double()
    assert model.boltzmann is not None
    first, second = model.boltzmann.weight.shape
    model.boltzmann.load_state_dict(machine(first, second, scale=2.0).state_dict())
    head = model.layers()[-1].top_down_head
    assert head is not None
    with torch.no_grad():  # z_2 depends on z_1 under q too, without which nu and mu would be the same
        head.last.get_parameter("parametrizations.weight.original0").fill_(5.0)
    return model


def every(rbm: BoltzmannMachine) -> tuple[Tensor, Tensor, Tensor]:
    """All states of both sides and their log-probabilities up to log Z."""
    first, second = (states(n) for n in rbm.weight.shape)
    one, two = first.repeat_interleave(len(second), 0), second.repeat(len(first), 1)
    return one, two, rbm.score(one, two)


@pytest.mark.parametrize("sides", [(3, 4), (4, 2)])
def test_the_partition_function_is_the_sum_over_all_states(sides: tuple[int, int]) -> None:
    rbm = machine(*sides)
    _, _, scores = every(rbm)
    assert float(rbm.log_partition()) == pytest.approx(float(torch.logsumexp(scores, 0)), abs=1e-9)
    total = torch.logsumexp(rbm.first_score(states(sides[0])), 0)
    assert float(total) == pytest.approx(float(torch.logsumexp(rbm.second_score(states(sides[1])), 0)), abs=1e-9)


@pytest.mark.parametrize("sides", [(2, 3), (3, 2)])
@pytest.mark.parametrize("exact", [True, False])
def test_samples_have_the_frequencies_of_the_states(
    sides: tuple[int, int], exact: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boltzmann, "BURN_IN", 100)
    rbm = machine(*sides)
    rbm.exact = exact
    one, two, scores = every(rbm)
    expected = torch.softmax(scores, 0)
    found = torch.cat(rbm.sample(4000 if exact else 300, torch.Generator().manual_seed(0)), 1)
    joined = torch.cat([one, two], 1)
    counts = (found[:, None] == joined).all(-1).double().mean(0)
    assert torch.allclose(counts, expected, atol=5 * (0.25 / len(found)) ** 0.5)
    if exact:
        cold = torch.cat(rbm.sample(5, temperature=0.0), 1)
        assert bool((cold == cold[0]).all())


def test_annealing_finds_the_partition_function_and_chains_its_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if both sides were too large to be enumerated."""
    monkeypatch.setattr(boltzmann, "TEMPERATURES", 200)
    rbm = machine(4, 5).requires_grad_()
    exact = rbm.log_partition()
    wanted = torch.autograd.grad(exact, list(rbm.parameters()))
    rbm.exact = False
    rbm.register_buffer("chains", torch.zeros(3000, 4, dtype=torch.float64))
    rbm.register_buffer("estimate", torch.zeros((), dtype=torch.float64))
    torch.manual_seed(0)
    assert float(rbm.log_partition().detach()) == pytest.approx(float(exact.detach()), abs=0.1)
    rbm.train()
    rbm.log_partition()  # the chains leave their start
    surrogate = rbm.log_partition()
    assert float(surrogate.detach()) == pytest.approx(float(exact.detach()), abs=0.1)
    for one, other in zip(torch.autograd.grad(surrogate, list(rbm.parameters())), wanted, strict=True):
        assert torch.allclose(one, other, atol=0.06)


@pytest.mark.parametrize("config", [ONE, TWO], ids=["one", "two"])
@torch.no_grad()
def test_bounds_and_divergences_agree_with_enumeration(config: FamilyConfig) -> None:
    model, x = lively(config), small.images(config, 1, seed=5).double()
    likelihood, costs = enumerate_states(model, x)
    log_p, log_q = (torch.stack(logs).sum(0) for logs in (costs.log_p, costs.log_q))
    assert float(torch.logsumexp(log_p, 0)) == pytest.approx(0.0, abs=1e-6)
    assert float(torch.logsumexp(log_q, 0)) == pytest.approx(0.0, abs=1e-6)
    accounted = torch.stack(list(costs.kl.values())).sum(0)
    q = log_q.exp()
    assert float(q @ accounted) == pytest.approx(float(q @ (log_q - log_p)), abs=1e-6)
    assert float(q @ (likelihood - accounted)) < float(torch.logsumexp(likelihood + log_p, 0))


class Mistaken(SmoothedMachine):
    """Equation 6 with mu_1 in the place of nu_1: the negative control."""

    def __call__(self, step: Any, choice: Tensor) -> Tensor:
        """The divergence of a layer."""
        if isinstance(step.prior, FirstSide):
            mean = step.posterior.log_p[:, 1].exp()
            self.second = SecondSide(step.prior.machine, mean, step.images)
            return step.prior.divergence(step.posterior, mean)
        return super().__call__(step, choice)


class Direct:
    """One sample of log q(z, zeta) / p(z, zeta): z is drawn given zeta, and r(zeta | z) is in both."""

    def __init__(self, beta: float) -> None:
        self.beta, self.first = beta, torch.empty(0)

    def __call__(self, step: Any, choice: Tensor) -> Tensor:
        """The divergence of a layer."""
        q: Categorical = step.posterior
        nu = torch.sigmoid(q.log_p[:, 1] - q.log_p[:, 0] + self.beta * (2 * choice[:, 1] - 1))
        z = torch.bernoulli(nu).long()
        if isinstance(step.prior, FirstSide):
            self.machine, self.first = step.prior.machine, z.double()
            return q.log_prob(z) - step.prior.log_prob(z)
        return q.log_prob(z) - SecondSide(self.machine, self.first, step.images).log_prob(z)


@torch.no_grad()
def test_equation_6_agrees_with_direct_estimates_and_fails_with_mu_for_nu() -> None:
    rows, beta = 4000, 8.0
    model, x = lively(TWO), small.images(TWO, 1, seed=5).double()
    found = {}
    for name, rule in (("nu", SmoothedMachine("overlap-exponential", beta)), ("direct", Direct(beta))):
        found[name] = _divergences(model, x.expand(rows, -1, -1, -1), rule, beta)
    found["mu"] = _divergences(model, x.expand(rows, -1, -1, -1), Mistaken("overlap-exponential", beta), beta)
    mean = {name: float(values.mean()) for name, values in found.items()}
    error = 4 * math.hypot(*(float(found[name].std()) / rows**0.5 for name in ("nu", "direct")))
    assert mean["nu"] == pytest.approx(mean["direct"], abs=error)
    assert abs(mean["mu"] - mean["direct"]) > 1.5 * error
    assert float(found["nu"].std()) < float(found["direct"].std())


def _divergences(model: FamilyVAE, x: Tensor, rule: Any, beta: float) -> Tensor:
    torch.manual_seed(0)
    costs, sampler = PassCosts(rule), relaxed(Relaxation("overlap-exponential", beta=beta))
    model.decode(len(x), Posterior(sampler, costs), model.infer(x, sampler))
    return torch.stack(list(costs.kl.values())).sum(0)


def test_gradients_of_equation_6_are_finite_and_hard_choices_need_no_nu() -> None:
    model, x = lively(TWO), small.images(TWO, 3).double()
    _divergences(model, x, SmoothedMachine("overlap-power", 9.0), 9.0).sum().backward()  # type: ignore[no-untyped-call]
    assert model.boltzmann is not None
    for parameter in model.boltzmann.parameters():
        assert parameter.grad is not None and bool(torch.isfinite(parameter.grad).all()) and bool(parameter.grad.any())
    hard = PassCosts(whole)
    model.decode(3, Posterior(lambda q: q.sample(None), hard), model.infer(x, lambda q: q.sample(None)))
    assert all(kl.shape == (3,) for kl in hard.kl.values())


@pytest.mark.parametrize("config", [ONE, TWO], ids=["one", "two"])
def test_samples_are_drawn_through_the_one_pass(config: FamilyConfig) -> None:
    model = lively(config).float()
    assert draw(model, 5, seed=1).shape == (5, 1, 2, 2)
    cold = draw(model, 5, temperature=0.0)
    assert bool((cold == cold[:1]).all())


def test_files_and_other_objectives_are_refused() -> None:
    with pytest.raises(BoundError, match="exact"):
        pack(FamilyVAE(TWO))
    units = {"latent": "logits", "prior": "direct", "symbols": "2, 2", "exact": "false"}
    smooth = {"relaxation": "overlap-exponential", "free_bits": "0"}
    accepted = {"top_prior": "rbm", **units, **smooth}
    assert resolve("hdvae-small", accepted, None).config.top_prior == "rbm"
    refused = {
        "symbols=2": {"symbols": "2, 4"},
        "skip-lvae": {"hierarchy": "biva"},
        "dense=true": {"dense": "false"},
        "exact=false": {"exact": "true", "variables": "99, 17"},
        "bound=joint": {"bound": "marginal"},
        "need overlaps": {"relaxation": "spike-root"},
        "precision=fp32": {"precision": "bf16"},
    }
    for reason, changes in refused.items():
        with pytest.raises(InvalidArgument, match=reason):
            resolve("hdvae-small", {**accepted, **changes}, None)
