"""The constants of the relaxed ELBO (Lievin et al. 2019, eq 8, 12) beside what is measured of each part.

A bound holds for any weights; where weights are aligned it is reached, so that a part which is too small is seen too.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import families_small as small
import pytest
import torch
from torch import Tensor, nn

from dvcodec.models.families.arithmetic import Arithmetic
from dvcodec.models.families.config import FamilyConfig
from dvcodec.models.families.distributions import Categorical, Distribution
from dvcodec.models.families.layers import ChoiceEmbedding, LatentHead, LatentLayer
from dvcodec.models.families.lipschitz import constants, spectral
from dvcodec.models.families.model import FamilyVAE
from dvcodec.models.families.nets import Block, Chain, Conv, Up
from dvcodec.models.families.relaxations import Relaxation, one_hot
from dvcodec.models.families.steps import LatentStep
from dvcodec.models.families.symbol_sources import PassCosts, Posterior, Replay, relaxed

BOUNDED = Arithmetic(exact=False, ceiling=0.8)
FREE = Arithmetic(exact=False, weight_norm=False)
MAPS = replace(small.TINY, width=2, head_blocks=1, exact=False)
ALIGNED = replace(
    small.TINY, hierarchy="lvae", symbols=(2, 2), blocks=0, exact=False, weight_norm=False, lipschitz=100.0
)
"""No residual blocks, no normalised weights, and a ceiling that the weights of the tests stay below."""


def slope(function: Callable[[Tensor], Tensor], x: Tensor) -> float:
    """The spectral norm of the Jacobian at x."""
    jacobian = torch.autograd.functional.jacobian(function, x)  # type: ignore[no-untyped-call]
    return float(torch.linalg.matrix_norm(jacobian.reshape(-1, x.numel()), ord=2))


PARTS: dict[str, Callable[[], tuple[nn.Module, tuple[int, ...]]]] = {
    "1x1": lambda: (Conv(3, 4, BOUNDED, kernel=1), (1, 3, 2, 2)),
    "3x3": lambda: (Conv(2, 3, BOUNDED), (1, 2, 4, 4)),
    "up": lambda: (Up(2, 4, BOUNDED), (1, 2, 2, 2)),
    "up, cropped": lambda: (Up(2, 3, BOUNDED), (1, 2, 2, 2)),
    "block": lambda: (Block(2, "elu", BOUNDED), (1, 2, 3, 3)),
    "chain": lambda: (Chain(Up(2, 4, BOUNDED), Block(2, "elu", BOUNDED)), (1, 2, 2, 2)),
    "head": lambda: (LatentHead(3, 2, MAPS, BOUNDED, 1.0), (1, 2, 2, 2)),
    "dense head": lambda: (LatentHead(3, 2, replace(MAPS, dense=True), BOUNDED, 1.0), (1, 2, 2, 2)),
    "embedding": lambda: (ChoiceEmbedding(3, 2, MAPS, BOUNDED), (1, 3, 2, 2)),
    "dense embedding": lambda: (ChoiceEmbedding(3, 2, replace(MAPS, dense=True), BOUNDED), (1, 3, 1, 1)),
}


@pytest.mark.parametrize("name", PARTS)
def test_no_part_is_steeper_than_it_says(name: str) -> None:
    torch.manual_seed(0)
    part, shape = PARTS[name]()
    part.double()
    said = part.lipschitz()  # type: ignore[operator]
    slopes = [slope(part, scale * torch.randn(shape, dtype=torch.float64)) for scale in (0.1, 1, 1, 1, 5)]
    assert 0.1 * said < max(slopes) <= said + 1e-9


@pytest.mark.parametrize("name", ["1x1", "dense head", "dense embedding"])
def test_a_single_map_says_its_spectral_norm(name: str) -> None:
    """Of positive inputs."""
    torch.manual_seed(0)
    config = replace(MAPS, dense=True, head_blocks=0)
    part, shape = {
        "1x1": (Conv(3, 4, FREE, kernel=1), (1, 3, 2, 2)),
        "dense head": (LatentHead(3, 2, config, FREE, 1.0), (1, 2, 2, 2)),
        "dense embedding": (ChoiceEmbedding(3, 2, config, FREE), (1, 3, 1, 1)),
    }[name]
    found = slope(part.double(), torch.rand(shape, dtype=torch.float64))
    assert found == pytest.approx(part.lipschitz())  # type: ignore[operator]


def test_aligned_maps_reach_their_bounds() -> None:
    """Positive inputs, where ELU is the identity, and weights that point where the identity beside them does."""
    up, block, x = Up(2, 4, FREE).double(), Block(2, "elu", FREE).double(), torch.ones(1, 2, 2, 2, dtype=torch.float64)
    up.patch.weight.data = 0.3 * torch.eye(2, dtype=torch.float64).repeat_interleave(4, 0)
    for conv, scale in ((block.first, 0.5), (block.second, 0.8)):
        conv.weight.data = scale * torch.eye(2, dtype=torch.float64)[..., None].mul(torch.arange(9) == 4).flatten(1)
    for part in (up, block):
        for bias in (p for name, p in part.named_parameters() if name.endswith("bias")):
            bias.data.zero_()
    assert slope(up, x) == pytest.approx(up.lipschitz()) == pytest.approx(2 + 2 * 0.3)
    assert slope(block, x) == pytest.approx(block.lipschitz()) == pytest.approx(1 + 0.5 * 0.8)


def beyond(model: FamilyVAE, layer: LatentLayer) -> float:
    """kappa of all that comes after the layer's embedding."""
    kappas = constants(model)
    assert kappas is not None and layer.codebook is not None
    return kappas[layer.plan.name] / (spectral(layer.codebook.table()) * layer.symbol_embedding.lipschitz())


def test_the_embedding_moves_as_far_as_it_says() -> None:
    """Symbols' worth and `symbol_embedding`, in front of all else that kappa is a product of."""
    model = small.lively(small.LVAE).double()
    for layer in model.layers():
        assert layer.codebook is not None
        rows = layer.plan.variables * layer.plan.side**2
        z = torch.rand(rows, layer.plan.symbols, dtype=torch.float64)
        moved = slope(lambda z, layer=layer: layer.symbol_embedding(layer.maps(layer.embed(z, None))), z)  # type: ignore[misc]
        assert 0.1 < moved / (spectral(layer.codebook.table()) * layer.symbol_embedding.lipschitz()) <= 1 + 1e-6


def aim(head: LatentHead | None, weight: Tensor, bias: Tensor) -> None:
    """Gives a head's one map these weights."""
    assert head is not None
    head.last.weight.data, head.last.bias.data = weight.clone(), bias.clone()


@pytest.mark.parametrize("variables", [1, 2])
@pytest.mark.parametrize("latent", ["logits", "memory"])
def test_the_next_layer_reaches_its_bound(latent: str, variables: int) -> None:
    """log p of symbols that are next to impossible, under maps along their scores' steepest direction.

    The scores of logits may point there; two half-keys do so but for the root of 2.
    """
    one = replace(ALIGNED, sides=(1, 1), image=1, variables=(variables, 1))
    logits = latent == "logits"
    config = replace(one, latent="logits", prior="direct") if logits else replace(one, latent="memory", symbols=(4, 4))
    model = FamilyVAE(config).double()
    coarse, fine = model.layers()
    direction = torch.tensor([[1.0, -1.0] if logits else [1.0, 0.0]], dtype=torch.float64).repeat(variables, 1)
    weight = direction.reshape(-1, 1) * torch.randn(4, dtype=torch.float64)
    aim(fine.prior_head, weight, -40 * direction.flatten())
    if not logits:
        keys = torch.tensor([[1.0, -1.0], [0.0, 0.0]], dtype=torch.float64)[:, None, :, None]
        fine.codebook.keys.data = keys.repeat(1, variables, 1, 1)  # type: ignore[union-attr]
    d = torch.ones(1, 4, 1, 1, dtype=torch.float64, requires_grad=True)
    chain = model.down[0](d)
    first = torch.zeros(variables, dtype=torch.long)
    (gradient,) = torch.autograd.grad(fine.prior(fine.embedding(chain, len(chain))).log_prob(first).sum(), d)
    assert float(gradient.norm()) == pytest.approx(beyond(model, coarse) * (1 if logits else 0.5**0.5), rel=1e-5)


def test_the_pixels_reach_their_bound_but_for_the_border() -> None:
    """All pixels next to impossible, all taps alike: at 16 pixels the border's missing taps leave 6.5 of 9."""
    config = replace(ALIGNED, sides=(4,), symbols=(2,), variables=(1,), latent="logits", prior="direct")
    model = FamilyVAE(config).double()
    last = model.synthesis[-1]
    assert isinstance(last, Conv)
    last.weight.data, last.bias.data = torch.full_like(last.weight, 0.01), torch.full_like(last.bias, -40)
    d = torch.ones(1, 4, 4, 4, dtype=torch.float64, requires_grad=True)
    likelihood = model.p_x().log_prob(torch.ones(1, 1, 4, 4, dtype=torch.float64), model.synthesise(d))
    (gradient,) = torch.autograd.grad(likelihood.sum(), d)
    assert float(gradient.norm()) == pytest.approx(beyond(model, model.layers()[0]) * 6.5 / 9, rel=1e-5)


class Watched:
    """Repeats the coarser layers' choices and keeps the last layer's prior."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        self.kept: Distribution | None = None

    def next(self, step: LatentStep) -> Tensor:
        """What was chosen before."""
        self.kept = step.prior
        return self.replay.next(step)


@pytest.mark.parametrize(
    "config", [small.LVAE, replace(small.LVAE, latent="logits", prior="direct")], ids=["memory", "logits"]
)
@torch.no_grad()
def test_constants_bound_what_the_next_layer_moves(config: FamilyConfig) -> None:
    """|log p - log p'| of the finer layer's least favourable symbols, z~ of the coarser moved."""
    torch.manual_seed(0)
    model, x = small.lively(config).double(), small.images(config, 1).double().expand(200, -1, -1, -1)
    coarse, fine = model.layers()
    sampler, costs = relaxed(Relaxation("gumbel-softmax", 0.7)), PassCosts()
    inference = model.infer(x, sampler)
    model.decode(200, Posterior(sampler, costs), inference)
    found = []
    for z in (costs.choices[0], one_hot(costs.choices[0])):
        watched = Watched(Replay([z, costs.choices[1]], Posterior(sampler)))
        model.decode(200, watched, inference)
        found.append(watched.kept)
    before, after = found
    assert isinstance(before, Categorical) and isinstance(after, Categorical)
    moved = (before.log_p - after.log_p).abs().amax(-1).view(fine.plan.variables, 200).sum(0)
    distance = (costs.choices[0] - one_hot(costs.choices[0])).view(coarse.plan.variables, 200, -1)
    kappas = constants(model)
    assert kappas is not None
    assert bool((moved <= kappas[coarse.plan.name] * distance.square().sum((0, 2)).sqrt() + 1e-9).all())
    assert float(moved.max()) > 1e-3 and math.isfinite(float(moved.max()))
