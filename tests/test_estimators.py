"""Gradient estimators on a model of 64 states: their expectation is the gradient of the bound, written out."""

from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import families_small as small
import pytest
import torch
from torch import Tensor

from dvcodec.evaluation.likelihood.enumeration import Enumerated, enumerate_states, states
from dvcodec.models.families.config import FamilyConfig
from dvcodec.models.families.distributions import Categorical
from dvcodec.models.families.model import FamilyVAE
from dvcodec.models.families.symbol_sources import sampled
from dvcodec.training.estimators import KINDS, Estimator, antithetic, score_function
from dvcodec.training.estimators.control_variates import conditional
from dvcodec.training.estimators.mean_field import MuProp
from dvcodec.training.estimators.terms import Known, Terms, draw
from dvcodec.training.loop.task import Progress
from dvcodec.training.objectives.family_bounds import importance_weighted
from dvcodec.training.recipes.families import FamilyRecipe
from dvcodec.training.tasks.families import ElboTask

TWO_LAYERS = replace(small.PERCEPTRON, exact=False)
"""Four binary variables given one of four symbols."""
TWO_BINARY = replace(small.BINARY, sides=(1, 1), symbols=(2, 2), variables=(4, 2))
"""Four binary variables given two."""
ONE_LAYER = small.BINARY
"""Six binary variables."""
EIGHT_SYMBOLS = replace(ONE_LAYER, symbols=(8,), variables=(2,))
"""Two variables of eight symbols."""


@cache
def lively(config: FamilyConfig) -> FamilyVAE:
    """A random model in double precision whose posterior is far from uniform."""
    model = small.lively(config).double().train()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "head.last" in name:
                parameter.mul_(1.5)
    return model


def image(config: FamilyConfig) -> Tensor:
    """One image."""
    return small.images(config, 1, seed=5).double()


def gradient(model: FamilyVAE, value: Tensor, *, inference: bool = False) -> Tensor:
    """The gradient of a scalar by the model's own parameters, or by its inference network, as one vector."""
    heads = [f"latents.{layer}.{head}" for layer in (0, 1) for head in ("bottom", "top_down")]
    parts = ("stem", "up", *heads) if inference else ("",)
    named = [(name, p) for name, p in model.named_parameters() if not name.startswith("estimator")]
    own = [p for name, p in named if name.startswith(parts)]
    found = torch.autograd.grad(value, own, allow_unused=True)
    return torch.cat(
        [torch.zeros_like(p).flatten() if g is None else g.flatten() for p, g in zip(own, found, strict=True)]
    )


def enumerated(config: FamilyConfig, samples: int = 1, weight: float = 1.0, *, inference: bool = False) -> Tensor:
    """The gradient of the ELBO, or of the importance-weighted bound of several samples, over all their tuples."""
    model = lively(config)
    likelihood, costs = enumerate_states(model, image(config))
    log_p, log_q = (torch.stack(logs).sum(0) for logs in (costs.log_p, costs.log_q))
    f = likelihood + weight * (log_p - log_q)
    tuples = torch.tensor(list(product(range(len(f)), repeat=samples))).T
    bound = (log_q[tuples].sum(0).exp() * importance_weighted(f[tuples])).sum()
    return gradient(model, bound, inference=inference)


def expected(config: FamilyConfig, estimator: Estimator, weight: float = 1.0) -> Tensor:
    """The expectation of an estimator's gradient, over all tuples of samples."""
    model, every = lively(config), states(lively(config))
    tuples = torch.tensor(list(product(range(len(every)), repeat=estimator.samples))).T  # (S, tuples)
    x = image(config).expand(tuples.shape[1], -1, -1, -1)
    estimate = estimator.double()(model, x, weight, Enumerated(model, every[tuples.flatten()]))
    probability = estimate.draw.terms.log_q.detach().sum(0).exp()
    assert float(probability.sum()) == pytest.approx(1.0, abs=1e-10)
    return gradient(model, (probability * estimate.surrogate).sum())


def distance(found: Tensor, wanted: Tensor) -> float:
    """The distance of two gradients, as a share of the second."""
    return float((found - wanted).norm() / wanted.norm())


def built(name: str, config: FamilyConfig, samples: int = 1) -> Estimator:
    """An estimator with parameters of its own, if any, from a seed."""
    torch.manual_seed(0)
    return KINDS[name](samples, config)


@pytest.mark.parametrize(
    "config",
    [TWO_LAYERS, replace(TWO_LAYERS, hierarchy="vae"), EIGHT_SYMBOLS],
    ids=["two layers", "upwards", "eight symbols"],
)
@pytest.mark.parametrize(("name", "samples"), [("reinforce", 1), ("nvil", 1), ("muprop", 1), ("vargrad", 2)])
def test_expectations_over_all_samples_are_the_gradient(name: str, samples: int, config: FamilyConfig) -> None:
    assert distance(expected(config, built(name, config, samples)), enumerated(config)) < 1e-10


def test_the_expectation_of_vimco_is_the_gradient_of_the_bound_of_two_samples() -> None:
    found = expected(TWO_LAYERS, built("vimco", TWO_LAYERS, 2))
    assert distance(found, enumerated(TWO_LAYERS, 2)) < 1e-10
    assert distance(found, enumerated(TWO_LAYERS)) > 1e-2  # which is another bound than the ELBO


def test_a_warm_up_of_the_divergence_weighs_both_parts() -> None:
    for name, samples in (("reinforce", 1), ("muprop", 1), ("vargrad", 2), ("variance", 2)):
        found = expected(TWO_LAYERS, built(name, TWO_LAYERS, samples), weight=0.3)
        assert distance(found, enumerated(TWO_LAYERS, weight=0.3)) < 1e-10, name


def test_muprop_without_its_correction_is_biased() -> None:
    estimator = built("muprop", TWO_LAYERS)
    assert isinstance(estimator, MuProp)
    estimator.corrected = False
    assert distance(expected(TWO_LAYERS, estimator), enumerated(TWO_LAYERS)) > 1e-2


def test_a_baseline_that_sees_the_sample_is_biased() -> None:
    """The proof can fail: leave-one-out means the others, not all."""
    one = built("vargrad", TWO_LAYERS, 2)

    def careless(terms: Terms) -> Tensor:
        return score_function.reinforce(terms, terms.bound.mean(0))

    one.surrogate = careless  # type: ignore[assignment]
    assert distance(expected(TWO_LAYERS, one), enumerated(TWO_LAYERS)) > 1e-2


def test_the_variance_is_zero_where_q_is_the_posterior_and_nowhere_else() -> None:
    log_q = torch.randn(5, 3, dtype=torch.float64)  # Stojanovic's eq 17
    losses = [score_function.variance(Terms(joint, log_q)) - joint.mean(0) for joint in (log_q + 2.5, log_q.square())]
    assert torch.allclose(losses[0], torch.zeros_like(losses[0])) and bool((losses[1] < 0).all())


@pytest.mark.parametrize("samples", [2, 3])
def test_half_the_variance_has_the_gradient_of_vargrad_and_trains_inference_alone(samples: int) -> None:
    """Stojanovic's eq 16 against 18; in separate networks the generative one sees log p(x, z) and nothing else."""
    generator = torch.Generator().manual_seed(0)
    joint, log_q = (torch.randn(samples, 5, dtype=torch.float64, generator=generator).requires_grad_() for _ in "pq")
    found = [
        torch.autograd.grad(one(Terms(joint, log_q)).sum(), (joint, log_q))
        for one in (score_function.variance, score_function.vargrad)
    ]
    assert torch.allclose(found[0][0], torch.full_like(joint, 1 / samples), atol=0, rtol=1e-14)
    assert all(torch.allclose(a, b, atol=1e-14) for a, b in zip(*found, strict=True))


def task_of(config: FamilyConfig, model: FamilyVAE | None = None, **recipe: Any) -> ElboTask:
    """A task over copies of one image, with the networks of a model."""
    torch.manual_seed(0)
    task = ElboTask(config, FamilyRecipe(steps=40, batch=50, **recipe), small.Discs(config))
    task.module.load_state_dict((model or lively(config)).state_dict(), strict=False)
    task.module.to(next((model or lively(config)).parameters()).dtype).train()
    return task


def estimates(task: ElboTask, count: int = 12, images: int = 300) -> Tensor:
    """The gradient by the inference network for batches of copies of one image, as the training loop would take it."""
    x = image(task.module.config).expand(images, -1, -1, -1)
    losses = (task.loss_terms(x, Progress(0, 0.0)).loss for _ in range(count))
    return torch.stack([-gradient(task.module, loss, inference=True) for loss in losses])


def deviation(found: Tensor, wanted: Tensor) -> float:
    """How many standard errors the mean of estimates is from a gradient, along that gradient and at right angles."""
    along = found @ (wanted / wanted.norm())
    error = (along.mean() - wanted.norm()).abs() / (along.std() / len(found) ** 0.5)
    noise = (found.var(0).sum() / len(found)).sqrt()
    return max(float(error), float((found.mean(0) - wanted).norm() / noise))


COLD: dict[str, Any] = {"fractions": (0.0,), "temperatures": (0.5,)}


@pytest.mark.parametrize(
    ("config", "recipe"),
    [
        (ONE_LAYER, {"estimator": "disarm"}),
        (ONE_LAYER, {"estimator": "disarm", "samples": 2}),
        (ONE_LAYER, {"estimator": "rebar"}),
        (ONE_LAYER, {"estimator": "relax"}),
        (replace(ONE_LAYER, hierarchy="vae"), {"estimator": "rebar"}),
        (EIGHT_SYMBOLS, {"estimator": "relax", "samples": 2}),
        (ONE_LAYER, {"estimator": "vargrad", "samples": 2}),
        (TWO_BINARY, {"estimator": "disarm"}),
        (TWO_BINARY, {"estimator": "rebar"}),
        (TWO_LAYERS, {"estimator": "relax"}),
    ],
)
def test_estimates_from_random_samples_agree_with_the_gradient(config: FamilyConfig, recipe: dict[str, Any]) -> None:
    assert deviation(estimates(task_of(config, **recipe)), enumerated(config, inference=True)) < 5


@pytest.mark.parametrize("kind", ["gumbel-softmax", "straight-through", "straight-through-gumbel"])
def test_relaxed_samples_fail_the_same_test(kind: str) -> None:
    found = estimates(task_of(ONE_LAYER, relaxation=kind, **COLD), images=1500)
    assert deviation(found, enumerated(ONE_LAYER, inference=True)) > 8


def test_antithetic_pairs_that_keep_the_layers_below_fail_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under b' the layers below have another distribution, in which they must be drawn anew."""

    def keeping(choices: list[Tensor], then: object) -> Known:
        return Known([*choices, *kept[len(choices) :]], sampled())

    def remembering(*arguments: Any) -> Any:
        drawn = draw(*arguments)
        if isinstance(arguments[-1], antithetic.Uniform):
            kept[:] = drawn.costs.choices
        return drawn

    kept: list[Tensor] = []
    monkeypatch.setattr(antithetic, "Known", keeping)
    monkeypatch.setattr(antithetic, "draw", remembering)
    found = estimates(task_of(TWO_BINARY, estimator="disarm"), images=5000)
    assert deviation(found, enumerated(TWO_BINARY, inference=True)) > 8


def test_the_variance_loss_is_the_same_for_gaussian_variables() -> None:
    """Section 2.1 of Stojanovic: its gradient is that of reparameterised samples, which carry far less noise."""
    config = replace(ONE_LAYER, latent="gaussian", prior="embedding", variables=(2,), embedding=1)
    torch.manual_seed(1)
    wanted = estimates(task_of(config), images=6000).mean(0)
    assert deviation(estimates(task_of(config, estimator="variance", samples=8)), wanted) < 5


def test_control_variates_take_most_of_the_noise() -> None:
    def spread(name: str) -> float:
        return float(estimates(task_of(ONE_LAYER, estimator=name), count=8).var(0).sum())

    assert max(map(spread, ("disarm", "rebar", "relax", "muprop"))) < 0.5 * spread("reinforce")
    pair = float(estimates(task_of(ONE_LAYER, estimator="vargrad", samples=2), count=8).var(0).sum())
    assert pair < 0.25 * spread("reinforce")


def test_conditional_noise_has_the_largest_entry_wanted_and_the_same_distribution_over_all() -> None:
    """exp(-(log pi_i + noise)) is exponential of mean 1 / pi_i; and gradients are those of finite differences."""
    torch.manual_seed(0)
    log_p = torch.log_softmax(torch.tensor([1.0, -0.5, 0.3], dtype=torch.float64), 0).expand(10000, 3)
    symbols = Categorical(log_p).sample(None)
    scores = conditional(log_p, symbols)
    assert torch.equal(scores.argmax(-1), symbols)
    mean = torch.exp(-scores + log_p).mean(0)
    assert torch.allclose(mean, torch.ones_like(mean), atol=5 / 10000**0.5)

    def again(one: Tensor) -> Tensor:
        torch.manual_seed(1)
        return conditional(one, symbols[:4])

    assert torch.autograd.gradcheck(again, log_p[:4].clone().requires_grad_())


def test_a_control_variate_learns_to_reduce_the_variance() -> None:
    """Its scale is far too large at first."""
    task = task_of(ONE_LAYER, estimator="rebar")
    scale = dict(task.module.named_parameters())["estimator.scale"]
    scale.data.fill_(4.0)
    optimiser, x = torch.optim.Adam([scale], 0.3), image(ONE_LAYER).expand(100, -1, -1, -1)
    for _ in range(12):
        optimiser.zero_grad()
        task.loss_terms(x, Progress(0, 0.0)).loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert 0.2 < float(scale.detach()) < 2


def test_the_baseline_of_nvil_learns_the_bound() -> None:
    task = task_of(ONE_LAYER, estimator="nvil")
    own = [p for name, p in task.module.named_parameters() if name.startswith("estimator")]
    optimiser, x = torch.optim.Adam(own, 0.03), image(ONE_LAYER).expand(50, -1, -1, -1)
    before = float(estimates(task, count=8).var(0).sum())
    for _ in range(25):
        optimiser.zero_grad()
        task.loss_terms(x, Progress(0, 0.0)).loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert float(estimates(task, count=8).var(0).sum()) < 0.5 * before


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("disarm", {"symbols": (4,)}, "is for two symbols, and there are 4"),
        ("relax", {"hierarchy": "biva", "sides": (1, 1), "symbols": (2, 2), "variables": (2, 2)}, "skip-lvae"),
        ("muprop", {"latent": "gaussian"}, "the latent variables are Gaussian"),
        ("vargrad", {"latent": "nearest", "prior": "embedding", "top_prior": "uniform"}, "nearest neighbour"),
    ],
)
def test_estimators_that_do_not_exist_are_refused(name: Any, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        FamilyRecipe(estimator=name, samples=2).check(replace(ONE_LAYER, **change))
