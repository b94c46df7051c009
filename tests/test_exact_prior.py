"""From scores to integer frequencies, against big integers and golden values."""

import hashlib
import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dvcodec.models.integer.prior import PEAK_BITS, STEPS, power_table, prior_weights

CPU = torch.device("cpu")
POWERS = "ada19e275cfb1ad94f6f95953f0ee3dc188f52b9081072756f78dd1c2fe89496"


def table() -> list[int]:
    """The exponential's table as integers."""
    return [int(entry) for entry in power_table(CPU).tolist()]


def test_power_table_golden() -> None:
    entries = table()
    assert len(entries) == STEPS * (PEAK_BITS + 1) + 1
    assert [entries[i] for i in (0, 1, 128, 255, 256, 512, -2, -1)] == [
        2**20,
        1045741,
        741455,
        525709,
        2**19,
        2**18,
        0,
        0,
    ]
    words = b"".join(entry.to_bytes(4, "little") for entry in entries)
    assert hashlib.sha256(words).hexdigest() == POWERS


def test_power_table_is_the_nearest_integer_shifted_down() -> None:
    entries = table()
    for j in range(STEPS):
        power = 2 ** (PEAK_BITS * STEPS - j)  # the entry's 256th power, were it not rounded
        assert (2 * entries[j] - 1) ** STEPS < power * 2**STEPS < (2 * entries[j] + 1) ** STEPS
        assert [entries[STEPS * i + j] for i in range(PEAK_BITS + 1)] == [entries[j] >> i for i in range(PEAK_BITS + 1)]
    assert entries == sorted(entries, reverse=True)


def reference_weights(scores: list[float]) -> list[int]:
    """The prior weights of one position in big integers."""
    entries, best = table(), max(map(Fraction, scores))
    raw = [entries[min(math.floor((best - Fraction(score)) * STEPS), len(entries) - 1)] for score in scores]
    total = 2**24 - (len(scores) + 2)
    weights = [u * total // sum(raw) for u in raw]
    weights[0] += total - sum(weights)
    return weights


EXTREME = [
    [0.0] * 512,
    [-1e5] * 7,
    [0.0, -1e5],
    [-1e5, 0.0],
    [-1e5] * 200 + [8e6] + [-8e6] * 55,
    [-20.0 - i / 256 for i in range(256)] + [0.0],
    [-(i**2) / 1024 for i in range(512)],
    [2.0**-30, 0.0, -(2.0**-30)],
]


@pytest.mark.parametrize("scores", EXTREME, ids=lambda scores: f"K={len(scores)}")
def test_extreme_scores_give_integers_of_the_right_sum(scores: list[float]) -> None:
    weights = prior_weights(torch.tensor([scores, scores[::-1]], dtype=torch.float64))
    assert weights.dtype == torch.float32
    assert weights.tolist() == [reference_weights(scores), reference_weights(scores[::-1])]
    assert weights.min() >= 0
    assert weights.double().sum(1).tolist() == [2**24 - (len(scores) + 2)] * 2


@settings(max_examples=100)
@given(st.lists(st.integers(-(2**45), 2**45).map(lambda i: i / 2**30), min_size=2, max_size=40), st.integers(0, 20))
def test_prior_weights_equal_big_integers(scores: list[float], shift: int) -> None:
    scaled = [score / 2**shift for score in scores]
    weights = prior_weights(torch.tensor([scaled], dtype=torch.float64))
    assert weights[0].tolist() == reference_weights(scaled)
