"""Every preset: its networks build, train, are saved and loaded, and make pictures."""

from dataclasses import replace

import families_small as small
import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from dvcodec.codec.errors import DvcodecError
from dvcodec.evaluation.samples import draw, reconstruct
from dvcodec.models.families.codebooks import Responsibilities
from dvcodec.models.families.model import FamilyVAE
from dvcodec.training.elbo import ElboTask
from dvcodec.training.families import FAMILIES, FamilyPreset
from dvcodec.training.task import Moment

GRID = {"hdvae-n12-l6", "hdvae-n98-l1"}
DISTINCT = [name for name in FAMILIES if name != "hdvae" and (not name.startswith("hdvae-n") or name in GRID)]
"""The grid's presets differ in numbers alone: two of them stand for all where training is concerned."""
SMALL = ("rrvq-l5-small", "vqvae", "spatial-l5", "hdvae-small", "lvae-gaussian-l1")


def task_of(preset: FamilyPreset) -> ElboTask:
    """A task over eight images, its networks from seed 0."""
    torch.manual_seed(0)
    few = small.Few(preset)
    return ElboTask(preset.config, preset.recipe, few, lambda: [few.images])


def train(task: ElboTask, steps: int, rate: float = 1.0) -> list[float]:
    """Adamax over the task's groups; the losses."""
    rng = np.random.default_rng(0)
    optimiser = torch.optim.Adamax([{"params": group.parameters, "lr": rate * group.rate} for group in task.groups()])
    losses = []
    task.module.train()
    for step in range(steps):
        moment = Moment(step, step / steps)
        terms = task.terms(task.batch(rng, moment), moment)
        optimiser.zero_grad()
        terms.loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(float(terms.loss.detach()))
    return losses


@pytest.mark.parametrize("name", FAMILIES)
def test_every_preset_builds(name: str) -> None:
    preset = FAMILIES[name]
    with torch.device("meta"):
        model = FamilyVAE(replace(preset.config, weight_norm=False))  # which the steps below have
    groups = [parameter for parameter in model.parameters() if parameter.requires_grad]
    assert groups
    assert len(model.layers()) == preset.config.levels
    assert len(preset.recipe.fractions) == len(preset.recipe.temperatures)


def test_the_papers_sizes() -> None:
    assert sum(FAMILIES["rrvq-l32"].config.sides[i] ** 2 for i in range(32)) == 8 * (256 + 64 + 16 + 4)
    assert [FAMILIES[f"hdvae-l{n}"].config.variables for n in (1, 2, 3)] == [(16,), (16, 8), (16, 8, 4)]
    assert FAMILIES["hdvae-l3"].config.symbols == (256, 64, 16)
    for total in (12, 24, 48, 98):
        for layers in range(1, 7):
            assert sum(FAMILIES[f"hdvae-n{total}-l{layers}"].config.variables) == total
    assert FAMILIES["hdvae"].config == FAMILIES["hdvae-l3"].config


@pytest.mark.parametrize("name", DISTINCT)
def test_every_preset_takes_a_step_and_samples(name: str) -> None:
    preset = small.shrunk(FAMILIES[name])
    task = task_of(preset)
    task.prepare(np.random.default_rng(0))
    before = {key: value.clone() for key, value in task.module.state_dict().items()}
    assert all(np.isfinite(train(task, 1)))
    still = [key for key, value in task.module.named_parameters() if torch.equal(before[key], value)]
    assert len(still) <= 0.02 * len(before), still
    side, channels = preset.config.image, preset.config.channels
    pictures = draw(task.module.eval(), 3, layers=1, seed=1)
    assert pictures.shape == (3, channels, side, side)
    assert reconstruct(task.module, task.data.batch(2, np.random.default_rng(0))).shape == (2, channels, side, side)


@pytest.mark.parametrize("name", SMALL)
def test_small_presets_learn_eight_images(name: str) -> None:
    task = task_of(small.shrunk(FAMILIES[name]))
    task.prepare(np.random.default_rng(0))
    losses = train(task, 25, rate=10)
    assert np.mean(losses[-3:]) < 0.75 * np.mean(losses[:2]), losses[::5]


def test_a_saved_task_goes_on_as_if_never_stopped() -> None:
    preset = small.shrunk(FAMILIES["hdvae-l2"])
    whole, first = task_of(preset), task_of(preset)
    state = save(first.module.state_dict())
    second = task_of(replace(preset, config=replace(preset.config)))
    second.module.load_state_dict(load(state))
    runs = []
    for task in (whole, second):
        torch.manual_seed(3)
        runs.append(train(task, 3))
    assert runs[0] == runs[1]


def test_free_bits_and_warm_up() -> None:
    preset = small.shrunk(FAMILIES["hdvae-l2"])
    task = task_of(replace(preset, recipe=replace(preset.recipe, free_bits=1000.0, kl_warm_up=10)))
    x = task.data.batch(4, np.random.default_rng(0))
    task.module.eval()
    torch.manual_seed(0)
    low, high = (task.terms(x, Moment(step, 0.0)) for step in (0, 9))
    assert float((high.loss - low.loss).detach()) == pytest.approx(
        2 * 1000 * 0.9, abs=60
    )  # two layers; the samples differ
    assert low.figures["temperature"] == 0.8


def test_temperatures_fall_along_their_schedule() -> None:
    task = task_of(small.shrunk(FAMILIES["hdvae-l1"]))
    x = task.data.batch(1, np.random.default_rng(0))
    found = [task.terms(x, Moment(0, part)).figures["temperature"] for part in (0, 1 / 6, 1 / 3, 1 / 2, 2 / 3, 0.99)]
    assert found == pytest.approx([0.8, 0.55, 0.3, 0.2, 0.1, 0.1])


def test_memory_values_have_a_rate_of_their_own() -> None:
    rates = {group.name: group.rate for group in task_of(small.shrunk(FAMILIES["hdvae-l3"])).groups()}
    assert rates == {"values": 2e-2, "networks": 2e-3}
    groups = task_of(small.shrunk(FAMILIES["rrvq-l5"])).groups()
    assert [group.name for group in groups] == ["networks"]


def test_a_loss_that_is_no_number_names_its_layer() -> None:
    task = task_of(small.shrunk(FAMILIES["rrvq-l5"]))
    layer = next(layer for layer in task.module.layers() if layer.plan.name == "z3")
    assert isinstance(layer.codebook, Responsibilities)
    layer.codebook.means.data[0, 0, 0] = torch.nan
    with pytest.raises(DvcodecError, match="first in layer z3"):
        task.terms(task.data.batch(2, np.random.default_rng(0)), Moment(0, 0.0))


def test_validation_is_the_negative_elbo_with_hard_samples() -> None:
    from dvcodec.evaluation.bound import measure

    task = task_of(small.shrunk(FAMILIES["hdvae-l2"]))
    task.module.eval()
    torch.manual_seed(0)
    values = [task.validate() for _ in range(20)]
    bound = measure(task.module, [task.data.batch(8, np.random.default_rng(0))] * 20)
    assert np.mean(values) == pytest.approx(-bound.elbo_nats, abs=6 * float(np.std(values)) / 20**0.5)
