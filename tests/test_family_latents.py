"""Codebooks: probabilities from embeddings, worth of symbols, moving averages."""

import math
from dataclasses import replace
from typing import Any, Literal

import families_small as small
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Independent, Normal, kl_divergence

from dvcodec.evaluation.likelihood.enumeration import enumerate_states
from dvcodec.models.families import distributions
from dvcodec.models.families.codebooks import LN2, Memory, Nearest, Responsibilities
from dvcodec.models.families.config import FamilyConfig, LayerPlan
from dvcodec.models.families.model import FamilyVAE
from dvcodec.training.loop.task import Progress
from dvcodec.training.recipes.family_presets import FAMILY_PRESETS
from dvcodec.training.tasks.families import ElboTask

PLAN = LayerPlan("z1", 0, 1, variables=2, symbols=9, bottom_up=False)
SIZES = replace(small.TINY, embedding=6, values=5)


def responsibilities(**axes: Any) -> Responsibilities:
    """A codebook at random, in float64."""
    torch.manual_seed(0)
    book = Responsibilities(PLAN, replace(SIZES, **axes)).double()
    if isinstance(book.log_variance, torch.nn.Parameter):
        book.log_variance.data.normal_()
    return book


@pytest.mark.parametrize("variance", ["isotropic", "diagonal", "unit"])
def test_responsibilities_are_the_posterior_of_a_gaussian_mixture(variance: str) -> None:
    """Willetts et al., eq 6 with the covariance's determinant; eq 2 for unit variances."""
    book = responsibilities(variance=variance)
    e = torch.randn(2, 50, 6, dtype=torch.float64)
    scale = torch.exp(0.5 * book.log_variance).expand_as(book.means)
    for v in range(2):
        components = Independent(Normal(book.means[v], scale[v]), 1)
        expected = torch.softmax(components.log_prob(e[v][:, None]), dim=1)  # type: ignore[no-untyped-call]
        found = torch.softmax(book.scores(e)[v], dim=1)
        assert torch.allclose(found, expected, atol=1e-10)


def test_the_literal_form_divides_once_by_the_root_of_the_variance() -> None:
    """Eq 6 as printed: the exponential of -|e - mu|^2 / (2 s), over the root of s."""
    book = responsibilities(literal=True)
    e = torch.randn(2, 20, 6, dtype=torch.float64)
    s = book.log_variance.exp()[:, None, :, 0]
    distance = (e[:, :, None] - book.means[:, None]).square().sum(-1)
    expected = torch.softmax(-distance / (2 * s) - 0.5 * torch.log(s), dim=-1)
    assert torch.allclose(torch.softmax(book.scores(e), -1), expected, atol=1e-10)


@torch.no_grad()
def test_the_literal_form_is_nats_away_from_the_density() -> None:
    """In 32 dimensions the root of one variance is far from the root of the determinant, for isotropic ones too."""
    density = Responsibilities(replace(PLAN, symbols=256), replace(SIZES, embedding=32)).double()
    assert isinstance(density.log_variance, torch.nn.Parameter)
    density.log_variance.data.normal_(generator=torch.Generator().manual_seed(0))
    e = torch.randn(2, 50, 32, dtype=torch.float64)
    log_p = torch.log_softmax(density.scores(e), -1)
    density.literal = True
    log_q = torch.log_softmax(density.scores(e), -1)
    assert 3 < float((log_p.exp() * (log_p - log_q)).sum(-1).mean()) < 60


@given(st.integers(2, 7), st.integers(1, 4))
@settings(max_examples=20)
def test_factored_keys_equal_the_full_product(root: int, half: int) -> None:
    """K = k^2 keys from 2 k half-keys: key (i, j) is a_i beside b_j (Lievin et al., eq 2)."""
    book = Memory(replace(PLAN, symbols=root**2), replace(SIZES, embedding=2 * half, symbols=(4, 4))).double()
    e = torch.randn(2, 3, 2 * half, dtype=torch.float64)
    scores = book.scores(e)
    assert torch.allclose(scores, book.form().bits(e) * LN2)
    for i in range(root):
        for j in range(root):
            key = torch.cat([book.keys[0][:, i], book.keys[1][:, j]], dim=1)
            assert torch.allclose(scores[:, :, i * root + j], (e * key[:, None]).sum(-1) * LN2)
    assert book.keys.numel() == 2 * 2 * root * half  # V * 2 k half-keys of half the size


def test_the_ema_codebook_equals_the_closed_form() -> None:
    """After t steps on the same batch: N = g^t + (1 - g^t) n, m likewise, E = m / N."""
    torch.manual_seed(0)
    book = Nearest(PLAN, replace(SIZES, ema_codebook=True)).double()
    start, e = book.entries.clone(), torch.randn(2, 40, 6, dtype=torch.float64)
    symbols = torch.randint(0, 9, (2, 40))
    for _ in range(7):
        book.update_moving_averages(e, symbols)
    kept = Nearest.DECAY**7
    for v in range(2):
        for k in range(9):
            own = e[v][symbols[v] == k]
            count = kept + (1 - kept) * len(own)
            expected = (kept * start[v, k] + (1 - kept) * own.sum(0)) / count
            assert torch.allclose(book.entries[v, k], expected, atol=1e-12)


def test_the_ema_codebook_stays_where_it_is_at_its_means() -> None:
    torch.manual_seed(0)
    book = Nearest(PLAN, replace(SIZES, ema_codebook=True)).double()
    before = book.entries.clone()
    symbols = torch.arange(9).expand(2, 9)
    book.update_moving_averages(book.entries.clone(), symbols)
    assert torch.allclose(book.entries, before)


def test_an_entry_that_nothing_chooses_stays_where_it_is() -> None:
    """Its count and sum die away alike; below their least they say nothing."""
    torch.manual_seed(0)
    book = Nearest(PLAN, replace(SIZES, ema_codebook=True))
    before, e = book.entries.clone(), torch.randn(2, 1, 6)
    for _ in range(3000):
        book.update_moving_averages(e, torch.zeros(2, 1, dtype=torch.long))
    assert torch.allclose(book.entries[:, 1:], before[:, 1:], atol=1e-4)
    assert torch.allclose(book.entries[:, :1], e, atol=1e-4)
    assert float(book.counts.min()) < Nearest.LEAST  # type: ignore[operator]


def test_moving_averages_keep_their_precision_in_bfloat16() -> None:
    torch.manual_seed(0)
    books = [Nearest(PLAN, replace(SIZES, ema_codebook=True)) for _ in range(2)]
    books[1].load_state_dict(books[0].state_dict())
    e, symbols = torch.randn(2, 40, 6).bfloat16(), torch.randint(0, 9, (2, 40))
    books[0].update_moving_averages(e.float(), symbols)
    with torch.autocast("cpu", torch.bfloat16):
        books[1].update_moving_averages(e, symbols)
    assert torch.equal(books[0].entries, books[1].entries)


def test_a_vqvae_trains_in_bfloat16() -> None:
    preset = small.shrunk(FAMILY_PRESETS["vqvae"])
    task = ElboTask(preset.config, preset.recipe, small.Discs(preset.config))
    (layer,) = task.module.train().layers()
    assert isinstance(layer.codebook, Nearest)
    before = layer.codebook.entries.clone()
    with torch.autocast("cpu", torch.bfloat16):
        terms = task.loss_terms(task.batch(np.random.default_rng(0), Progress(0, 0.0)), Progress(0, 0.0))
    terms.loss.backward()  # type: ignore[no-untyped-call]
    assert not torch.equal(layer.codebook.entries, before)


def test_nearest_neighbours_and_their_losses() -> None:
    torch.manual_seed(0)
    book = Nearest(PLAN, SIZES).double()
    e = torch.randn(2, 30, 6, dtype=torch.float64, requires_grad=True)
    distances = torch.cdist(e, book.entries)
    symbols = book.scores(e).argmax(-1)
    assert torch.equal(symbols, distances.argmin(-1))
    loss = book.losses(e, symbols)
    assert torch.allclose(loss, 1.25 * distances.amin(-1).square())
    to_query, to_book = torch.autograd.grad(loss.sum(), [e, book.entries])
    chosen = book.entries.gather(1, symbols[..., None].expand(2, 30, 6))
    assert torch.allclose(to_query, 0.25 * 2 * (e - chosen))
    assert torch.allclose(to_book[0, symbols[0, 0]], -2 * (e - chosen)[0][symbols[0] == symbols[0, 0]].sum(0))


def test_a_nearest_neighbour_copies_its_gradient_to_the_query() -> None:
    config = replace(small.TINY, latent="nearest", top_prior="uniform", sides=(2,), symbols=(5,), variables=(1,))
    layer = FamilyVAE(config).layers()[0]
    query = torch.randn(8, 2, requires_grad=True)
    symbols = layer.posterior(query).mode()
    worth = layer.embed(symbols, query)
    assert torch.allclose(worth, layer.codebook.table()[0][symbols])  # type: ignore[union-attr]
    direction = torch.randn(8, 2)
    assert torch.equal(torch.autograd.grad((worth * direction).sum(), query)[0], direction)


def test_the_worth_of_one_hot_weights_is_that_of_the_symbol() -> None:
    config = replace(small.TINY, variables=(3, 2))
    for layer in FamilyVAE(config).layers():
        rows = layer.plan.variables * 2 * layer.plan.side**2
        symbols = torch.randint(0, layer.plan.symbols, (rows,))
        weights = torch.nn.functional.one_hot(symbols, layer.plan.symbols).float()
        assert torch.allclose(layer.embed(symbols, None), layer.embed(weights, None))
        maps = torch.randn(2, layer.plan.variables * 4, layer.plan.side, layer.plan.side)
        assert torch.equal(layer.maps(layer.rows(maps)), maps)


def test_gaussian_divergence_and_density() -> None:
    torch.manual_seed(0)
    parameters = torch.randn(4, 10, 3, dtype=torch.float64)
    q, p = (distributions.Normal(*pair) for pair in (parameters[:2], parameters[2:]))
    q_, p_ = (Independent(Normal(one.mean, one.log_scale.exp()), 1) for one in (q, p))
    assert torch.allclose(q.kl(p), kl_divergence(q_, p_))
    z = q.sample(None)
    assert torch.allclose(q.log_prob(z), q_.log_prob(z))  # type: ignore[no-untyped-call]
    assert torch.equal(q.mode(), q.mean)


def test_categorical_divergence() -> None:
    torch.manual_seed(0)
    q, p = (distributions.Categorical(torch.randn(5, 7).double()) for _ in range(2))
    expected = kl_divergence(*(torch.distributions.Categorical(logits=one.log_p) for one in (q, p)))
    assert torch.allclose(q.kl(p), expected)
    one_hot = distributions.OneHot(torch.randn(5, 7).double())
    assert torch.allclose(one_hot.kl(p), -p.log_prob(one_hot.mode()))


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"hierarchy": "tree"}, "hierarchy 'tree' is none of"),
        ({"sides": (2, 2, 1)}, "one entry a level"),
        ({"sides": (3, 1)}, "equal that of the level below"),
        ({"latent": "memory", "symbols": (2, 4)}, "square"),
        ({"latent": "gaussian"}, "exact=false"),
        ({"latent": "nearest"}, "uniform prior"),
        ({"latent": "logits"}, "prior=direct"),
        ({"lipschitz": 1.0}, "Lipschitz"),
        ({"width": 0}, "out of bounds"),
        ({"symbols": (2, 1)}, "out of bounds"),
        ({"width": 2.5}, "out of bounds"),
        ({"dropout": math.nan}, "out of bounds"),
    ],
)
def test_combinations_that_do_not_exist_are_refused(axes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(small.TINY, **axes)  # type: ignore[arg-type]


@pytest.mark.parametrize("top_prior", ["learnt", "uniform"])
def test_resnet_and_skip_lvae_are_one_network(top_prior: Literal["learnt", "uniform"]) -> None:
    names: tuple[Literal["resnet"], Literal["skip-lvae"]] = ("resnet", "skip-lvae")
    config = replace(small.TINY, top_prior=top_prior)
    first, second = (small.lively(replace(config, hierarchy=name)) for name in names)
    state, other = first.state_dict(), second.state_dict()
    assert state.keys() == other.keys() and all(torch.equal(state[key], other[key]) for key in state)
    (raw, costs), (raw_, costs_) = (enumerate_states(m, small.images(config, 1)) for m in (first, second))
    assert torch.equal(raw, raw_) and torch.equal(costs.log_ratio(), costs_.log_ratio())


def test_a_configuration_survives_json() -> None:
    import json
    from dataclasses import asdict

    from dvcodec.models.families.config import from_fields

    assert from_fields(json.loads(json.dumps(asdict(FamilyConfig())))) == FamilyConfig()
