"""Measures and pictures of families."""

import json
from dataclasses import replace
from typing import Any

import families_small as small
import numpy as np
import pytest
import torch

from dvcodec.evaluation.likelihood import family_samples
from dvcodec.evaluation.likelihood.enumeration import enumerate_states
from dvcodec.evaluation.likelihood.family_bound import measure
from dvcodec.evaluation.likelihood.family_samples import draw, grid, mosaic, reconstruct
from dvcodec.models.families.config import FamilyConfig
from dvcodec.models.families.lipschitz import constants
from dvcodec.models.families.model import FamilyVAE
from dvcodec.models.families.nets import Conv
from dvcodec.models.families.relaxations import Relaxation, one_hot
from dvcodec.models.families.symbol_sources import PassCosts, Posterior, Replay, relaxed, sampled
from dvcodec.training.loop.task import Progress
from dvcodec.training.recipes.family_presets import FAMILY_PRESETS
from dvcodec.training.tasks.families import ElboTask

COLLAPSING = replace(small.TINY, latent="logits", prior="direct", symbols=(2, 4), variables=(2, 3))
ONE = replace(small.LVAE, sides=(2,), symbols=(4,), variables=(2,))


@pytest.fixture(scope="module")
def model() -> FamilyVAE:
    """An LVAE of two layers."""
    return small.lively(replace(small.TINY, hierarchy="skip-lvae"))


def test_a_report_is_json_and_adds_up(model: FamilyVAE) -> None:
    bound = measure(model, [small.images(model.config, 40)] * 3, temperature=0.1)
    plain = json.loads(json.dumps(bound.as_dict()))
    assert plain["images"] == 120 and plain["dimensions"] == 16
    assert plain["elbo_nats"] == pytest.approx(plain["likelihood_nats"] - plain["kl_nats"])
    assert plain["kl_nats"] == pytest.approx(sum(layer["kl_nats"] for layer in plain["layers"]))
    assert plain["relaxation_bias_nats"] == pytest.approx(abs(plain["relaxed_nats"] - plain["elbo_nats"]))
    assert plain["iw_nats"] is None and plain["relaxed_bound_nats"] is None
    assert plain["images_per_second"] > 0
    for layer in plain["layers"]:
        assert 1 <= layer["perplexity"] <= layer["symbols"] - layer["dead"] / layer["variables"] + 1e-9


def test_the_same_seed_gives_the_same_report_in_any_run_length(model: FamilyVAE) -> None:
    x = small.images(model.config, 10)
    first, again = (measure(model, [x], iw_samples=6, seed=3) for _ in range(2))
    assert replace(first, images_per_second=0) == replace(again, images_per_second=0)
    assert model.training is False


def collapse(model: FamilyVAE) -> None:
    """Each variable chooses one symbol, another one than the layer's other variables."""
    for layer in model.layers():
        layer.bottom_up_head.last.bias.data[:] = 99 * torch.eye(layer.plan.symbols)[: layer.plan.variables].flatten()


def test_every_variable_has_dead_codes_and_a_perplexity_of_its_own() -> None:
    model = small.lively(COLLAPSING)
    collapse(model)
    for report, variables in zip(measure(model, [small.images(model.config, 9)] * 2).layers, (3, 2), strict=True):
        assert report.variables == variables
        assert report.dead == variables * (report.symbols - 1)
        assert report.perplexity == pytest.approx(1.0)


def test_training_counts_the_codes_of_every_variable() -> None:
    preset = FAMILY_PRESETS["hdvae-small"]
    task = ElboTask(COLLAPSING, preset.recipe, small.Discs(COLLAPSING))
    collapse(task.module)
    progress = Progress(0, 0.0)
    assert task.loss_terms(task.batch(np.random.default_rng(0), progress), progress).codes == {"z2": 3, "z1": 2}
    for layer in task.module.layers():
        layer.bottom_up_head.last.bias.data.zero_()
    codes = task.loss_terms(small.images(COLLAPSING, 200), progress).codes
    assert codes["z2"] > 4 and codes["z1"] == 4  # more than K


def test_usage_is_counted_by_variable() -> None:
    layer = FamilyVAE(replace(small.TINY, variables=(1, 2))).layers()[0]
    assert layer.codebook is not None
    usage = layer.codebook.usage(torch.tensor([2, 2, 2, 2, 0, 1, 2, 3]))
    assert usage.tolist() == [[0, 0, 4, 0], [1, 1, 1, 1]]


def test_no_images_are_refused(model: FamilyVAE) -> None:
    with pytest.raises(ValueError, match="no images"):
        measure(model, [])


def test_at_low_temperatures_the_bias_vanishes(model: FamilyVAE) -> None:
    x = [small.images(model.config, 50).repeat(20, 1, 1, 1)]
    cold, warm = (measure(model, x, temperature=t).relaxation_bias_nats for t in (1e-3, 5.0))
    assert cold is not None and warm is not None
    assert cold < 0.3 < warm


# The relaxed ELBO: Lievin et al., eq 7, 8, 12; appendix E is in test_family_relaxed_elbo.py.


@pytest.mark.parametrize("config", [ONE, small.LVAE], ids=["one", "lvae"])
@torch.no_grad()
def test_the_relaxed_elbo_bounds_the_evidence_and_the_bias(config: FamilyConfig) -> None:
    model, x = small.lively(config), small.images(config, 1, seed=5)
    likelihood, costs = enumerate_states(model, x)
    log_q = torch.stack(costs.log_q).double().sum(0)
    weight = likelihood + costs.log_ratio().double()
    inference, elbo = float(torch.logsumexp(weight + log_q, 0)), float(log_q.exp() @ weight)
    bound = measure(model, [x.expand(2000, -1, -1, -1)], temperature=0.3)
    assert bound.relaxed_bound_nats is not None and bound.relaxed_nats is not None
    assert bound.relaxed_bound_nats <= inference + 0.05
    if config is ONE:  # the bias of more layers has no such bound
        assert bound.relaxed_bound_nats <= elbo + 0.05 <= inference + 0.05
        assert abs(bound.relaxed_nats - elbo) <= bound.relaxed_nats - bound.relaxed_bound_nats + 0.05


@pytest.mark.parametrize("config", [ONE, small.LVAE], ids=["one", "lvae"])
def test_constants_bound_every_pair_of_relaxed_choices(config: FamilyConfig) -> None:
    """|f(a) - f(b)| <= kappa |a - b| for the pixels' log-likelihood in the finest layer's z (eq 10)."""
    model, x = small.lively(config).double(), small.images(config, 1).double()
    kappa = constants(model)
    assert kappa is not None
    torch.manual_seed(0)
    costs = PassCosts()
    sampler = relaxed(Relaxation("gumbel-softmax", 0.7))
    many = x.expand(200, -1, -1, -1)
    with torch.no_grad():
        inference = model.infer(many, sampler)
        values = model.p_x().log_prob(many, model.decode(200, Posterior(sampler, costs), inference))
        finest = costs.choices[-1]
        moved = one_hot(finest)
        replay = Replay([*costs.choices[:-1], moved], Posterior(sampler))
        others = model.p_x().log_prob(many, model.decode(200, replay, inference))
    distance = (finest - moved).view(model.layers()[-1].plan.variables, 200, -1).square().sum((0, 2)).sqrt()
    assert bool(((values - others).abs() <= kappa[model.layers()[-1].plan.name] * distance + 1e-9).all())
    assert float((values - others).abs().max()) > 0


def test_the_constraint_holds_in_every_map() -> None:
    model = small.lively(small.LVAE)
    for layer in model.layers():
        for head in (layer.prior_head, layer.symbol_embedding):
            assert head is not None
            convs = [m for m in head.modules() if isinstance(m, Conv)]
            assert convs
            assert all(conv.lipschitz() <= 0.7 + 1e-5 for conv in convs)


@pytest.mark.parametrize(
    "config",
    [replace(small.LVAE, lipschitz=0.0), replace(small.LVAE, hierarchy="skip-lvae"), replace(ONE, hierarchy="vae")],
    ids=["free", "skips", "upwards"],
)
def test_no_constants_where_no_bound_is_known(config: FamilyConfig) -> None:
    assert constants(FamilyVAE(config)) is None


# Pictures.


def test_samples_share_the_layers_that_are_kept(model: FamilyVAE) -> None:
    kept = draw(model, 12, layers=len(model.layers()))
    assert bool((kept == kept[:1]).all())
    free = draw(model, 12)
    assert len(np.unique(free.reshape(12, -1), axis=0)) > 1
    assert np.array_equal(draw(model, 4, seed=2), draw(model, 4, seed=2))


def test_reconstructions_of_the_first_layers_resample_the_rest(model: FamilyVAE) -> None:
    x = small.images(model.config, 3)
    whole = reconstruct(model, x, seed=1)
    assert np.array_equal(whole, reconstruct(model, x, layers=2, seed=1))
    coarse = reconstruct(model, x, layers=1, seed=1)
    assert coarse.shape == whole.shape and not np.array_equal(whole, coarse)
    assert whole.dtype == np.uint8 and whole.shape == (3, 1, 4, 4)


@pytest.mark.parametrize("layers", [None, 1])
def test_pictures_are_made_in_runs(model: FamilyVAE, layers: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    x, first = small.images(model.config, 7), draw(model, 3, layers=layers, seed=1)
    monkeypatch.setattr(family_samples, "BATCH", 3)
    sizes: list[int] = []
    decode = model.decode

    def noted(n: int, *args: Any, **more: Any) -> torch.Tensor:
        sizes.append(n)
        return decode(n, *args, **more)

    monkeypatch.setattr(model, "decode", noted)
    made = [draw(model, 7, layers=layers, seed=1), reconstruct(model, x, layers=layers, seed=1)]
    assert max(sizes) == 3 and [len(images) for images in made] == [7, 7]
    assert np.array_equal(made[0][:3], first) and not np.array_equal(made[0][3:6], first)
    again = [draw(model, 7, layers=layers, seed=1), reconstruct(model, x, layers=layers, seed=1)]
    assert all(np.array_equal(*pair) for pair in zip(made, again, strict=True))


def test_a_cold_prior_has_one_sample(model: FamilyVAE) -> None:
    cold = draw(model, 6, temperature=0.0)
    assert bool((cold == cold[:1]).all())


def test_replay_needs_no_inference(model: FamilyVAE) -> None:
    x, costs = small.images(model.config, 5), PassCosts()
    with torch.no_grad():
        raw = model.decode(5, Posterior(sampled(), costs), model.infer(x, sampled()))
        assert torch.equal(raw, model.decode(5, Replay(costs.choices, Posterior(sampled()))))
        with pytest.raises(ValueError, match="inference"):
            model.decode(5, Posterior(sampled()))


def test_a_grid_is_a_picture(model: FamilyVAE) -> None:
    picture = grid(model, 5)
    assert (picture.mode, picture.size) == ("L", (3 * 6 - 2, 2 * 6 - 2))
    colour = mosaic(np.zeros((2, 3, 4, 4), np.uint8), columns=2)
    assert (colour.mode, colour.size) == ("RGB", (10, 4))
