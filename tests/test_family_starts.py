"""How families begin: flat priors, posteriors of the image alone, values among their keys, weights that turn slowly."""

import math
from dataclasses import replace

import families_small as small
import numpy as np
import pytest
import torch
from torch import Tensor

from dvcodec.models.families.arithmetic import FLOAT
from dvcodec.models.families.codebooks import Memory
from dvcodec.models.families.config import LayerPlan
from dvcodec.models.families.distributions import Categorical
from dvcodec.models.families.nets import Conv
from dvcodec.models.families.relaxations import Relaxation
from dvcodec.models.families.steps import LatentStep
from dvcodec.models.families.symbol_sources import Posterior, relaxed
from dvcodec.training.loop.task import Progress
from dvcodec.training.recipes.family_presets import FAMILY_PRESETS
from dvcodec.training.tasks.families import ElboTask

PLAN = LayerPlan("z1", 0, 1, variables=3, symbols=16, bottom_up=False)


class Kept:
    """Keeps the priors' and posteriors' log-probabilities of a pass by layer, (V, B, K)."""

    def __init__(self) -> None:
        self.sampler = Posterior(relaxed(Relaxation(temperature=0.8)))
        self.priors: list[Tensor] = []
        self.posteriors: list[Tensor] = []

    def next(self, step: LatentStep) -> Tensor:
        """What the posterior's relaxation chooses."""
        for kept, distribution in ((self.priors, step.prior), (self.posteriors, step.posterior)):
            assert isinstance(distribution, Categorical)
            kept.append(distribution.log_p.view(step.layer.plan.variables, -1, step.layer.plan.symbols))
        return self.sampler.next(step)


def begun(name: str) -> ElboTask:
    """A preset's task with narrow networks, prepared."""
    torch.manual_seed(0)
    preset = small.shrunk(FAMILY_PRESETS[name])
    task = ElboTask(preset.config, replace(preset.recipe, batch=32), small.Discs(preset.config))
    task.module.train()
    task.prepare(np.random.default_rng(0))
    return task


def pre_activations(task: ElboTask, x: Tensor) -> dict[str, tuple[float, Tensor, Tensor]]:
    """Gain, means and spreads of every convolution's outputs in one pass with the first random numbers of all."""
    found: dict[str, tuple[float, Tensor, Tensor]] = {}

    def note(name: str, module: Conv, output: Tensor) -> None:
        found[name] = (module.gain, output.mean((0, 2, 3)), output.std((0, 2, 3), unbiased=False))

    convs = [(name, module) for name, module in task.module.named_modules() if isinstance(module, Conv)]
    hooks = [
        conv.register_forward_hook(lambda module, _, output, name=name: note(name, module, output))
        for name, conv in convs
    ]
    torch.manual_seed(1)
    coded_size(task, x)
    for hook in hooks:
        hook.remove()
    return found


@torch.no_grad()
def coded_size(task: ElboTask, x: Tensor) -> Kept:
    """One pass with samples of its own."""
    kept = Kept()
    task.module.decode(len(x), kept, task.module.infer(x, kept.sampler.sampler))
    return kept


@pytest.mark.parametrize("name", ["hdvae-small", "rrvq-l5-small", "rrvq-l5-direct"])
def test_priors_begin_flat_and_posteriors_with_the_image(name: str) -> None:
    """At a spread of 1, divergences from random priors of random samples were all that the first steps saw."""
    task = begun(name)
    x = task.data.batch(32, np.random.default_rng(1))
    first, second = coded_size(task, x), coded_size(task, x)
    for prior, one, other in zip(first.priors, first.posteriors, second.posteriors, strict=True):
        surprise = math.log(prior.shape[-1]) + (prior.exp() * prior).sum(-1).mean()
        assert float(surprise) < 0.12
        by_sample, by_image = (one - other).square().mean(), (one - one.roll(1, dims=1)).square().mean()
        assert one.shape[1] < 32 or float(by_sample) < 0.1 * float(by_image)


@pytest.mark.parametrize("name", ["hdvae-small", "rrvq-l5-small"])
def test_data_dependent_initialisation_whitens_the_batch_that_it_sees(name: str) -> None:
    """Salimans and Kingma (2016), section 3: mean 0 and spread `gain`, bias included, on the same batch and noise."""
    torch.manual_seed(0)
    preset = small.shrunk(FAMILY_PRESETS[name])
    config = replace(preset.config, exact=False, dropout=0.0)
    recipe = replace(preset.recipe, batch=32, fractions=(0.0,), temperatures=(0.8,))
    task = ElboTask(config, recipe, small.Discs(config))
    task.module.train()
    x = task.data.batch(32, np.random.default_rng(0))
    drawn = pre_activations(task, x)
    torch.manual_seed(1)
    task.prepare(np.random.default_rng(0))
    settled = pre_activations(task, x)
    moved = {key for key, (_, _, spread) in drawn.items() if float(spread.min()) > 0.01}
    assert {key.split(".")[0] for key in moved} == {"stem", "up", "down", "latents", "synthesis"}
    for gain, mean, spread in (settled[key] for key in moved):
        assert torch.allclose(mean, torch.zeros_like(mean), atol=2e-3 * gain)
        assert torch.allclose(spread, torch.full_like(spread, gain), rtol=2e-3)
    assert any(abs(float(spread.mean()) / gain - 1) > 0.5 for gain, _, spread in (drawn[key] for key in moved))


def test_values_begin_where_their_keys_are() -> None:
    torch.manual_seed(0)
    book = Memory(PLAN, replace(small.TINY, embedding=8, values=8))
    keys, values = book.form().linear.mT.detach(), book.table().detach()
    assert torch.allclose(torch.cdist(values, values), 8**0.5 * torch.cdist(keys, keys), atol=1e-4)
    assert float(values.std()) == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("worth", [3, 20])
def test_values_of_another_size_follow_the_keys(worth: int) -> None:
    torch.manual_seed(0)
    book = Memory(PLAN, replace(small.TINY, embedding=8, values=worth))
    first, second = (torch.cdist(t, t).detach().flatten() for t in (book.form().linear.mT, book.table()))
    assert book.table().shape == (3, 16, worth)
    assert float(torch.corrcoef(torch.stack([first, second]))[0, 1]) > 0.6


@pytest.mark.parametrize("gain", [1.0, 0.1])
def test_a_step_turns_rows_of_any_length_alike(gain: float) -> None:
    """By 0.04 rad at Adamax's 2e-3 an entry; drawn by their number of inputs, 5,000 turned by more than 0.13."""
    torch.manual_seed(0)
    for inputs in (50, 5000):
        conv = Conv(inputs, 16, FLOAT, kernel=1, gain=gain)
        before = conv.weight.detach().clone()
        direction = conv.get_parameter("parametrizations.weight.original1")
        assert before.norm(dim=1).numpy() == pytest.approx(gain, rel=0.5)
        with torch.no_grad():
            direction.add_(2e-3 * torch.randn_like(direction).sign())
        angle = torch.arccos(torch.cosine_similarity(before, conv.weight.detach()))
        assert float(angle.mean()) == pytest.approx(0.04, abs=0.01)


def test_symbols_stay_in_use() -> None:
    """After 60 steps the posteriors' mean over images is still spread over several symbols a variable."""
    task = begun("hdvae-small")
    rng = np.random.default_rng(2)
    optimiser = torch.optim.Adamax([{"params": group.parameters, "lr": group.rate} for group in task.groups()])
    for step in range(60):
        progress = Progress(step, 0.0)
        terms = task.loss_terms(task.data.batch(32, rng), progress)
        optimiser.zero_grad()
        terms.loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    for posterior in coded_size(task, task.data.batch(128, rng)).posteriors:
        mean = posterior.exp().mean(1)
        assert float(-(mean * mean.log()).sum(-1).mean()) > 1.5


@pytest.mark.parametrize("batch", [1, 2])
def test_networks_begin_well_with_batches_of_one_or_two_images(batch: int) -> None:
    preset = small.shrunk(FAMILY_PRESETS["spatial-l5"])
    torch.manual_seed(0)
    task = ElboTask(preset.config, replace(preset.recipe, batch=batch), small.Discs(preset.config))
    task.module.train()
    task.prepare(np.random.default_rng(0))
    terms = task.loss_terms(task.batch(np.random.default_rng(1), Progress(0, 0.0)), Progress(0, 0.0))
    assert 0 < terms.figures["bits_per_dim"] < 40
