"""Black and white pixels given their neighbours: frozen as trained, the same one by one, in batches and by threads."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dvcodec.models.integer.grid import quantise_signed
from dvcodec.models.integer.linear import QuantLinear
from dvcodec.models.integer.packing import pack_linears
from dvcodec.models.integer.weights_file import Tensors
from dvcodec.models.pixels.bilevel.config import HALF, SCORE_BITS, STEPS, BilevelConfig
from dvcodec.models.pixels.bilevel.integer import UNIT, IntegerBilevelNet
from dvcodec.models.pixels.bilevel.net import BilevelNet, log_prob
from dvcodec.models.pixels.bilevel.raster_pass import (
    BilevelPass,
    BilevelStep,
    LikelierValue,
)
from dvcodec.models.pixels.bilevel.tokens import distributions
from dvcodec.models.pixels.causal import ReceptiveField
from dvcodec.models.pixels.neighbourhoods import neighbours
from dvcodec.models.top_down_pass import run_pass

CONFIG = BilevelConfig(ReceptiveField(2, 3), features=3, width=10)


def network(seed: int = 0) -> BilevelNet:
    """A random network whose hidden units are not all at rest."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        net = BilevelNet(CONFIG).eval()
        for module in net.modules():
            if isinstance(module, QuantLinear):
                module.bias.normal_(std=0.7)
    return net


def integers(net: BilevelNet) -> IntegerBilevelNet:
    """The network for coding."""
    return IntegerBilevelNet(net.config, Tensors(pack_linears(net)))


def inputs(seed: int, images: int, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pixels of 0 and 1, and features."""
    generator = torch.Generator().manual_seed(seed)
    white = torch.randint(0, 2, (images, height, width), generator=generator).float()
    return white, 3 * torch.randn(images, 3, height, width, generator=generator)


class Image:
    """Takes the image's pixels and notes contexts."""

    def __init__(self) -> None:
        self.contexts: list[NDArray[np.int32]] = []

    def next(self, step: BilevelStep) -> NDArray[np.int32]:
        """The pixels as they are."""
        self.contexts.append(step.contexts)
        return step.residuals()


@given(st.integers(0, 2**31), st.integers(1, 3), st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=20)
def test_the_pass_sees_the_scores_of_the_network(seed: int, images: int, height: int, width: int) -> None:
    net, (white, maps) = network(), inputs(seed, images, height, width)
    frozen, image = integers(net), Image()
    with torch.inference_mode():
        scores = net(white, maps)
    result = run_pass(BilevelPass(frozen, frozen.lift(maps.numpy()), white.numpy()), image)
    assert np.array_equal(result, white)
    contexts = (scores * 2**SCORE_BITS + HALF).int()
    order = [contexts[:, y, x].flatten() for y, x in CONFIG.receptive_field.wavefronts(height, width)]
    assert np.array_equal(np.concatenate(image.contexts), torch.cat(order).numpy())
    assert len(np.unique(np.concatenate(image.contexts))) > 1 or white.numel() < 4


def test_rows_of_what_pixels_see_give_the_same_contexts() -> None:
    net, (white, maps) = network(), inputs(1, 1, 6, 7)
    frozen = integers(net)
    near = neighbours(CONFIG.receptive_field, 2 * white - 1).flatten(0, 2).numpy()
    around = quantise_signed(maps).permute(0, 2, 3, 1).flatten(0, 2).numpy()
    both = frozen.contexts_of(np.concatenate([near, around], axis=1) * np.float32(UNIT))
    split = frozen.contexts(near, frozen.lift(maps.numpy()).reshape(len(near), -1))
    assert np.array_equal(both, split)


def test_the_likelier_pixels_do_not_depend_on_the_batch() -> None:
    _, maps = inputs(2, 3, 8, 8)
    frozen = integers(network())
    lifted = frozen.lift(maps.numpy())
    together = run_pass(BilevelPass(frozen, lifted, None), LikelierValue())
    alone = [run_pass(BilevelPass(frozen, one[None], None), LikelierValue())[0] for one in lifted]
    assert np.array_equal(together, np.stack(alone)) and set(together.ravel().tolist()) == {0, 1}


def test_pixels_before_a_change_do_not_feel_it() -> None:
    net, (white, maps) = network(), inputs(3, 1, 7, 7)
    changed = white.clone()
    changed[0, 3, 3] = 1 - changed[0, 3, 3]
    with torch.inference_mode():
        same = (net(white, maps) == net(changed, maps))[0]
    assert bool(same[:3].all()) and bool(same[3, :4].all()) and not bool(same.all())


def test_distributions_are_the_odds_of_their_scores() -> None:
    weights = distributions().astype(np.float64)
    assert weights.shape == (STEPS, 2) and (weights.sum(axis=1) == 2**24 - 4).all() and weights.min() >= 0
    odds = np.log2(weights[:, 1] + 1) - np.log2(weights[:, 0] + 1)
    assert np.abs(odds - np.arange(-HALF, HALF + 1) / 2**SCORE_BITS).max() < 0.04


def test_log_prob_is_that_of_the_odds() -> None:
    scores, white = torch.tensor([2.0, 2.0, -3.0]), torch.tensor([1.0, 0.0, 0.0])
    expected = torch.tensor([0.8, 0.2, 8 / 9]).log()
    assert torch.allclose(log_prob(scores, white), expected, atol=1e-6)
    assert float(-log_prob(torch.zeros(1), torch.ones(1))) == pytest.approx(math.log(2))


def test_an_encoder_needs_pixels() -> None:
    with pytest.raises(ValueError, match="residuals need the pixels"):
        BilevelStep(0, np.zeros(1, np.int32), None).residuals()
