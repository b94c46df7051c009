"""Models with few enough latents that every sum over z can be written out: bounds and divergences are what they say."""

from dataclasses import replace
from typing import Any

import families_small as small
import pytest
import torch
from torch import Tensor

from dvcodec.evaluation.likelihood.enumeration import enumerate_states
from dvcodec.evaluation.likelihood.family_bound import measure
from dvcodec.models.families.config import FamilyConfig
from dvcodec.models.families.model import FamilyVAE
from dvcodec.models.families.symbol_sources import PassCosts, mode

TINY = small.TINY
CONFIGS = {
    "vae": replace(TINY, hierarchy="vae"),
    "skip-vae": replace(TINY, hierarchy="skip-vae"),
    "lvae": replace(TINY, hierarchy="lvae"),
    "skip-lvae": replace(TINY, hierarchy="skip-lvae"),
    "biva": replace(TINY, hierarchy="biva", symbols=(2, 2)),
    "resnet": TINY,
    "memory": replace(TINY, latent="memory", hierarchy="skip-lvae", dense=True, symbols=(4, 4), variables=(2, 1)),
    "logits": replace(TINY, latent="logits", prior="direct"),
    "direct": replace(TINY, prior="direct", variance="diagonal"),
    "unit": replace(TINY, variance="unit", top_prior="uniform"),
    "gated": replace(TINY, block="gated", hierarchy="lvae"),
    "tanh": small.PERCEPTRON,
    "linear": small.LINEAR,
    "float": replace(TINY, exact=False, weight_norm=False),
}


@pytest.fixture(params=CONFIGS, scope="module")
def case(request: pytest.FixtureRequest) -> tuple[FamilyVAE, Tensor]:
    """A lively model and one image."""
    config: FamilyConfig = CONFIGS[request.param]
    return small.lively(config), small.images(config, 1, seed=5)


@torch.no_grad()
def test_priors_and_posteriors_are_distributions(case: tuple[FamilyVAE, Tensor]) -> None:
    _, costs = enumerate_states(*case)
    for logs in (costs.log_p, costs.log_q):
        total = torch.logsumexp(torch.stack(logs).double().sum(0), 0)
        assert float(total) == pytest.approx(0.0, abs=1e-5)


@torch.no_grad()
def test_bounds_rise_from_the_elbo_to_the_evidence(case: tuple[FamilyVAE, Tensor]) -> None:
    likelihood, costs = enumerate_states(*case)
    log_q = torch.stack(costs.log_q).double().sum(0)
    weight, q = likelihood + costs.log_ratio().double(), log_q.exp()
    inference = float(torch.logsumexp(weight + log_q, 0))
    pairs = torch.logaddexp(weight[:, None], weight) - torch.log(torch.tensor(2.0))
    elbo, two = float(q @ weight), float(q @ pairs @ q)
    assert elbo < two < inference
    assert inference - elbo > 1e-4  # otherwise the test shows nothing


@torch.no_grad()
def test_the_divergence_of_a_layer_equals_enumeration(case: tuple[FamilyVAE, Tensor]) -> None:
    _, costs = enumerate_states(*case)
    q = torch.stack(costs.log_q).double().sum(0).exp()
    for (name, kl), log_q, log_p in zip(costs.kl.items(), costs.log_q, costs.log_p, strict=True):
        enumerated = float(q @ (log_q - log_p).double())
        assert float(q @ kl.double()) == pytest.approx(enumerated, abs=1e-5), name


@pytest.mark.parametrize("name", ["vae", "biva", "resnet", "memory"])
@torch.no_grad()
def test_measured_bounds_agree_with_enumeration(name: str) -> None:
    model, x = small.lively(CONFIGS[name]), small.images(CONFIGS[name], 1, seed=5)
    likelihood, costs = enumerate_states(model, x)
    log_q = torch.stack(costs.log_q).double().sum(0)
    weight, q = likelihood + costs.log_ratio().double(), log_q.exp()
    inference, elbo = float(torch.logsumexp(weight + log_q, 0)), float(q @ weight)
    two = float(q @ (torch.logaddexp(weight[:, None], weight) - torch.log(torch.tensor(2.0))) @ q)
    error = 5 * float((q @ (weight - elbo).square()).sqrt()) / 400**0.5 + 1e-4
    bound = measure(model, [x.expand(200, -1, -1, -1)] * 2, iw_samples=24, iw_batch=1600)
    assert bound.elbo_nats == pytest.approx(elbo, abs=error)
    assert bound.iw_nats is not None
    assert two - error < bound.iw_nats < inference + error
    assert bound.iw_nats > elbo + 0.5 * (inference - elbo)
    assert bound.bits_per_dim == pytest.approx(-bound.elbo_nats / (16 * 0.6931471805599453))


@torch.no_grad()
def test_the_importance_weighted_bound_takes_so_many_samples_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = small.lively(CONFIGS["vae"]), small.images(CONFIGS["vae"], 1).expand(50, -1, -1, -1)
    sizes: list[int] = []
    decode = model.decode

    def watched(count: int, *rest: Any) -> Tensor:
        sizes.append(count)
        return decode(count, *rest)

    monkeypatch.setattr(model, "decode", watched)
    for at_once in (16, 120, 1000):
        sizes.clear()
        assert measure(model, [x], iw_samples=7, iw_batch=at_once).iw_samples == 7
        assert sizes[0] == 50 and sum(sizes[1:]) == 7 * 50 and max(sizes[1:]) <= at_once


@torch.no_grad()
@pytest.mark.parametrize("name", CONFIGS)
def test_copies_of_images_have_what_each_has_alone(name: str) -> None:
    model, x = small.lively(CONFIGS[name]), small.images(CONFIGS[name], 3)
    alone, copied = PassCosts(), PassCosts()
    wanted = model.log_likelihood(x, mode, alone)[0] + alone.log_ratio()
    found = model.log_likelihood(x, mode, copied, 2) + copied.log_ratio().view(2, -1)
    assert torch.allclose(found, wanted.expand(2, -1), atol=1e-4)


@torch.no_grad()
def test_the_chain_is_one_image_until_a_symbol_is_chosen_or_dropout_tells_images_apart() -> None:
    for dropout, rows in ((0.0, 1), (0.5, 3)):
        model = small.lively(replace(TINY, dropout=dropout)).train()
        torch.manual_seed(0)  # dropout draws
        started = model.start_pass(3)
        step = next(started.blocks(0))
        assert len(started.d) == rows and len(step.embedding) == 3 * step.layer.plan.variables
        assert rows == 1 or not torch.equal(started.d[0], started.d[1])
        started.absorb(step, step.prior.mode())
        assert len(started.finish()) == 3


@torch.no_grad()
def test_without_skips_a_prior_forgets_all_but_the_layer_above() -> None:
    """Eq 17 and 19 against 18 and 20 of Lievin et al.: three layers, the coarsest changed."""
    for name, forgets in (("lvae", True), ("vae", True), ("skip-lvae", False), ("skip-vae", False), ("resnet", False)):
        axis: Any = name
        config = replace(TINY, hierarchy=axis, sides=(2, 2, 1), symbols=(2, 2, 4), variables=(1, 1, 1))
        model = small.lively(config)
        _, costs = enumerate_states(model, small.images(config, 1))
        finest = costs.log_p[2].view(4, -1)  # by the coarsest symbol, all others alike
        assert torch.allclose(finest[0], finest[3], atol=1e-6) == forgets, name
