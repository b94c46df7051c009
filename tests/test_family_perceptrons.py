"""Perceptrons: which maps there are, which functions they compute, and which configurations are refused."""

from dataclasses import replace
from typing import Any

import families_small as small
import pytest
import torch
from torch import Tensor

from dvcodec.models.families.activation_tables import TANH_SCALE
from dvcodec.models.families.arithmetic import Arithmetic
from dvcodec.models.families.config import FamilyConfig, from_fields
from dvcodec.models.families.model import FamilyVAE
from dvcodec.models.families.nets import Conv
from dvcodec.models.families.symbol_sources import Posterior, Replay, mode

MNIST: dict[str, Any] = {
    "network": "mlp",
    "sides": (1,),
    "symbols": (2,),
    "variables": (200,),
    "channels": 1,
    "image": 28,
    "latent": "logits",
    "prior": "direct",
    "likelihood": "bernoulli",
    "values": 1,
}
"""200 Bernoulli variables for 28x28 binary pixels: table 1 of Vahdat et al. (2018)."""


def maps(config: FamilyConfig) -> dict[str, tuple[int, int]]:
    """Inputs and outputs of every linear map."""
    with torch.device("meta"):
        named = FamilyVAE(config).named_modules()
    return {name: (m.inputs, len(m.bias)) for name, m in named if isinstance(m, Conv)}


def test_two_hidden_layers_of_tanh_in_each_direction() -> None:
    found = maps(FamilyConfig(**MNIST, block="tanh", width=200))
    assert found["stem.1"] == (784, 200)
    assert found["up.0.0.0.map"] == found["synthesis.0.map"] == (200, 200)
    assert found["latents.0.bottom_up_head.last"] == (200, 400)  # a score of each of the two symbols
    assert found["latents.0.symbol_embedding.first"] == (200, 200)
    assert found["synthesis.2.map"] == (200, 784)


def test_a_linear_network_is_one_map_in_each_direction() -> None:
    found = maps(FamilyConfig(**MNIST, block="linear", blocks=0, width=784))
    heads = {f"latents.0.{head}.last": (784, 400) for head in ("bottom_up_head", "top_down_head", "prior_head")}
    assert found == {**heads, "latents.0.symbol_embedding.first": (200, 784)}


def affine(function: Any, points: Tensor) -> bool:
    """Whether a function takes the mean of points to the mean of its values."""
    values = torch.stack([function(point) for point in points])
    return bool(torch.allclose(values.mean(0), function(points.mean(0)), atol=1e-5))


@pytest.mark.parametrize("block", ["linear", "tanh"])
@torch.no_grad()
def test_scores_and_pixels_are_linear_exactly_in_linear_networks(block: str) -> None:
    config = replace(small.LINEAR if block == "linear" else replace(small.PERCEPTRON, width=16), exact=False)
    model = small.lively(replace(config, sides=(1,), symbols=(2,), variables=(4,)))
    layer, x = model.layers()[0], torch.rand(6, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    assert affine(lambda one: layer.query(model.infer(one[None], mode).features[0], None), x) == (block == "linear")
    weights = torch.rand(6, 4, 2, generator=torch.Generator().manual_seed(1))
    source = Posterior(mode)
    assert affine(lambda one: model.decode(1, Replay([one], source)), weights) == (block == "linear")


def test_tanh_on_its_grid_and_its_slope() -> None:
    x = torch.linspace(-9, 9, 1001, dtype=torch.float64).requires_grad_()
    exact, smooth = Arithmetic(exact=True).activation(x, "tanh"), Arithmetic(exact=False).activation(x, "tanh")
    assert torch.allclose(smooth, TANH_SCALE * torch.tanh(x))
    assert float((exact - smooth).detach().abs().max()) < 1 / 32 + TANH_SCALE / 128 + 1e-6
    assert torch.equal(exact * 16, (exact * 16).round())
    slopes = [torch.autograd.grad(y.sum(), x)[0] for y in (exact, smooth)]
    assert torch.allclose(slopes[0], slopes[1])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"network": "conv", "block": "tanh"}, "network=mlp"),
        ({"network": "mlp", "block": "gated"}, "blocks of the kind gated are convolutions"),
        ({"network": "mlp", "sides": (2, 1)}, "sides=1"),
        ({"network": "mlp", "block": "linear"}, "blocks=0"),
        ({"network": "mlp", "block": "linear", "blocks": 0, "width": 8}, "width=16"),
        ({"network": "mlp", "block": "linear", "blocks": 0, "likelihood": "mixture"}, "likelihood=bernoulli"),
        ({"network": "mlp", "lipschitz": 1.0, "exact": False}, "network=conv"),
    ],
)
def test_networks_that_do_not_exist_are_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        replace(small.TINY, **{"sides": (1, 1), **change})


def test_files_that_do_not_name_the_network_are_convolutions() -> None:
    from dataclasses import asdict

    fields = asdict(small.TINY)
    del fields["network"]
    assert from_fields(fields) == small.TINY
    del fields["width"]
    with pytest.raises(ValueError, match="fields"):
        from_fields(fields)
