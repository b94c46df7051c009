"""The exact path's arithmetic against integers and fractions: every bit of every result."""

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import small_model
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dvcodec.models.integer import grid
from dvcodec.models.integer.grid import quantise
from dvcodec.models.integer.guard import integer_arithmetic
from dvcodec.models.integer.linear import QuantConv, QuantLinear
from dvcodec.models.integer.packing import BoundError
from dvcodec.models.photo.network.chain import KNOTS, interpolate
from dvcodec.models.photo.network.model import PhotoRRVQ
from dvcodec.models.photo.packing import pack

GRIDS: dict[str, tuple[Callable[[Tensor], Tensor], int, Fraction, Fraction]] = {
    "signed": (grid.quantise_signed, 4, Fraction(-127, 16), Fraction(127, 16)),
    "rectified": (grid.quantise_relu, 4, Fraction(0), Fraction(255, 16)),
    "stream": (grid.quantise_residual, 8, Fraction(-15), Fraction(15)),
}
EDGES = [
    0.0,
    -0.0,
    1 / 32,
    -1 / 32,
    3 / 32,
    -3 / 32,
    1 / 512,
    -1 / 512,
    3 / 512,
    0.031,
    7.9375,
    7.96875,
    -7.96875,
    -8.0,
]
EDGES += [14.998046875, 15.0, 15.97, 16.0, -14.998046875, -15.002, 1e9, -1e9, 1e-30, -1e-30, 0.49999997, 2.0**23 + 1]


def half_up(value: Fraction, bits: int, low: Fraction, high: Fraction) -> Fraction:
    """floor(value 2^bits + 1/2) / 2^bits, clamped; the one sum rounds to float32 where it needs more than 24 bits."""
    total = np.float32(float(value * 2**bits + Fraction(1, 2)))
    return min(max(Fraction(math.floor(Fraction(float(total))), 2**bits), low), high)


def fractions(x: Tensor) -> list[Fraction]:
    """The elements, exactly."""
    return [Fraction(value) for value in x.double().flatten().tolist()]


@pytest.mark.parametrize("name", GRIDS)
@settings(max_examples=50)
@given(drawn=st.lists(st.floats(-20, 20, width=32), max_size=20))
def test_grids_are_floors_of_fractions(name: str, drawn: list[float]) -> None:
    function, bits, low, high = GRIDS[name]
    x = torch.tensor(EDGES + drawn)
    assert fractions(function(x)) == [half_up(value, bits, low, high) for value in fractions(x)]


def test_a_grid_without_clamps_rounds_halves_up() -> None:
    assert quantise(torch.tensor([0.5, 1.5, -0.5, -1.5, 2.25]), 0).tolist() == [1.0, 2.0, 0.0, -1.0, 2.0]
    assert quantise(torch.tensor([0.125, -0.125, 100.3]), 2).tolist() == [0.25, 0.0, 100.25]


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("signed", [-7.8, -0.4, 0.0, 7.8], [-7.97, -9.0, 8.5]),
        ("rectified", [0.05, 3.3, 15.8, 40.0], [-3.0, -0.1, 0.0]),
        ("stream", [-14.9, 0.0, 14.9], [-15.2, 15.2, 99.0]),
    ],
)
def test_gradients_pass_straight_through_inside_and_not_outside(
    name: str, inside: list[float], outside: list[float]
) -> None:
    """The upper clamp of `quantise_relu` is left out: gradients pass it."""
    x = torch.tensor(inside + outside, requires_grad=True)
    GRIDS[name][0](x).mul(torch.arange(1.0, len(x) + 1)).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert x.grad.tolist() == [*range(1, len(inside) + 1), *[0.0] * len(outside)]


def test_gradients_reach_weights_and_biases() -> None:
    linear = QuantLinear(3, 2)
    linear(torch.ones(4, 3)).sum().backward()
    assert linear.weight.grad is not None and linear.bias.grad is not None
    assert linear.weight.grad.eq(4).all() and linear.bias.grad.eq(4).all()


@settings(max_examples=50)
@given(st.integers(0, 4096), st.integers(0, 2**32))
def test_interpolation_is_exact(code: int, seed: int) -> None:
    knots = torch.randn(KNOTS, 4, generator=torch.Generator().manual_seed(seed)) * 5
    steps = [[half_up(Fraction(k), 8, Fraction(-8), Fraction(8)) for k in row] for row in knots.tolist()]
    low = min(code // 256, KNOTS - 2)
    part = Fraction(code - 256 * low, 256)
    mixed = [a * (1 - part) + b * part for a, b in zip(steps[low], steps[low + 1], strict=True)]
    wanted = [Fraction(math.floor(value * 256 + Fraction(1, 2)), 256) for value in mixed]
    assert fractions(interpolate(knots, torch.tensor([code]))) == wanted


# Products against int64.


def harsh(module: QuantLinear, generator: torch.Generator) -> Tensor:
    """Weights of full magnitude in most places, biases of many bits; returns the integer weights (outputs, inputs)."""
    shape = module.weight.shape
    integers = torch.randint(-127, 128, shape, generator=generator)
    integers[torch.rand(shape, generator=generator) < 0.7] = 127
    integers[:, 0] = 127  # so that the exponent is known
    shift = torch.arange(shape[0]) % 9 - 2
    module.weight.data = integers / torch.exp2(shift.float())[:, None]
    module.bias.data = torch.randint(-9999, 9999, shape[:1], generator=generator) / torch.exp2(shift + 4.0)
    assert module.accumulator_bound() < grid.FLOAT32_LIMIT
    return integers


def inputs(shape: tuple[int, ...], limit: int, generator: torch.Generator) -> Tensor:
    """Integer inputs, most of them as large as may be."""
    low = -limit if limit == 127 else 0
    x = torch.randint(low, limit + 1, shape, generator=generator)
    x[torch.rand(shape, generator=generator) < 0.7] = limit
    return x


def accumulators(module: QuantLinear, out: Tensor, channel: int) -> Tensor:
    """A product's outputs in steps of the accumulator's grid, int64; outputs lie along dimension `channel`."""
    steps = torch.exp2(module.exponents().double() + 4)
    scaled = out.movedim(channel, -1).double() * steps
    assert torch.equal(scaled, scaled.round())
    return scaled.long().movedim(-1, channel)


def bias_steps(module: QuantLinear) -> Tensor:
    """The bias in steps of the accumulator's grid, int64."""
    return (module.bias.detach().double() * torch.exp2(module.exponents().double() + 4)).long()


@pytest.mark.parametrize(("width", "limit"), [(16, 127), (16, 255), (500, 255), (1000, 127)])
@pytest.mark.parametrize("count", [1, 4, 16, 1023])
def test_linear_maps_equal_integers(width: int, limit: int, count: int) -> None:
    generator = torch.Generator().manual_seed(width + count)
    module = QuantLinear(width, 37, input_limit=limit).eval()
    weight, x = harsh(module, generator), inputs((count, width), limit, generator)
    with integer_arithmetic():
        out = module(x / 16)
    assert torch.equal(accumulators(module, out, 1), x @ weight.t() + bias_steps(module))


def convolved(x: Tensor, weight: Tensor) -> Tensor:
    """3x3 convolution of int64 with zero padding: (B, C, H, W), (O, 9 C) -> (B, O, H, W)."""
    B, C, H, W = x.shape
    padded = torch.zeros(B, C, H + 2, W + 2, dtype=torch.int64)
    padded[:, :, 1:-1, 1:-1] = x
    patches = padded.unfold(2, 3, 1).unfold(3, 3, 1)  # (B, C, H, W, 3, 3)
    columns = patches.permute(0, 2, 3, 1, 4, 5).reshape(B * H * W, C * 9)
    return (columns @ weight.t()).view(B, H, W, -1).permute(0, 3, 1, 2)


@pytest.mark.parametrize("shape", [(1, 1, 1), (4, 1, 9), (1, 7, 1), (4, 5, 7), (16, 9, 8), (1, 33, 17)], ids=str)
@pytest.mark.parametrize("width", [8, 112])
def test_convolutions_equal_integers(width: int, shape: tuple[int, int, int]) -> None:
    batch, height, columns = shape
    generator = torch.Generator().manual_seed(width + batch)
    module = QuantConv(width, 11).eval()
    weight, x = harsh(module, generator), inputs((batch, width, height, columns), 127, generator)
    with integer_arithmetic():
        out = module(x / 16)
    expected = convolved(x, weight) + bias_steps(module).view(1, -1, 1, 1)
    assert torch.equal(accumulators(module, out, 1), expected)


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 30), st.sampled_from([127, 255]), st.floats(-8, 8, width=32))
def test_accumulator_bound_holds_and_is_reached(seed: int, width: int, limit: int, bias: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    module = QuantLinear(width, 5, input_limit=limit)
    module.bias.data.fill_(bias)
    weight = (module.quantised()[0].double() * torch.exp2(module.exponents().double())[:, None]).long()
    start = torch.floor(bias * torch.exp2(module.exponents().double() + 4) + 0.5).long()
    x = inputs((50, width), limit, generator)
    worst = limit * weight.sign() * torch.where(start < 0, -1, 1)[:, None]
    partial = (torch.cat([x, worst])[:, None] * weight).cumsum(2) + start[:, None]  # (n, outputs, prefix)
    bound = module.accumulator_bound()
    assert partial.abs().max() <= bound
    assert torch.einsum("oi,oi->o", worst, weight).add(start).abs().max() == bound


# What must not be exported.


def altered(change: Callable[[PhotoRRVQ], object]) -> PhotoRRVQ:
    """A copy of the small model, changed."""
    model = PhotoRRVQ(small_model.CONFIG)
    model.load_state_dict(small_model.trainable().state_dict())
    with torch.no_grad():
        change(model)
    return model


def test_a_model_whose_sums_could_round_is_not_packed() -> None:
    pack(altered(lambda model: None))
    for name in (
        "grow.0.point",
        "stages.0.0.head",
        "stages.1.0.blocks.0.spatial",
        "stages.3.0.layers.0.neighbour_embedding",
    ):
        broken = altered(lambda model: None)
        module = broken.chain.get_submodule(name)
        assert isinstance(module, QuantLinear)
        module.bias.data.fill_(2.0**20)
        with pytest.raises(BoundError, match=name):
            pack(broken)


def test_the_bound_is_two_to_the_24() -> None:
    def bias_of(steps: int) -> Callable[[PhotoRRVQ], object]:
        def change(model: PhotoRRVQ) -> None:
            linear = model.chain.layers()[0].symbol_embedding
            assert linear is not None
            linear.weight.fill_(0.5)
            receptive_field = 64 * 127 * linear.weight.shape[1]
            linear.bias.fill_((steps - receptive_field) / 2.0 ** (7 + 4))

        return change

    packed = pack(altered(bias_of(2**24 - 2)))
    assert packed["chain.stages.0.0.layers.0.symbol_embedding.weight"].eq(64).all()
    with pytest.raises(BoundError, match="symbol_embedding"):
        pack(altered(bias_of(2**24)))


def test_scores_beyond_53_bits_are_not_packed() -> None:
    def change(model: PhotoRRVQ) -> None:
        layer = model.chain.layers()[5]
        layer.values[1] = 1e6
        layer.log_variance.fill_(-3)

    with pytest.raises(BoundError, match="score"):
        pack(altered(change))
