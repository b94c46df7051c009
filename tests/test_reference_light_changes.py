"""The second decoder of the light network can fail: a changed number or rounding is noticed."""

from typing import Any

import numpy as np
import pytest
import reference_light
import reference_light_pixels
import small_model
from reference_light import LightWeights
from reference_light_pixels import decode
from test_reference_light import coded, package, small, weights_of


def noticed(data: bytes, weights: LightWeights) -> bool:
    """Whether symbols or pixels are not the package's, or the file cannot be decoded at all."""
    wanted, shown = package(small(), data)
    try:
        symbols, pixels = decode(data, weights)
    except AssertionError:
        return True
    alike = all(np.array_equal(symbols[s].reshape(-1, symbols[s].shape[2]).T, wanted[s]) for s in symbols)
    return not alike or not np.array_equal(pixels, shown)


@pytest.fixture(scope="module")
def photograph() -> bytes:
    """A file."""
    return coded(small(), small_model.photograph(33, 40), 95, 1)


@pytest.mark.parametrize(
    "name",
    [
        "stages.8.2.blocks.0.spatial.weight",
        "stages.8.3.groups.0.symbol_embedding.weight",
        "stages.16.0.groups.1.prior_head.bias",
        "grow.1.weight",
        "values.8.1.shrink",
        "postfilter.first.weight",
        "postfilter.body.0.second.weight",
    ],
)
def test_a_changed_number_is_noticed(photograph: bytes, name: str) -> None:
    weights = LightWeights(weights_of("usual"))
    tensor = weights.every[name].astype(np.int64)
    tensor.flat[np.abs(tensor).ravel().argsort()[:4]] += 24
    weights.every.tensors[name] = tensor
    assert noticed(photograph, weights)


def test_the_same_numbers_are_not_noticed(photograph: bytes) -> None:
    assert not noticed(photograph, LightWeights(weights_of("usual")))


@pytest.mark.parametrize("module", [reference_light, reference_light_pixels])
def test_other_halves_are_noticed(photograph: bytes, monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
    monkeypatch.setattr(module, "half_up", reference_light.even)
    assert noticed(photograph, small().weights)


def test_halves_that_are_not_even_are_noticed(photograph: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference_light, "even", reference_light.half_up)
    assert noticed(photograph, small().weights)
