"""Relaxed samples: their frequencies, limits and gradients."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dvcodec.models.families.distributions import Categorical
from dvcodec.models.families.relaxations import (
    KINDS,
    Relaxation,
    gumbel,
    gumbel_softmax,
    one_hot,
    straight_through,
    straight_through_gumbel,
)

LOG_P = torch.log_softmax(torch.tensor([1.0, -0.5, 0.3, -2.0], dtype=torch.float64), 0)


def noise(rows: int, seed: int = 0) -> Tensor:
    """Gumbel noise (rows, 4)."""
    return gumbel(LOG_P.new_empty(rows, 4), torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", KINDS[:3])
def test_frequencies_of_the_largest_entry_are_the_probabilities(kind: str) -> None:
    rows = 40000
    weights = Relaxation(kind, 0.7)(LOG_P.expand(rows, 4), noise(rows))
    found = one_hot(weights).mean(0)
    assert torch.allclose(found, LOG_P.exp(), atol=5 * (0.25 / rows) ** 0.5)


def test_hard_samples_have_the_same_frequencies_and_temperature_sharpens_them() -> None:
    rows, generator = 40000, torch.Generator().manual_seed(1)
    q = Categorical(LOG_P.expand(rows, 4))
    for temperature in (1.0, 0.5):
        found = torch.bincount(q.sample(generator, temperature), minlength=4) / rows
        expected = torch.softmax(LOG_P / temperature, 0)
        assert torch.allclose(found.double(), expected, atol=5 * (0.25 / rows) ** 0.5)


@given(st.lists(st.floats(-5, 5), min_size=4, max_size=4), st.integers(0, 1000))
@settings(max_examples=30)
def test_limits(scores: list[float], seed: int) -> None:
    log_p = torch.log_softmax(torch.tensor([scores], dtype=torch.float64), 1)
    g = noise(1, seed)
    gap = (log_p + g).topk(2).values.diff().abs()
    cold, hot = gumbel_softmax(log_p, g, float(gap) / 50), gumbel_softmax(log_p, g, 1e6)
    assert torch.allclose(cold, one_hot(log_p + g), atol=1e-9)
    assert torch.allclose(hot, torch.full((1, 4), 0.25, dtype=torch.float64), atol=1e-4)
    for temperature in (0.1, 1.0):
        assert float(gumbel_softmax(log_p, g, temperature).sum()) == pytest.approx(1.0)


def test_forward_values_of_straight_through_are_one_hot() -> None:
    g = noise(5)
    rows = LOG_P.expand(5, 4)
    for weights in (straight_through(rows, g), straight_through_gumbel(rows, g, 0.5)):
        assert torch.allclose(weights, one_hot(rows + g))


def test_the_gradient_of_gumbel_softmax_is_that_of_finite_differences() -> None:
    scores = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    g = noise(3)
    assert torch.autograd.gradcheck(lambda s: gumbel_softmax(torch.log_softmax(s, 1), g, 0.6), scores)


@pytest.mark.parametrize("kind", ["straight-through", "straight-through-gumbel"])
def test_straight_through_passes_the_gradient_it_claims(kind: str) -> None:
    """That of pi, or of the relaxed sample under the same noise; both checked by finite differences above."""
    direction = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    g = noise(3)
    scores = torch.zeros(3, 4, dtype=torch.float64).add_(LOG_P).requires_grad_()

    def gradient(weights: Tensor) -> Tensor:
        return torch.autograd.grad((weights * direction).sum(), scores)[0]

    log_p = torch.log_softmax(scores, 1)
    claimed = log_p.exp() if kind == "straight-through" else gumbel_softmax(log_p, g, 0.6)
    expected = gradient(claimed)
    assert torch.allclose(gradient(Relaxation(kind, 0.6)(torch.log_softmax(scores, 1), g)), expected)
    step, difference = 1e-6, torch.zeros_like(expected)
    for i in range(3):
        for k in range(4):
            moved = scores.detach().clone()
            moved[i, k] += step
            log = torch.log_softmax(moved, 1)
            soft = log.exp() if kind == "straight-through" else gumbel_softmax(log, g, 0.6)
            difference[i, k] = ((soft - claimed.detach()) * direction).sum() / step
    assert torch.allclose(difference, expected, atol=1e-5)


def test_unknown_kinds_and_temperatures_are_refused() -> None:
    with pytest.raises(ValueError, match="relaxation"):
        Relaxation("softmax", 1.0)
    for temperature in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="temperature"):
            Relaxation("gumbel-softmax", temperature)
