"""The training package: objective, resume, export; on a narrow model and a few small images."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import clustered
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import SafetensorError

from dvcodec import training
from dvcodec.errors import DvcodecError, InvalidArgument, OutputFailed
from dvcodec.models.configs import RRVQConfig
from dvcodec.models.photo.layout import PhotoLayerPlan
from dvcodec.models.photo.network.latent import CONTEXT, PhotoLatentLayer
from dvcodec.models.photo.network.model import PhotoRRVQ
from dvcodec.models.photo.network.top_down import PhotoStep
from dvcodec.models.photo.packing import pack
from dvcodec.training.data.photo_folder import PhotoFolder
from dvcodec.training.loop.checkpoints import FILE, Checkpoint
from dvcodec.training.loop.distributed import DistributedContext
from dvcodec.training.loop.task import LossTerms, Progress
from dvcodec.training.loop.trainer import RunLimits, Trainer
from dvcodec.training.options import TrainOptions
from dvcodec.training.recipes.base import Preset
from dvcodec.training.recipes.photo import PHOTO_PRESETS, PhotoRecipe
from dvcodec.training.recipes.registry import resolve
from dvcodec.training.tasks.codebooks import cluster, companded, marginals
from dvcodec.training.tasks.photo import PhotoTask
from dvcodec.training.tasks.posterior_source import PosteriorSource
from dvcodec.training.tasks.rate_distortion import rate_distortion
from dvcodec.training.warm_start.photo import warm_start_photo_model

CONFIG = RRVQConfig({64: 16, 32: 16, 16: 16, 8: 16}, 1, 16, synthesis_width=16, analysis_width=8)
SMALL = {"batch": "2", "crop": "64", "late_crop": "64", "precision": "fp32"}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three small images with edges, gradients and noise."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for i in range(3):
        y, x = np.mgrid[:96, :96]
        base = np.stack([(x * (i + 1)) % 256, (y * 2) % 256, ((x + y) // 16 % 2) * 200], axis=-1)
        Image.fromarray(np.clip(base + rng.normal(0, 8, base.shape), 0, 255).astype(np.uint8)).save(folder / f"{i}.png")
    return folder


@pytest.fixture(scope="module", autouse=True)
def narrow() -> Iterator[None]:
    """Presets with narrow networks, one thread, the same codebooks for the same photographs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PHOTO_PRESETS, "rrvq", Preset("narrow", CONFIG, PhotoRecipe()))
        patch.setattr("dvcodec.training.tasks.codebooks.codebooks", clustered.codebooks)
        torch.set_num_threads(1)
        yield


@pytest.fixture(scope="module")
def whole(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of four steps that nothing interrupted. Shared: do not change it."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    training.train(options(photos, folder, 4))
    return folder


@pytest.fixture(scope="module")
def exported(whole: Path) -> Path:
    """Its weights."""
    return training.export_weights(whole / FILE, whole.parent / "mine.safetensors", {"name": "mine"})


def options(photos: Path, out: Path, steps: int, *, resume: bool = False) -> TrainOptions:
    """A run of `steps` out of 4."""
    return TrainOptions(
        model="rrvq", data=str(photos), out=out, steps=steps, resume=resume, device="cpu", overrides=SMALL, quiet=True
    )


def test_a_resumed_run_equals_an_uninterrupted_one(
    photos: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Trainer.one_step

    def stopping(self: Trainer, progress: Progress) -> tuple[LossTerms, float]:
        if progress.step == 1:  # as Ctrl-C does in the middle of the second step
            self.interrupts.asked = signal.SIGINT
        return step(self, progress)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "one_step", stopping)
        with pytest.raises(KeyboardInterrupt):
            training.train(options(photos, tmp_path / "cut", 4))
    assert Checkpoint(tmp_path / "cut" / FILE).state["step"] == 2
    training.train(options(photos, tmp_path / "cut", 4, resume=True))
    expected, cut = Checkpoint(whole / FILE), Checkpoint(tmp_path / "cut" / FILE)
    assert expected.state["step"] == cut.state["step"] == 4
    for key, value in expected.tensors.items():
        assert torch.equal(value, cut.tensors[key]), key


def test_training_lowers_the_objective(photos: Path, tmp_path: Path) -> None:
    settings = resolve("rrvq", SMALL | {"warm_up": "1", "rate": "0.004"}, 100)
    recipe = settings.recipe
    assert isinstance(recipe, PhotoRecipe)
    torch.manual_seed(0)
    task = PhotoTask(settings.config, recipe, PhotoFolder(photos, 64), 0, None)
    trainer = Trainer(task, settings, RunLimits(tmp_path), DistributedContext(), {})
    trainer.begin()
    task.module.train()
    x, quality = task.batch(trainer.rng, Progress(0, 0.0)), torch.tensor([1000, 3000])

    def loss() -> float:
        terms = rate_distortion(task.module, x, quality, recipe, relax=0, analysis=False)
        return float(terms.loss.detach())

    before = loss()
    for trainer.step in range(12):
        trainer.one_step(Progress(trainer.step, 0.1))
    assert loss() < 0.98 * before


def test_layers_without_predictions_train(photos: Path, tmp_path: Path) -> None:
    settings = resolve("rrvq", SMALL | {"predictions": "false"}, 100)
    recipe = settings.recipe
    assert isinstance(recipe, PhotoRecipe)
    task = PhotoTask(settings.config, recipe, PhotoFolder(photos, 64), 0, None)
    assert not task.module.config.predictions
    trainer = Trainer(task, settings, RunLimits(tmp_path), DistributedContext(), {})
    trainer.begin()
    task.module.train()
    before = {name: parameter.clone() for name, parameter in task.module.named_parameters()}
    for step in range(2):  # with the relaxation and without
        trainer.one_step(Progress(step, 0.5))
    assert any(not torch.equal(before[name], parameter) for name, parameter in task.module.named_parameters())


def test_an_existing_run_is_not_overwritten(photos: Path, tmp_path: Path) -> None:
    (checkpoint := tmp_path / "run" / FILE).parent.mkdir()
    checkpoint.write_bytes(b"a run")
    with pytest.raises(DvcodecError, match="holds a run"):
        training.train(options(photos, tmp_path / "run", 1))
    assert checkpoint.read_bytes() == b"a run"


def test_a_disk_that_fails_is_reported_in_one_line(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise SafetensorError("no space left")

    monkeypatch.setattr("dvcodec.training.loop.checkpoints.save_file", full)
    with pytest.raises(OutputFailed, match=r"cannot write .*: no space left"):
        training.train(options(photos, tmp_path / "run", 1))


def test_a_loss_that_is_no_number_stops_with_the_layers_name(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dvcodec.models.photo.network.latent import PhotoLatentLayer

    scores = PhotoLatentLayer.scores

    def broken(self: PhotoLatentLayer, embedding: torch.Tensor) -> torch.Tensor:
        return scores(self, embedding) * (float("nan") if self.name == "16/y-v" else 1.0)

    monkeypatch.setattr(PhotoLatentLayer, "scores", broken)
    with pytest.raises(DvcodecError, match="first in layer 16/y-v"):
        training.train(options(photos, tmp_path / "run", 1))


def test_gradients_reach_every_parameter(photos: Path) -> None:
    model = PhotoRRVQ(CONFIG).train()
    for layer in model.chain.layers():
        values = torch.randn(layer.symbols, len(layer.coefficients)) * 3
        layer.initialise(values, torch.full((layer.symbols,), 1 / layer.symbols))
    for net in (model.analysis, model.synthesis):
        torch.nn.init.normal_(net.last.weight, std=0.01)
    x = torch.rand(2, 3, 64, 64) * 255
    terms = rate_distortion(model, x, torch.tensor([1000, 3000]), PhotoRecipe(), relax=1, analysis=True)
    terms.loss.backward()  # type: ignore[no-untyped-call]
    # the reconstruction by the very last layers, and every weight before them, is used
    missing = [name for name, p in model.named_parameters() if p.grad is None or not bool(p.grad.abs().sum() > 0)]
    assert missing == []
    assert terms.codes.keys() == terms.layer_nats.keys()
    assert all(1 <= terms.codes[layer.name] <= layer.symbols for layer in model.chain.layers())


def test_the_relaxation_has_the_gradient_of_the_posterior_mean() -> None:
    generator = torch.Generator().manual_seed(3)
    layer = PhotoLatentLayer(PhotoLayerPlan("a", 8, (0, 1), 9), 4)
    layer.initialise(torch.randn(9, 2, generator=generator), torch.full((9,), 1 / 9))
    residual = torch.randn(50, 2, generator=generator).double().float().requires_grad_()
    step = PhotoStep(0, layer, torch.randn(50, 2 + CONTEXT, generator=generator), residual, slice(0, 50), residual)
    source = PosteriorSource(2, torch.tensor([0.5, 2.0]), emphasis=3.0)
    symbols = source.next(step)
    assert source.codes == {"a": len(set(symbols.tolist()))}
    along = torch.randn(50, 2, generator=generator)
    assert step.relaxed is not None and not step.relaxed.any()
    (gradient,) = torch.autograd.grad((step.relaxed * along).sum() + source.pull, residual)

    scores = layer.scores(step.embedding).detach()
    posterior = torch.softmax(scores - layer.distortion(residual), dim=1)
    mean = posterior @ layer.reconstruction_values().detach()
    rate = (posterior * -scores).sum(1) * torch.tensor([0.5, 2.0]).repeat_interleave(25)
    (expected,) = torch.autograd.grad(3.0 * ((mean * along).sum() + rate.sum()), residual)
    assert torch.allclose(gradient, expected, atol=1e-4)


def test_export_writes_weights_that_code(photos: Path, exported: Path) -> None:
    import dvcodec

    card = json.loads((exported.parent / "mine.card.json").read_text())
    assert (
        card["name"] == "mine"
        and card["training"]["step"] == 4
        and len(card["layers"]) == len(set(map(str, card["layers"])))
    )
    image = Image.open(photos / "0.png").convert("RGB")
    data = dvcodec.compress(image, quality=30, weights=str(exported))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVCODEC_WEIGHTS", str(exported.parent))
        assert dvcodec.decompress(data).size == image.size


def test_unknown_settings_are_named() -> None:
    with pytest.raises(InvalidArgument, match="no setting 'colour'"):
        resolve("rrvq", {"colour": "3"}, None)
    with pytest.raises(InvalidArgument, match="batch=many"):
        resolve("rrvq", {"batch": "many"}, None)
    assert resolve("rrvq", {"batch": "3"}, 7).recipe == PhotoRecipe(batch=3, steps=7)


def test_codebooks_start_where_the_data_are() -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(4000, 2, generator=generator) * 5
    centres = cluster(points, 16, generator)
    assert bool((centres[0] == 0).all())
    spread = (points[:, None] - centres).square().sum(-1).amin(1).mean()
    assert spread < 0.3 * points.square().sum(1).mean()
    frequencies = marginals(points, centres)
    assert frequencies.sum() == pytest.approx(1, abs=1e-5) and frequencies.min() > 0


def test_companded_scalars_span_what_is_asked() -> None:
    scalars = companded(256, 3.2, 500.0)
    assert scalars[128] == 0 and scalars[0] == pytest.approx(-500, rel=0.01)
    assert scalars[129] == pytest.approx(3.2, rel=0.01)
    assert bool((scalars[1:] > scalars[:-1]).all())


def test_a_run_goes_on_from_weights(photos: Path, whole: Path, exported: Path, tmp_path: Path) -> None:
    source, started = Checkpoint(whole / FILE).photo_model(), PhotoRRVQ(CONFIG)
    warm_start_photo_model(started, exported)
    packed, again = pack(source), pack(started)
    for name in packed:
        if name.startswith("chain.") and name.endswith((".values", ".context", ".quality", ".rest")):
            assert torch.equal(packed[name], again[name]), name
    x, quality = torch.rand(2, 3, 64, 64) * 255, torch.tensor([1000, 3000])
    before, after = (
        rate_distortion(model.eval(), x, quality, PhotoRecipe(), relax=0, analysis=False) for model in (source, started)
    )
    # the widest scalar codebooks keep their variances coarsely, but for what their constants tell; nothing else moves
    assert after.figures == pytest.approx(before.figures, rel=0.001)
    training.train(replace(options(photos, tmp_path / "on", 1), start=exported))
    assert Checkpoint(tmp_path / "on" / FILE).state["step"] == 1


def test_weights_of_other_sizes_cannot_be_gone_on_from(exported: Path) -> None:
    with pytest.raises(DvcodecError, match="other sizes"):
        warm_start_photo_model(PhotoRRVQ(replace(CONFIG, hidden=24)), exported)
