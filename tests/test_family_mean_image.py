"""Perceptrons train on pixels less the mean image: their symbols keep the image, and their files know of no mean."""

from dataclasses import replace

import families_small as small
import numpy as np
import pytest
import torch
from torch import Tensor

from dvcodec.models.families.arithmetic import Arithmetic
from dvcodec.models.families.config import FamilyConfig, Pixels
from dvcodec.models.families.initialisation import add_mean, centre, parameters_of
from dvcodec.models.families.likelihoods import KINDS
from dvcodec.models.families.model import FamilyVAE
from dvcodec.models.families.nets import Conv
from dvcodec.models.families.packing import pack, unpack
from dvcodec.models.families.symbol_sources import Posterior, mode
from dvcodec.models.integer.guard import integer_arithmetic
from dvcodec.training.loop.task import Progress
from dvcodec.training.recipes.families import FamilyPreset
from dvcodec.training.recipes.family_presets import FAMILY_PRESETS
from dvcodec.training.tasks.families import ElboTask

SIDE = 14


class Patterns:
    """Eight patterns in the middle of black images, with one pixel in fifty flipped."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.patterns = np.zeros((8, 1, SIDE, SIDE), np.float32)
        self.patterns[:, :, 3:-3, 3:-3] = rng.random((8, 1, SIDE - 6, SIDE - 6)) < 0.4

    def batch(self, count: int, rng: np.random.Generator) -> Tensor:
        """So many at random."""
        chosen = self.patterns[rng.integers(0, 8, count)]
        flipped = (rng.random(chosen.shape) < 0.02) & (chosen.max() > 0)
        return torch.from_numpy(np.abs(chosen - flipped).astype(np.float32))


def perceptron(name: str, *, centred: bool) -> FamilyPreset:
    """A preset of perceptrons for the patterns."""
    preset = FAMILY_PRESETS[name]
    linear = preset.config.block == "linear"
    variables = tuple(8 for _ in preset.config.variables)
    width = SIDE**2 if linear else 32
    config = replace(preset.config, image=SIDE, variables=variables, width=width, centred=centred)
    return replace(preset, config=config, recipe=replace(preset.recipe, batch=32, rate=3e-3, kl_warm_up=400))


def trained(name: str, *, centred: bool, steps: int) -> ElboTask:
    """A task after so many steps, which validates on 200 images."""
    torch.manual_seed(0)
    preset, data, rng = perceptron(name, centred=centred), Patterns(), np.random.default_rng(0)
    task = ElboTask(preset.config, preset.recipe, data, lambda: [data.batch(200, np.random.default_rng(1))])
    task.prepare(rng)
    optimiser = torch.optim.Adam(task.module.parameters(), preset.recipe.rate)
    for step in range(steps):
        progress = Progress(step, step / steps)
        optimiser.zero_grad()
        task.loss_terms(task.batch(rng, progress), progress).loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    task.module.eval()
    return task


def mean_image_bound() -> float:
    """Log-likelihood of the validation images under independent pixels of the mean image, in nats an image."""
    data = Patterns()
    p = data.batch(2000, np.random.default_rng(2)).mean(0).clamp(1e-3, 1 - 1e-3)
    x = data.batch(200, np.random.default_rng(1))
    return float((x * p.log() + (1 - x) * (1 - p).log()).flatten(1).sum(1).mean())


@pytest.mark.parametrize(("name", "steps"), [("dvaepp-binary", 40), ("dvaepp-binary-linear", 120), ("dvae", 60)])
def test_short_training_beats_the_mean_image(name: str, steps: int) -> None:
    assert -trained(name, centred=True, steps=steps).validate() > mean_image_bound() + 3


def test_without_the_mean_image_the_symbols_lose_the_image() -> None:
    """The negative control of the test above."""
    assert -trained("dvaepp-binary", centred=False, steps=60).validate() < mean_image_bound() + 1


FORMS = {
    "tanh": replace(small.PERCEPTRON, reversible=True),
    "linear": replace(small.LINEAR, reversible=True),
    "linear, all layers inferred upwards": replace(small.LINEAR, reversible=True, hierarchy="vae"),
}


@pytest.mark.parametrize("name", FORMS)
def test_files_have_the_mean_image_in_their_biases(name: str) -> None:
    """The restored model, which has no centre, infers the trained one's integers."""
    model = small.lively(FORMS[name])
    centres = [m.centre for m in model.modules() if isinstance(m, Conv) and m.centre is not None]
    restored, x = unpack(model.config, pack(model)), small.images(model.config, 6, seed=1)
    assert centres and all(float(one.abs().max()) > 0 for one in centres)
    assert not restored.config.centred and all(getattr(m, "centre", None) is None for m in restored.modules())
    with integer_arithmetic():
        found = [one.infer(x, mode) for one in (model, restored)]
    assert all(torch.equal(*pair) for pair in zip(found[0].features, found[1].features, strict=True))
    source = [one.layers()[-1].query(run.features[0], None) for one, run in zip((model, restored), found, strict=True)]
    assert torch.equal(*source)


@pytest.mark.parametrize("exact", [False, True])
@torch.no_grad()
def test_a_centred_map_is_that_of_inputs_less_their_centre(exact: bool) -> None:
    torch.manual_seed(0)
    arithmetic = Arithmetic(exact=exact)
    conv = Conv(5, 3, arithmetic, kernel=1, centred=True)
    conv.bias.normal_()
    conv.set_centre(torch.tensor([0.5, -1.0, 0.03, 0.0, 0.2]))
    assert conv.centre is not None
    x = arithmetic.inputs(torch.randn(2, 5, 1, 1))
    mapped = conv(x)
    less = x - conv.centre.view(1, -1, 1, 1)
    conv.set_centre(torch.zeros(5))
    assert torch.equal(mapped, conv(less)) if exact else torch.allclose(mapped, conv(less), atol=1e-5)


@pytest.mark.parametrize("likelihood", ["bernoulli", "logistic", "gaussian"])
@torch.no_grad()
def test_decoders_start_with_the_mean_image(likelihood: Pixels) -> None:
    config = replace(small.PERCEPTRON, likelihood=likelihood, channels=1)
    model, x = FamilyVAE(config), small.images(config, 40)
    mean = x.mean(0)
    before = model.decode(40, Posterior(mode), model.infer(x, mode))
    add_mean(model, mean)
    raw = model.decode(40, Posterior(mode), model.infer(x, mode))
    start = parameters_of(KINDS[likelihood](config), mean)
    assert start is not None
    assert torch.allclose(raw - before, start.expand_as(raw), atol=0.02)
    limits = (1e-3, 1 - 1e-3) if config.binary else (0, 255)
    assert torch.allclose(model.p_x().mean(start[None])[0], mean.clamp(*limits), atol=1e-3)


def test_convolutions_and_files_are_not_centred() -> None:
    assert not any(getattr(m, "centre", None) is not None for m in FamilyVAE(small.TINY).modules())
    config: FamilyConfig = replace(small.PERCEPTRON, centred=False)
    model = FamilyVAE(config)
    assert not model.centred
    centre(model, torch.ones(1, 4, 4))
    assert not any("centre" in name for name in model.state_dict())
