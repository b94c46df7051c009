"""Every preset: its networks build, train, are saved and loaded, and make pictures."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import families_small as small
import numpy as np
import pytest
import torch

import toy_task
from dvcodec.errors import DvcodecError, InvalidArgument
from dvcodec.evaluation.likelihood.family_samples import draw, reconstruct
from dvcodec.models.families.codebooks import Responsibilities
from dvcodec.models.families.model import FamilyVAE
from dvcodec.models.families.packing import pack, unpack
from dvcodec.models.families.relaxations import KINDS
from dvcodec.models.families.smoothing import SMOOTHINGS
from dvcodec.training.loop.distributed import DistributedContext
from dvcodec.training.loop.task import Progress
from dvcodec.training.loop.trainer import RunLimits, Trainer
from dvcodec.training.recipes.families import FamilyPreset, Kind, Smooth
from dvcodec.training.recipes.family_presets import FAMILY_PRESETS
from dvcodec.training.recipes.registry import Settings, resolve, restored
from dvcodec.training.tasks.families import ElboTask

LARGER = [f"{kind}-l{layers}" for kind in ("hdvae", "lvae-gaussian") for layers in (4, 5, 6)]
LARGER += [f"{name}-linear" for name in ("dvaepp-two", "dvaepp-rbm", "dvaepp-rbm-one", "dvae")]
LARGER += ["dvaepp-two", "dvaepp-rbm-one"]
DISTINCT = [
    name
    for name in FAMILY_PRESETS
    if name == "hdvae-n12-l6"
    or not (name == "hdvae" or name.startswith("hdvae-n") or name in LARGER or name.endswith(("-celeba", "-cifar")))
    or name == "dvaepp-mixed-cifar"
]
"""The grid's presets and those of deeper models and larger images differ in numbers alone: when shrunk, these stand
for all."""


def task_of(preset: FamilyPreset, seed: int = 0) -> ElboTask:
    """A task over eight images, its networks from a seed."""
    torch.manual_seed(seed)
    few = small.Few(preset)
    return ElboTask(preset.config, preset.recipe, few, lambda: [few.images])


def trainer(name: str, folder: Path, steps: int, seed: int = 0) -> Trainer:
    """The loop over a shrunk preset's task, at six times its rates."""
    preset = small.shrunk(FAMILY_PRESETS[name])
    recipe = replace(preset.recipe, steps=steps, warm_up=10, schedule="constant", validate_every=0)
    recipe = replace(recipe, rate=6 * recipe.rate, values_rate=6 * recipe.values_rate)
    task = task_of(replace(preset, recipe=recipe), seed)
    return Trainer(task, Settings("family", name, preset.config, recipe), RunLimits(folder), DistributedContext(), {})


def task(run: Trainer) -> ElboTask:
    """A trainer's task."""
    assert isinstance(run.task, ElboTask)
    return run.task


@pytest.mark.parametrize("name", FAMILY_PRESETS)
def test_every_preset_builds(name: str) -> None:
    preset = FAMILY_PRESETS[name]
    with torch.device("meta"):
        model = FamilyVAE(preset.config)
    groups = [parameter for parameter in model.parameters() if parameter.requires_grad]
    assert groups
    assert len(model.layers()) == preset.config.levels
    assert len(preset.recipe.fractions) == len(preset.recipe.temperatures)


def test_the_papers_sizes() -> None:
    assert sum(FAMILY_PRESETS["rrvq-l32"].config.sides[i] ** 2 for i in range(32)) == 8 * (256 + 64 + 16 + 4)
    assert [FAMILY_PRESETS[f"hdvae-l{n}"].config.variables for n in (1, 2, 3)] == [(16,), (16, 8), (16, 8, 4)]
    assert FAMILY_PRESETS["hdvae-l3"].config.symbols == (256, 64, 16)
    assert [sum(FAMILY_PRESETS[f"hdvae-l{n}"].config.variables) for n in (4, 5, 6)] == [32, 36, 96]
    assert FAMILY_PRESETS["hdvae-l5"].config.symbols == (256, 64, 16, 16, 16)
    tapered = FAMILY_PRESETS["rrvq-l5-celeba"].config  # 2275 bits of symbols: W, appendix F
    assert sum(s**2 * np.log2(k) for s, k in zip(tapered.sides, tapered.symbols, strict=True)) == 2275
    assert FAMILY_PRESETS["rvq-swatches"].config.sides == (16,)  # a quarter of the pixels
    for total in (12, 24, 48, 98):
        for layers in range(1, 7):
            assert sum(FAMILY_PRESETS[f"hdvae-n{total}-l{layers}"].config.variables) == total
    assert FAMILY_PRESETS["hdvae"].config == FAMILY_PRESETS["hdvae-l3"].config


@pytest.mark.parametrize("name", DISTINCT)
def test_every_preset_takes_a_step_and_samples(name: str, tmp_path: Path) -> None:
    run = trainer(name, tmp_path, steps=1)
    run.begin()
    model, config = task(run).module, run.settings.config
    before = {key: value.clone() for key, value in model.state_dict().items()}
    run.one_step(Progress(0, 0.0))
    still = [key for key, value in model.named_parameters() if torch.equal(before[key], value)]
    assert len(still) <= 0.02 * len(before), still
    shape = (config.channels, config.image, config.image)
    assert draw(model.eval(), 3, layers=1, seed=1).shape == (3, *shape)
    assert reconstruct(model, task(run).batch(np.random.default_rng(0), Progress(0, 0.0))).shape == (8, *shape)


QUICK = ("hdvae-n12-l6", "rrvq-l5-unit")
"""The presets that overfit with every run of the tests; the others do so with the slow ones."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in DISTINCT]
)
def test_every_preset_overfits_eight_images(name: str, tmp_path: Path) -> None:
    config = FAMILY_PRESETS[name].config
    steps = 60 if config.binary or config.levels == 1 else 34  # the others are slow, and learn in fewer
    if config.lipschitz:
        steps = 90  # bounded networks learn more slowly
    run = trainer(name, tmp_path, steps)
    run.begin()
    losses = [float(run.one_step(Progress(step, step / steps))[0].loss.detach()) for step in range(steps)]
    assert np.mean(losses[-3:]) < (0.4 if config.binary else 0.6) * losses[0], losses[::8]
    if config.likelihood != "neighbours":  # whose means need the pixels before as well
        assert explained(run) > (0.4 if config.binary else 0.1)


BINARY: dict[str, object] = {"latent": "logits", "prior": "direct", "symbols": (2, 2), "variables": (16, 16)}
AXES: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "vae": ({"hierarchy": "vae"}, {}),
    "skip-vae": ({"hierarchy": "skip-vae"}, {}),
    "lvae": ({"hierarchy": "lvae"}, {}),
    "biva": ({"hierarchy": "biva"}, {}),
    "logits": ({"latent": "logits", "prior": "direct"}, {}),
    "isotropic": ({"latent": "responsibilities", "variance": "isotropic"}, {}),
    "mixture": ({"likelihood": "mixture", "channels": 3}, {}),
    "gaussian": ({"likelihood": "gaussian", "channels": 3}, {"kl_weight": 0.5}),
    "straight-through": ({}, {"relaxation": "straight-through"}),
    "straight-through-gumbel": ({}, {"relaxation": "straight-through-gumbel"}),
    "overlap-power": (BINARY, {"relaxation": "overlap-power"}),
    "spike-root": (BINARY, {"relaxation": "spike-root"}),
}
"""What no preset has, or none but with much else: changes of the configuration, and of the recipe."""


@pytest.mark.parametrize("name", AXES)
def test_choices_without_a_preset_train(name: str, tmp_path: Path) -> None:
    """The loss falls, and every parameter has a gradient."""
    config, recipe = AXES[name]
    preset = small.shrunk(FAMILY_PRESETS["hdvae-small"])
    preset = replace(preset, config=replace(preset.config, image=8, sides=(4, 2), **config))  # type: ignore[arg-type]
    recipe = {"steps": 40, "warm_up": 5, "schedule": "constant", "validate_every": 0, **recipe}
    preset = replace(preset, recipe=replace(preset.recipe, rate=6 * preset.recipe.rate, **recipe))  # type: ignore[arg-type]
    settings = Settings("family", "hdvae-small", preset.config, preset.recipe)
    run = Trainer(task_of(preset), settings, RunLimits(tmp_path), DistributedContext(), {})
    run.begin()
    moved = {key: torch.zeros_like(value) for key, value in run.module.named_parameters()}
    losses = []
    for step in range(40):
        losses.append(float(run.one_step(Progress(step, step / 40))[0].loss.detach()))
        for key, value in run.module.named_parameters():
            moved[key] += value.grad.abs() if value.grad is not None else 0
    assert np.mean(losses[-3:]) < 0.8 * losses[0], losses[::8]
    still = [key for key, total in moved.items() if not bool(total.any())]
    assert len(still) <= 0.02 * len(moved), still


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rrvq-l32", "hdvae-n98-l6"])
def test_the_deepest_presets_at_their_own_depth(name: str, tmp_path: Path) -> None:
    """A step, samples, and integers of networks that are narrow but as deep as the paper's."""
    preset = FAMILY_PRESETS[name]
    narrow = replace(preset.config, width=8, symbols=(16,) * preset.config.levels)
    preset = replace(preset, config=narrow, recipe=replace(preset.recipe, batch=8, validate_every=0))
    settings = Settings("family", name, preset.config, preset.recipe)
    run = Trainer(task_of(preset), settings, RunLimits(tmp_path), DistributedContext(), {})
    run.begin()
    terms, _ = run.one_step(Progress(0, 0.0))
    assert len(terms.layer_nats) == preset.config.levels
    model = task(run).module.eval()
    assert draw(model, 2, layers=1, seed=1).shape[0] == 2
    frozen = unpack(model.config, pack(model))
    assert len(frozen.layers()) == preset.config.levels


def explained(run: Trainer) -> float:
    """The share of what sets the images apart that their reconstructions have: of a model without latents at most 0."""
    x, binary = small.Few(FAMILY_PRESETS[run.settings.preset]).images, run.settings.config.binary
    made = torch.from_numpy(reconstruct(task(run).module.eval(), x)).float() / (255 if binary else 1)
    return 1 - float((made - x).square().mean() / (x - x.mean(0)).square().mean())


STATES = (
    *("rrvq-l5", "vqvae", "rvq-mlp-swatches", "rrvq-archive", "hdvae-l2", "hdvae-lipschitz", "lvae-gaussian-l2"),
    *("dvaepp-binary", "dvaepp-rbm", "dvae", "dvaepp-mixed", "dvaepp-mixed-cifar"),
)
"""The presets that differ in what a checkpoint must hold: averages, chains, rates of their own, random numbers of
dropout and of every relaxation. The others go on with the slow tests."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in STATES else pytest.mark.slow) for name in DISTINCT]
)
def test_every_preset_goes_on_as_if_never_stopped(name: str, tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    toy_task.train(trainer(name, whole, steps=4))
    toy_task.interrupt(trainer(name, cut, steps=4), after=1)
    toy_task.resume(trainer(name, cut, steps=4, seed=1))
    assert toy_task.differing(whole, cut) == []


def test_free_bits_and_warm_up() -> None:
    preset = small.shrunk(FAMILY_PRESETS["hdvae-l2"])
    task = task_of(replace(preset, recipe=replace(preset.recipe, free_bits=1000.0, kl_warm_up=10)))
    x = task.data.batch(4, np.random.default_rng(0))
    task.module.eval()
    torch.manual_seed(0)
    low, high = (task.loss_terms(x, Progress(step, 0.0)) for step in (0, 9))
    assert float((high.loss - low.loss).detach()) == pytest.approx(
        2 * 1000 * 0.9, abs=60
    )  # two layers; the samples differ
    assert low.figures["temperature"] == 0.8
    halved = task_of(replace(preset, recipe=replace(preset.recipe, kl_weight=0.5, kl_warm_up=4)))
    assert [halved._weight(Progress(step, 0.0)) for step in (0, 3, 9)] == [0.125, 0.5, 0.5]


def test_temperatures_fall_along_their_schedule() -> None:
    task = task_of(small.shrunk(FAMILY_PRESETS["hdvae-l1"]))
    x = task.data.batch(1, np.random.default_rng(0))
    found = [
        task.loss_terms(x, Progress(0, part)).figures["temperature"] for part in (0, 1 / 6, 1 / 3, 1 / 2, 2 / 3, 0.99)
    ]
    assert found == pytest.approx([0.8, 0.55, 0.3, 0.2, 0.1, 0.1])


def test_beta_rises_from_the_start_of_a_run_to_its_end() -> None:
    preset = small.shrunk(FAMILY_PRESETS["hdvae-l1"])
    config = replace(preset.config, latent="logits", prior="direct", symbols=(2,))
    recipe = replace(preset.recipe, relaxation="overlap-exponential", betas=(5.0, 15.0))
    task = task_of(replace(preset, config=config, recipe=recipe))
    x = task.data.batch(1, np.random.default_rng(0))
    found = [task.loss_terms(x, Progress(0, part)).figures for part in (0, 0.5, 0.9)]
    assert [figures["beta"] for figures in found] == pytest.approx([5.0, 10.0, 14.0])
    assert all("temperature" not in figures for figures in found)


@pytest.mark.parametrize("changes", [{}, {"latent": "nearest"}, {"latent": "gaussian", "exact": "false"}])
def test_smoothing_needs_layers_of_two_symbols(changes: dict[str, str]) -> None:
    preset = "vqvae" if changes.get("latent") == "nearest" else "hdvae-l1"
    extra = {"symbols": "2"} if changes else {}
    for relaxation in get_args(Smooth):
        with pytest.raises(InvalidArgument, match="two symbols"):
            resolve(preset, {"relaxation": relaxation, **changes, **extra}, None)
    accepted = resolve(
        "hdvae-l1",
        {"relaxation": "split-root", "latent": "logits", "prior": "direct", "symbols": "2", "betas": "5, 12"},
        None,
    )
    assert restored(accepted.plain()) == accepted
    for betas in ("1,2", "5,31", "5", "5,6,7"):
        with pytest.raises(InvalidArgument, match="beta"):
            resolve("hdvae-l1", {"betas": betas}, None)


def test_the_recipe_knows_every_smoothing_transformation() -> None:
    assert get_args(Kind) == KINDS and get_args(Smooth) == tuple(SMOOTHINGS)


def test_memory_values_have_a_rate_of_their_own() -> None:
    rates = {group.name: group.rate for group in task_of(small.shrunk(FAMILY_PRESETS["hdvae-l3"])).groups()}
    assert rates == {"values": 2e-2, "networks": 2e-3}
    groups = task_of(small.shrunk(FAMILY_PRESETS["rrvq-l5"])).groups()
    assert [group.name for group in groups] == ["networks"]


def test_a_loss_that_is_no_number_names_its_layer() -> None:
    task = task_of(small.shrunk(FAMILY_PRESETS["rrvq-l5"]))
    layer = next(layer for layer in task.module.layers() if layer.plan.name == "z3")
    assert isinstance(layer.codebook, Responsibilities)
    layer.codebook.means.data[0, 0, 0] = torch.nan
    with pytest.raises(DvcodecError, match="first in layer z3"):
        task.loss_terms(task.data.batch(2, np.random.default_rng(0)), Progress(0, 0.0))


def test_validation_is_the_negative_elbo_with_hard_samples() -> None:
    from dvcodec.evaluation.likelihood.family_bound import measure

    task = task_of(small.shrunk(FAMILY_PRESETS["hdvae-l2"]))
    task.module.eval()
    torch.manual_seed(0)
    values = [task.validate() for _ in range(20)]
    bound = measure(task.module, [task.data.batch(8, np.random.default_rng(0))] * 20)
    assert np.mean(values) == pytest.approx(-bound.elbo_nats, abs=6 * float(np.std(values)) / 20**0.5)
