"""The relaxed ELBO of two layers (Lievin et al. 2019, appendix E): what the paper prints is false, what is here holds.

Two binary layers and one pixel, at temperature 1, where z~_2 of a fair coin is uniform: functions of it are known.
"""

import math
from dataclasses import replace

import families_small as small
import pytest
import torch
from torch import Tensor

from dvcodec.evaluation.likelihood.enumeration import enumerate_states
from dvcodec.evaluation.likelihood.family_bound import FamilyBound, measure
from dvcodec.models.families.layers import LatentHead, LatentLayer
from dvcodec.models.families.lipschitz import constants, spectral
from dvcodec.models.families.model import FamilyVAE
from dvcodec.models.families.nets import Chain, Conv

TWO = replace(
    small.TINY,
    sides=(1, 1),
    image=1,
    symbols=(2, 2),
    hierarchy="lvae",
    latent="logits",
    prior="direct",
    blocks=0,
    exact=False,
    weight_norm=False,
    lipschitz=100.0,
)
ONE_PIXEL = torch.ones(1, 1, 1, 1, dtype=torch.float64)


def line(conv: Conv, slope: float, start: float, row: int = -1) -> None:
    """Makes one output start + slope * (first input), the others 0."""
    conv.weight.data.zero_()
    conv.bias.data.zero_()
    conv.weight.data.view(conv.weight.shape[0], conv.inputs, -1)[row, 0, conv.kernel**2 // 2] = slope
    conv.bias.data[row] = start


def score(head: LatentHead | None, at_zero: float, at_one: float) -> None:
    """Makes the log-odds of symbol 1, in nats, linear in the layer above: these are its values at both symbols."""
    assert head is not None
    line(head.last, (at_one - at_zero) / math.log(2), at_zero / math.log(2) - (at_one - at_zero) / math.log(2))


def embed(layer: LatentLayer) -> None:
    """Makes the first feature 1 + the weight of symbol 1: positive, where ELU is the identity."""
    assert layer.codebook is not None
    values = layer.codebook.get_parameter("values")
    values.data.zero_()
    values.data[0, :, 0] = torch.tensor([-0.5, 0.5])
    line(layer.symbol_embedding.first, 1.0, 1.5, row=0)


def two_layers(top: float, posterior: tuple[float, float], prior: tuple[float, float], depth: float) -> FamilyVAE:
    """A fair q(z_2); p(z_2), q(z_1 | z_2) and p(z_1 | z_2) by log-odds; log-odds of the pixel from -depth to 0."""
    model = FamilyVAE(TWO).double().eval()
    coarse, fine = model.layers()
    for layer in (coarse, fine):
        score(layer.bottom_up_head, 0.0, 0.0)
        embed(layer)
    score(coarse.top_down_head, 0.0, 0.0)
    score(coarse.prior_head, top, top)
    score(fine.top_down_head, *posterior)
    score(fine.prior_head, *prior)
    last = model.synthesis[-1]
    assert isinstance(last, Conv)
    line(last, depth, -2 * depth)
    return model


def evidence(model: FamilyVAE) -> tuple[float, float]:
    """log p(x) and the ELBO, by enumeration of all four states."""
    likelihood, costs = enumerate_states(model, ONE_PIXEL)
    log_q = torch.stack(costs.log_q).sum(0)
    log_joint = likelihood + torch.stack(costs.log_p).sum(0)
    return float(torch.logsumexp(log_joint, 0)), float(log_q.exp() @ (log_joint - log_q))


def measured(model: FamilyVAE) -> FamilyBound:
    """The relaxed objective and its bound, over many samples."""
    return measure(model.float(), [ONE_PIXEL.float().expand(20_000, -1, -1, -1)], temperature=1.0)


def printed_gap(model: FamilyVAE, bound: FamilyBound) -> float:
    """What the paper subtracts: beside ours the constant of log q(z_1 | z_2) times E |z~_2 - H(z~_2)|."""
    coarse, fine = model.layers()
    chain, kappas = model.down[0], constants(model)
    assert isinstance(chain, Chain) and fine.top_down_head is not None and coarse.codebook is not None
    assert bound.relaxed_nats is not None and bound.relaxed_bound_nats is not None and kappas is not None
    before = spectral(coarse.codebook.table()) * coarse.symbol_embedding.lipschitz() * chain.lipschitz()
    kappa_q = before * math.sqrt(2) * fine.top_down_head.lipschitz() * math.log(2)
    distance = math.sqrt(2) / 4  # of a uniform z~_2
    return bound.relaxed_nats - bound.relaxed_bound_nats + kappa_q * distance


@torch.no_grad()
def test_the_printed_bound_of_the_bias_is_false() -> None:
    """q(z_1 = 1) is 0 or 1 at the two symbols, half of the time each, but 1 for three quarters of all z~_2."""
    model = two_layers(top=0.0, posterior=(-5.0, 15.0), prior=(0.0, 0.0), depth=90.0)
    log_p, elbo = evidence(model)
    bound = measured(model)
    assert bound.relaxed_nats is not None and bound.relaxed_bound_nats is not None
    assert bound.relaxed_nats - elbo > printed_gap(model, bound) + 5
    assert bound.relaxed_bound_nats > elbo + 5  # it bounds log p(x), not the ELBO
    assert bound.relaxed_bound_nats < log_p


@torch.no_grad()
def test_the_bound_holds_where_the_relaxed_objective_exceeds_the_evidence() -> None:
    """q is the true posterior, so that the ELBO is tight, and log p(z_1 | z~_2) is concave in z~_2."""
    model = two_layers(top=-20.0, posterior=(40.0, 40.0), prior=(-20.0, 20.0), depth=60.0)
    log_p, elbo = evidence(model)
    bound = measured(model)
    assert bound.relaxed_nats is not None and bound.relaxed_bound_nats is not None
    assert elbo == pytest.approx(log_p, abs=1e-3)
    assert bound.relaxed_nats > log_p + 4
    assert bound.relaxed_bound_nats < log_p
    gap = bound.relaxed_nats - bound.relaxed_bound_nats
    assert bound.relaxed_nats - gap / 3 > log_p  # a third of the constant does not do


@torch.no_grad()
def test_the_posterior_is_free_of_the_constraint() -> None:
    """Its maps may be as steep as they like, since no constant of q enters."""
    model = two_layers(top=0.0, posterior=(-500.0, 500.0), prior=(0.0, 0.0), depth=1.0)
    steep = model.layers()[1].top_down_head
    assert steep is not None and steep.last.lipschitz() > TWO.lipschitz
    before = constants(model)
    score(steep, -1.0, 1.0)
    assert constants(model) == before


@torch.no_grad()
def test_scores_are_as_they_were_set() -> None:
    model = two_layers(top=-2.0, posterior=(1.0, 3.0), prior=(-1.0, 2.0), depth=5.0)
    likelihood, costs = enumerate_states(model, ONE_PIXEL)
    assert _odds(costs.log_q[1]) == pytest.approx([1, 3])
    assert _odds(costs.log_p[1]) == pytest.approx([-1, 2])
    assert float(costs.log_p[0][2] - costs.log_p[0][0]) == pytest.approx(-2)
    expected = torch.nn.functional.logsigmoid(torch.tensor([-5.0, 0.0], dtype=torch.float64)).repeat(2)
    assert torch.allclose(likelihood, expected)


def _odds(values: Tensor) -> list[float]:
    return [float(v) for v in values[1::2] - values[::2]]
