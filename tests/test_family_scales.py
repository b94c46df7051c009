"""The likelihood of several scales, squeeze and excitation, and latent variables of several kinds in one model."""

from dataclasses import replace
from itertools import product

import families_small as small
import numpy as np
import pytest
import torch
from torch import Tensor

from dvcodec.evaluation.likelihood.family_bound import measure
from dvcodec.models.families import scale_grids, scales
from dvcodec.models.families.arithmetic import Arithmetic
from dvcodec.models.families.config import FamilyConfig, from_fields, halvings
from dvcodec.models.families.distributions import Categorical, Normal
from dvcodec.models.families.likelihoods import Bernoulli, Mixture
from dvcodec.models.families.model import FamilyVAE
from dvcodec.models.families.nets import Excitation
from dvcodec.models.families.runtime.arithmetic import GRIDS
from dvcodec.models.families.scales import Scales
from dvcodec.models.families.symbol_sources import PassCosts, Posterior, sampled
from dvcodec.training.recipes.family_presets import FAMILY_PRESETS

NINE = replace(small.TINY, image=3, sides=(3, 2), likelihood="scales", pixel_width=4, pixel_features=2, exact=False)
"""A model of 512 images."""
COLOUR = replace(NINE, image=12, sides=(6, 3), channels=3, mixtures=2)


def likelihood(config: FamilyConfig, seed: int = 0) -> Scales:
    """A likelihood whose networks say much."""
    torch.manual_seed(seed)
    found = Scales(config, Bernoulli(config) if config.channels == 1 else Mixture(config)).double()
    with torch.no_grad():
        for name, parameter in found.named_parameters():
            if name.endswith(("bias", "original0")):
                parameter.normal_(1.0)
    return found.requires_grad_(False)


def every_image(side: int) -> Tensor:
    """All binary images, (2^(side^2), 1, side, side)."""
    return torch.tensor(list(product((0.0, 1.0), repeat=side**2)), dtype=torch.float64).view(-1, 1, side, side)


def total(model: Scales) -> float:
    """The sum of p(x | z) over all images of 3x3."""
    x = every_image(3)
    raw = torch.randn(1, model.outputs, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return float(model.log_prob(x, raw.expand(len(x), -1, -1, -1)).exp().sum())


def test_probabilities_of_all_images_sum_to_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over three scales; where networks see the pixels that they are to model, the sum is another one."""
    monkeypatch.setattr(scale_grids, "COARSEST", 1)
    model = likelihood(NINE)
    assert model.strides == (4, 2, 1)
    assert total(model) == pytest.approx(1.0, abs=1e-9)
    honest = scales.ScaleNet.forward

    def peeking(net: scales.ScaleNet, features: Tensor, pixels: Tensor, mask: Tensor) -> Tensor:
        return honest(net, features, pixels, torch.ones_like(mask))

    monkeypatch.setattr(scales.ScaleNet, "forward", peeking)
    assert abs(total(model) - 1) > 0.01


def test_pixels_depend_on_coarser_ones_alone() -> None:
    model, x = likelihood(COLOUR), small.images(COLOUR, 1).double().requires_grad_()
    assert model.strides == (4, 2, 1) and scale_grids.strides(28) == scale_grids.strides(32) == (8, 4, 2, 1)
    raw = torch.zeros(1, model.outputs, 12, 12, dtype=torch.float64)
    parameters, mask = model._parameters_of(1, x, raw)
    (slope,) = torch.autograd.grad(parameters.sum(), x)
    seen = slope.abs().sum((0, 1)) > 0
    wanted = torch.zeros(12, 12, dtype=torch.bool)
    wanted[::4, ::4] = True
    assert torch.equal(seen, wanted) and torch.equal(mask, wanted[::2, ::2])


def test_means_follow_from_coarse_to_fine() -> None:
    """A pixel of the mean is its conditional's, given the coarser pixels of that very image."""
    for config in (replace(NINE, image=9, sides=(9, 5)), COLOUR):
        model = likelihood(config)
        raw = torch.randn(2, model.outputs, config.image, config.image, dtype=torch.float64)
        mean = model.mean(raw)
        assert mean.shape == (2, config.channels, config.image, config.image)
        for scale, stride in enumerate(model.strides):
            parameters, mask = model._parameters_of(scale, mean, raw)
            grid = mean[:, :, ::stride, ::stride]
            expected = torch.floor(model.pixels.mean(parameters) + 0.5)  # type: ignore[operator]
            assert torch.equal(grid[:, :, ~mask], expected[:, :, ~mask])


def test_excitation_is_squeeze_and_excitation() -> None:
    """h times the logistic function of two maps of the channels' means, in floats; near it on grids."""
    torch.manual_seed(0)
    exact, free = (Excitation(6, Arithmetic(exact)).eval().requires_grad_(False) for exact in (True, False))
    free.load_state_dict(exact.state_dict())
    h = torch.randn(3, 6, 5, 5)
    squeezed = torch.nn.functional.elu(free.first(h.mean((2, 3), keepdim=True)))
    assert torch.allclose(free(h), h * torch.sigmoid(free.second(squeezed)), atol=1e-6)
    assert torch.allclose(exact(h), free(h), atol=0.2)
    assert not torch.allclose(free(h), h * 0.5, atol=0.1)


@pytest.mark.parametrize("side", [1, 3, 6, 7, 14])
def test_means_on_grids_are_those_of_whole_numbers(side: int) -> None:
    """Ties included: the mean is rounded half up by whole numbers alone, in both implementations."""
    rng = np.random.default_rng(side)
    steps = rng.integers(-127, 128, (400, side, side, 2))
    steps[:200, 0, 0] += (side**2 // 2 - steps[:200].sum((1, 2))) % side**2  # half of a step more than a whole one
    steps = np.clip(steps, -127, 127)
    count = side**2
    expected = (2 * steps.sum((1, 2), keepdims=True) + count) // (2 * count)
    found = Arithmetic(exact=True).pooled(torch.from_numpy(steps.transpose(0, 3, 1, 2) / 16).float())
    assert np.array_equal(found.permute(0, 2, 3, 1).numpy() * 16, expected)
    assert np.array_equal(GRIDS.pooled((steps * 16).astype(np.float32)), expected)


MIXED = replace(
    small.TINY,
    image=8,
    sides=(4, 1, 1),
    symbols=(2, 2, 2),
    variables=(2, 3, 2),
    latent="logits",
    latent_by_level=("gaussian", "logits", "logits"),
    prior="direct",
    top_prior="rbm",
    block="se",
    exact=False,
)


def test_levels_have_latent_variables_of_their_kinds() -> None:
    model, x, costs = small.lively(MIXED), small.images(MIXED, 5), PassCosts()
    kinds: list[type] = []

    def sampler(distribution: object) -> Tensor:
        kinds.append(type(distribution))
        return sampled()(distribution)  # type: ignore[arg-type]

    with torch.no_grad():
        model.decode(5, Posterior(sampler, costs), model.infer(x, sampler))
    assert kinds == [Categorical, Categorical, Normal]
    assert costs.choices[-1].shape == (2 * 5 * 16, MIXED.embedding)
    assert model.boltzmann is not None and model.boltzmann.weight.shape == (2, 3)
    bound = measure(model, [x], iw_samples=50)
    assert bound.iw_nats is not None and bound.iw_nats > bound.elbo_nats
    assert [layer.symbols for layer in bound.layers] == [2, 2, 0]


def test_halves_of_the_coarsest_level_are_joined_above_others() -> None:
    config = replace(MIXED, top_prior="rbm-halves", variables=(2, 3, 5))
    model = small.lively(config)
    assert model.boltzmann is not None and model.boltzmann.weight.shape == (2, 3)
    assert [layer.joined for layer in model.layers()] == [True, False, False]


def test_kinds_that_do_not_go_together_are_refused() -> None:
    refused: dict[str, dict[str, object]] = {
        "one entry a level": {"latent_by_level": ("gaussian", "logits")},
        "exact=false": {"exact": True},
        "two symbols": {"latent_by_level": ("gaussian", "gaussian", "logits")},
        "on all levels": {"latent_by_level": ("nearest", "logits", "logits")},
        "none of": {"latent_by_level": ("gaussian", "logits", "bits")},
        "by halving": {"sides": (4, 3, 1)},
    }
    for reason, changes in refused.items():
        with pytest.raises(ValueError, match=reason):
            replace(MIXED, **changes)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="convolutions"):
        replace(small.PERCEPTRON, block="se")
    fields = {key: value for key, value in vars(small.TINY).items() if key not in ("network", "latent_by_level")}
    assert from_fields(fields) == small.TINY


def test_sides_shrink_by_halving() -> None:
    assert halvings(28, 7) == (28, 14) and halvings(7, 1) == (7, 4, 2) and halvings(5, 5) == ()
    model = FamilyVAE(replace(small.TINY, image=12, sides=(6, 1)))
    assert [len(list(part.children())) for part in model.up] == [1, 4]
    assert len(list(model.down[0].children())) == 4


def test_the_rows_of_table_3() -> None:
    rows = {
        name: FAMILY_PRESETS[f"dvaepp-{name}"].config for name in ("mixed", "normal", "spike", "discrete", "bernoulli")
    }
    for name, config in rows.items():
        assert config.block == "se" and sum(side == 7 for side in config.sides) == 16
        local = config.variables[0] * (config.embedding if config.latent_of(0) == "gaussian" else 1)
        assert local == 32, name
        colour = FAMILY_PRESETS[f"dvaepp-{name}-cifar"].config
        assert (colour.image, colour.channels, colour.likelihood, colour.sides[0]) == (32, 3, "scales", 8)
    joined = {name: config.top_prior for name, config in rows.items() if config.boltzmann}
    assert joined == {"mixed": "rbm", "spike": "rbm-halves", "discrete": "rbm"}
    assert [rows[name].categorical for name in rows] == [False, False, False, True, True]
    assert rows["discrete"].exact and rows["bernoulli"].exact
