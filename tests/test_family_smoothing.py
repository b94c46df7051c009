"""Smoothing transformations of binary samples against distribution functions that are written down here anew."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from dvcodec.models.families.config import LARGEST_BETA
from dvcodec.models.families.relaxations import Relaxation, gumbel
from dvcodec.models.families.smoothing import SMOOTHINGS

OVERLAPPING = [name for name, kind in SMOOTHINGS.items() if kind.ratio is not None]
GRID = torch.arange(1, 400, dtype=torch.float64) / 400
PROBABILITIES = (0.003, 0.2, 0.5, 0.83, 0.999)


def clamped(zeta: Tensor) -> Tensor:
    """Values inside the support of a density on [0, 1]."""
    return zeta.clamp(0, 1)


CONDITIONALS: dict[str, Callable[[Tensor, float], tuple[Tensor, Tensor]]] = {
    "overlap-exponential": lambda z, b: (
        torch.expm1(-b * z) / math.expm1(-b),
        (torch.exp(b * (z - 1)) - math.exp(-b)) / -math.expm1(-b),
    ),
    "overlap-logistic": lambda z, b: (torch.sigmoid(b * z), torch.sigmoid(b * (z - 1))),
    "overlap-power": lambda z, b: (clamped(z) ** (1 / b), 1 - clamped(1 - z) ** (1 / b)),
}
"""F(zeta | 0) and F(zeta | 1) of the densities in the papers."""

RISES: dict[str, Callable[[Tensor, float], Tensor]] = {
    "spike-exponential": lambda z, b: torch.expm1(b * z) / math.expm1(b),
    "spike-power": lambda z, b: 1 - clamped(1 - z) ** (1 / b),
    "spike-root": lambda z, b: z**b,
    "spike-hyperbola": lambda z, b: z / (1 + b * (1 - z)),
}
"""F(zeta | 1) of the transformations with a spike at 0."""


def distribution(name: str, zeta: Tensor, p: float, beta: float) -> Tensor:
    """F(zeta) for a probability p."""
    if name in CONDITIONALS:
        zero, one = CONDITIONALS[name](zeta, beta)
        return (1 - p) * zero + p * one
    if name in RISES:
        return 1 - p + p * RISES[name](zeta, beta)
    inner = beta if name == "split-root" else 1 / beta  # the exponent that undoes the transformation's own
    left, right = clamped(zeta / (1 - p)), clamped((1 - zeta) / p)
    if name == "split-root":
        return torch.where(zeta < 1 - p, (1 - p) * (1 - clamped(1 - left) ** inner), 1 - p + p * (1 - right) ** inner)
    return torch.where(zeta < 1 - p, (1 - p) * left**inner, 1 - p * right**inner)


@pytest.mark.parametrize("beta", [1.5, 8.0, 20.0])
@pytest.mark.parametrize("name", SMOOTHINGS)
def test_the_distribution_function_undoes_the_inverse(name: str, beta: float) -> None:
    for p in PROBABILITIES:
        zeta = SMOOTHINGS[name].inverse(torch.full_like(GRID, p), GRID, beta)
        back = distribution(name, zeta, p, beta)
        above = (1 - p if name.startswith("spike") else 0) < GRID
        if name == "overlap-power":  # where 1 - zeta has few digits left
            above = above & (zeta < 1 - 1e-9)
        if name in ("spike-power", "split-power"):
            above = above & (zeta < 1 - 1e-9)
        assert torch.allclose(back[above], GRID[above], atol=1e-6), p
        assert bool((zeta[~(1 - p < GRID)] == 0).all()) or not name.startswith("spike")


@pytest.mark.parametrize("name", SMOOTHINGS)
def test_values_rise_with_rho_and_with_p(name: str) -> None:
    for beta in (1.1, 8.0, LARGEST_BETA):
        grid = torch.rand(300, generator=torch.Generator().manual_seed(0)).sort().values
        for p in PROBABILITIES:
            zeta = SMOOTHINGS[name].inverse(torch.full_like(grid, p), grid, beta)
            assert bool((zeta.diff() >= -1e-5).all())
            if name != "overlap-logistic":
                assert bool(((zeta >= 0) & (zeta <= 1)).all())
        for rho in (0.1, 0.6):
            assert bool((SMOOTHINGS[name].inverse(grid, torch.full_like(grid, rho), beta).diff() >= -1e-5).all())


@pytest.mark.parametrize("name", SMOOTHINGS)
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    kind = SMOOTHINGS[name]
    p = torch.tensor([0.1, 0.35, 0.5, 0.9], dtype=torch.float64, requires_grad=True)
    rho = torch.tensor([0.3, 0.9, 0.7, 0.2], dtype=torch.float64, requires_grad=True)
    for beta in (2.0, 9.0):
        assert torch.autograd.gradcheck(lambda p, rho, beta=beta: kind.inverse(p, rho, beta), (p, rho), atol=1e-6)


@pytest.mark.parametrize("name", SMOOTHINGS)
def test_values_and_gradients_are_finite_in_float32(name: str) -> None:
    """Also where p is 0 or 1, and where rho is where z changes: the printed root of eq 3 is not finite there."""
    kind = SMOOTHINGS[name]
    for beta in (1.01, 20.0, LARGEST_BETA):
        p = torch.tensor([0.0, 1e-8, 0.25, 0.5, 0.75, 1.0]).repeat_interleave(8).requires_grad_()
        rho = torch.tensor([0.0, 1e-8, 0.25, 0.4999999, 0.5, 0.75, 0.9999999, 1.0]).repeat(6)
        zeta = kind.inverse(p, rho, beta)
        total = zeta.sum()
        if kind.ratio is not None:
            total = total + kind.nu(torch.logit(p, 1e-6), zeta, beta).sum() + kind.log_ratio(zeta, beta).sum()
        (gradient,) = torch.autograd.grad(total, p)
        assert bool(torch.isfinite(zeta).all()) and bool(torch.isfinite(gradient).all()), beta


def test_the_printed_root_of_equation_3_has_no_digits_left() -> None:
    """The negative control of the test above: one of two values is infinite, the other wrong in its second digit."""
    p, rho, s = torch.full((2,), 0.5), torch.tensor([0.6, 0.8]), math.exp(-20.0)
    b, c = (rho + s * (p - rho)) / (1 - p) - 1, -(p * s) / (1 - p)
    printed = -torch.log((-b + torch.sqrt(b.square() - 4 * c)) / 2) / 20
    limit = 1 + torch.log(2 * rho - 1) / 20
    assert float((printed - limit)[0].abs()) > 0.01 and not bool(torch.isfinite(printed[1]))
    assert torch.allclose(SMOOTHINGS["overlap-exponential"].inverse(p, rho, 20.0), limit)


@pytest.mark.parametrize("beta", [2.0, 8.0, LARGEST_BETA])
@pytest.mark.parametrize("name", OVERLAPPING)
def test_the_mean_of_nu_is_the_probability(name: str, beta: float) -> None:
    rho = (torch.arange(20000, dtype=torch.float64) + 0.5) / 20000
    for probability in (0.1, 0.5, 0.77):
        p = torch.full_like(rho, probability)
        zeta = SMOOTHINGS[name].inverse(p, rho, beta)
        mean = float(SMOOTHINGS[name].nu(torch.logit(p), zeta, beta).mean())
        assert mean == pytest.approx(probability, abs=2e-4)


@pytest.mark.parametrize("name", SMOOTHINGS)
def test_in_the_limit_values_are_bernoulli_samples(name: str) -> None:
    rows = 20000
    log_p = torch.log_softmax(torch.tensor([0.4, -0.3]), 0).expand(rows, 2)
    noise = gumbel(log_p, torch.Generator().manual_seed(0))
    weights = Relaxation(name, beta=LARGEST_BETA)(log_p, noise)
    assert torch.allclose(weights.sum(-1), torch.ones(rows))
    ones = weights[:, 1] > 0.5
    assert float(ones.float().mean()) == pytest.approx(float(log_p[0, 1].exp()), abs=0.02)
    alike = (ones == ((log_p + noise).argmax(-1) == 1)).float().mean()
    assert float(alike) > 0.97  # the same sample as the Gumbel-max trick would take
    gap = torch.minimum(weights[:, 1].abs(), (1 - weights[:, 1]).abs()).mean()
    assert float(gap) < 0.05


def test_what_does_not_overlap_has_no_ratio_and_symbols_are_two() -> None:
    for name in SMOOTHINGS.keys() - set(OVERLAPPING):
        with pytest.raises(ValueError, match="overlap"):
            SMOOTHINGS[name].log_ratio(GRID, 8.0)
    with pytest.raises(ValueError, match="two symbols, not 3"):
        Relaxation("spike-root")(torch.zeros(2, 3), torch.zeros(2, 3))
    for beta in (1.0, LARGEST_BETA + 1, math.nan):
        with pytest.raises(ValueError, match="beta"):
            Relaxation("spike-root", beta=beta)
