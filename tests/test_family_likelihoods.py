"""p(x | z): every likelihood is a distribution over the levels."""

from dataclasses import replace

import families_small as small
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dvcodec.models.families.likelihoods import Bernoulli, Gaussian, Logistic, Mixture, level_mass

GREY = replace(small.TINY, image=1, sides=(1, 1), likelihood="logistic", mixtures=3)
LEVELS = torch.arange(256.0, dtype=torch.float64).view(256, 1, 1, 1)


@given(st.floats(-3, 3), st.floats(-9, 6))
@settings(max_examples=60)
def test_the_discretised_logistic_sums_to_one(mean: float, log_scale: float) -> None:
    mass = level_mass(LEVELS, torch.tensor(mean, dtype=torch.float64), torch.tensor(log_scale, dtype=torch.float64))
    assert float(mass.exp().sum()) == pytest.approx(1.0, abs=1e-9)
    assert torch.isfinite(mass).all()


def test_it_is_the_logistic_integrated_over_each_level() -> None:
    mean, scale = 0.1, 0.05
    edges = (torch.arange(255.0, dtype=torch.float64) + 0.5) / 127.5 - 1
    cumulative = torch.sigmoid((edges - mean) / scale)
    expected = torch.diff(cumulative, prepend=torch.zeros(1).double(), append=torch.ones(1).double())
    mass = level_mass(LEVELS, torch.tensor(mean).double(), torch.tensor(scale).double().log())
    assert torch.allclose(mass.exp().flatten(), expected, atol=1e-12)


@given(st.integers(0, 2**31))
@settings(max_examples=30)
def test_the_mixture_and_the_shared_scale_sum_to_one(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for likelihood in (Mixture(GREY).double(), Logistic(GREY).double()):
        raw = torch.randn(1, likelihood.outputs, 1, 1, dtype=torch.float64, generator=generator)
        with torch.no_grad():
            mass = likelihood.log_prob(LEVELS, raw.expand(256, -1, -1, -1))
        assert float(mass.exp().sum()) == pytest.approx(1.0, abs=1e-9)


def test_the_mixture_couples_channels_through_its_weights() -> None:
    """Two channels' joint over 256^2 levels sums to one and is no product of marginals."""
    likelihood = Mixture(replace(GREY, channels=2)).double()
    raw = torch.randn(1, likelihood.outputs, 1, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x = torch.cartesian_prod(LEVELS.flatten(), LEVELS.flatten()).view(-1, 2, 1, 1)
    joint = likelihood.log_prob(x, raw.expand(len(x), -1, -1, -1)).exp().view(256, 256)
    assert float(joint.sum()) == pytest.approx(1.0, abs=1e-9)
    assert float((joint - joint.sum(0) * joint.sum(1)[:, None]).abs().sum()) > 1e-3


@pytest.mark.parametrize("levels", [0.5, 2.0, 30.0])
def test_the_gaussian_is_a_density_of_levels(levels: float) -> None:
    """Summed over whole levels it is 1; with a deviation that stays, its differences are those of squared errors."""
    likelihood = Gaussian(GREY).double()
    likelihood.log_scale.data.fill_(torch.tensor(levels / 127.5).log())
    raw = torch.zeros(1, 1, 1, 1, dtype=torch.float64)
    wide = torch.arange(-400.0, 657.0, dtype=torch.float64).view(-1, 1, 1, 1)
    with torch.no_grad():
        log_p = likelihood.log_prob(wide, raw.expand(len(wide), -1, -1, -1))
    assert float(log_p.exp().sum()) == pytest.approx(1.0, abs=0.02)
    squared = (wide.flatten() - 127.5).square() / (2 * levels**2)
    assert torch.allclose(log_p - log_p[0], squared[0] - squared)


def test_bernoulli_sums_to_one_and_its_mean_is_its_probability() -> None:
    likelihood = Bernoulli(small.TINY)
    raw = torch.tensor([0.7]).view(1, 1, 1, 1)
    one, zero = (float(likelihood.log_prob(torch.full_like(raw, x), raw).exp()) for x in (1.0, 0.0))
    assert one + zero == pytest.approx(1.0)
    assert float(likelihood.mean(raw)) == pytest.approx(one)


def test_means_lie_on_the_scale_of_the_levels() -> None:
    logistic = Logistic(GREY)
    raw = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0]).view(5, 1, 1, 1)
    assert logistic.mean(raw).flatten().tolist() == [0.0, 0.0, 127.5, 255.0, 255.0]
