"""The entropy theorems of Willetts et al. (2021), appendix D, by benchmarks/entropy.py and by the layers themselves."""

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import families_small as small
import pytest
import torch

from dvcodec.models.families.codebooks import Responsibilities
from dvcodec.models.families.config import LayerPlan

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """benchmarks/entropy.py."""
    spec = importlib.util.spec_from_file_location("entropy_script", ROOT / "benchmarks" / "entropy.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_first_order_forms_are_exact_to_one_part_in_a_million(script: ModuleType) -> None:
    """Appendix D.3 claims about 1e-6 for inputs above 10; with K = 256 that needs (K - 1) e^-g below it."""
    d = torch.arange(22.0, 40.0, 2.0, dtype=torch.float64)
    for gap in (script.rvq_gap(d), d):
        error = (script.first_order(gap) / script.worst(gap) - 1).abs()
        assert float(error.max()) < 1e-6
        assert bool((error.diff() <= 0).all())


def test_the_worst_case_is_that_of_a_layer_of_unit_variance(script: ModuleType) -> None:
    """Theorem 1's arrangement in rVQ's codebook: one entry at distance d, the others at d + delta on the same line."""
    plan = LayerPlan("z1", 0, 1, variables=1, symbols=256, bottom_up=False)
    book = Responsibilities(plan, replace(small.TINY, variance="unit", embedding=3)).double()
    for d in (1.0, 5.0, 10.0):
        book.means.data.zero_()
        book.means.data[0, :, 0] = d + 1
        book.means.data[0, 0, 0] = d
        scores = book.scores(torch.zeros(1, 1, 3, dtype=torch.float64)).detach()
        expected = script.worst(script.rvq_gap(torch.tensor(d, dtype=torch.float64)))
        assert float(script.entropy_of(scores)) == pytest.approx(float(expected), rel=1e-9)


def test_no_other_arrangement_has_less_entropy(script: ModuleType) -> None:
    """Theorem 2's arrangement against random logits of the same range."""
    torch.manual_seed(0)
    logits = torch.rand(2000, 16, dtype=torch.float64) * 8
    logits[:, 0], logits[:, 1] = 8, 0
    least = script.worst(torch.tensor(8.0, dtype=torch.float64), 16)
    assert float(script.entropy_of(logits).min()) > float(least)


def test_rvq_has_more_entropy_where_codebooks_are_close(script: ModuleType) -> None:
    """Corollary 2.1: delta < 1."""
    d = torch.tensor([20.0, 40.0], dtype=torch.float64)
    softmax = script.worst(d)
    assert bool((script.worst(script.rvq_gap(d, 0.5)) > softmax).all())
    assert bool((script.worst(script.rvq_gap(d, 1.5)) < softmax).all())


def test_random_codebooks_stay_far_above_the_worst_case(script: ModuleType) -> None:
    """Figure D.6: another trend altogether."""
    near, far = script.rows([2.0, 20.0], codebooks=40)
    assert far["simulated_least"] > 1000 * far["rvq"]
    assert far["simulated_mean"] > 0.4 * near["simulated_mean"]
    assert near["simulated_mean"] >= near["simulated_least"]
