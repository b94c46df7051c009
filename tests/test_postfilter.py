"""The post-filter: silent at first, the same in strips, seen by the encoder, and trained by itself on decoded crops."""

from dataclasses import replace
from pathlib import Path

import clustered
import numpy as np
import pytest
import small_model
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from dvcodec import training
from dvcodec.errors import DvcodecError, InvalidArgument
from dvcodec.models.photo.bands import render_bands
from dvcodec.models.photo.encoder.lookahead import lookahead
from dvcodec.models.photo.file import write
from dvcodec.models.photo.halo import with_halo
from dvcodec.models.photo.network.chain import KNOTS
from dvcodec.models.photo.network.model import DecoderOutput, PhotoRRVQ, grid_sizes
from dvcodec.models.photo.network.postfilter import PostFilter
from dvcodec.training.data.photo_folder import PhotoFolder
from dvcodec.training.loop.checkpoints import FILE, Checkpoint
from dvcodec.training.loop.task import Progress
from dvcodec.training.options import TrainOptions
from dvcodec.training.recipes.base import Preset
from dvcodec.training.recipes.photo import PHOTO_PRESETS, PhotoRecipe
from dvcodec.training.tasks.postfilter import PostFilterTask
from dvcodec.training.warm_start.photo import warm_start_photo_model

CONFIG = small_model.CONFIG
ALONE = replace(CONFIG, postfilter_width=0)
QUALITY = torch.tensor([2000])
SMALL = {"batch": "2", "crop": "64", "late_crop": "64", "pool": "3", "pool_side": "72", "precision": "fp32"}


def lively() -> PostFilter:
    """A filter whose every part counts."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(1)
        net = PostFilter(8, 2, 6, KNOTS).eval()
        for parameter in net.parameters():
            parameter.normal_(std=0.1)
    return net


def seen(rows: int, columns: int, batch: int = 1) -> tuple[Tensor, Tensor]:
    """An image in units of sigma, and features."""
    drawn = torch.Generator().manual_seed(2)
    x = torch.randn(batch, 3, 8 * rows, 8 * columns, generator=drawn) * 4
    return x, torch.rand(batch, 6, rows, columns, generator=drawn)


def decoded(model: PhotoRRVQ, size: tuple[int, int]) -> DecoderOutput:
    """Random coefficients, as if symbols had given them, and a random state."""
    drawn = torch.Generator().manual_seed(3)
    positions = {stride: h * w for stride, (h, w) in grid_sizes(size).items()}
    spread = small_model.SPREAD
    reconstruction = {s: torch.randn(positions[s], n, generator=drawn) * spread[s] / 9 for s, n in COUNTS.items()}
    state = torch.randn(1, CONFIG.widths[8], *grid_sizes(size)[8], generator=drawn)
    return DecoderOutput(state, reconstruction, model.sigma(QUALITY), size, QUALITY)


COUNTS = {64: 12, 32: 9, 16: 9, 8: 192}


def test_a_fresh_filter_says_nothing() -> None:
    x, features = seen(3, 4)
    with torch.no_grad():
        assert not PostFilter(8, 2, 6, KNOTS)(x, features, QUALITY).any()


@pytest.mark.parametrize("rows", [1, 8, 9, 30])
def test_strips_are_those_of_the_whole_image(rows: int) -> None:
    net, (x, features) = lively(), seen(rows, 3, batch=2)
    quality = torch.tensor([300, 4000])
    whole = net(x, features, quality).detach()  # gradients are asked for: in one piece
    with torch.no_grad():
        strips = net(x, features, quality)
    assert whole.abs().mean() > 0.1
    assert torch.allclose(whole, strips, atol=1e-4)


def test_a_block_sees_its_receptive_field_and_no_farther() -> None:
    net, (x, features) = lively(), seen(16, 16)
    x.requires_grad_()
    out = net(x, features, QUALITY)
    (gradient,) = torch.autograd.grad(out[0, :, 64:72, 64:72].square().sum(), x)
    rows = torch.nonzero(gradient[0].abs().sum(dim=(0, 2)))[:, 0]
    assert 64 - net.receptive_field <= int(rows.min()) <= 64 - net.receptive_field + 8
    assert 71 + net.receptive_field - 8 <= int(rows.max()) <= 71 + net.receptive_field


def test_features_and_quality_count() -> None:
    net, (x, features) = lively(), seen(4, 4)
    with torch.no_grad():
        one = net(x, features, QUALITY)
        assert (net(x, features + 1, QUALITY) - one).abs().mean() > 0.01
        assert (net(x, features, QUALITY + 1000) - one).abs().mean() > 0.01


def test_bands_are_those_of_the_whole_image() -> None:
    model = small_model.frozen()
    with torch.inference_mode():
        shown = decoded(model, (70 * 8 + 3, 20))
        one, many = (render_bands(model, shown, rows).astype(int) for rows in (1000, 64))
        plain = small_model.frozen()
        plain.postfilter = None
        without = render_bands(plain, shown).astype(int)
    assert np.abs(one - many).max() <= 1 and (one != many).mean() < 1e-3  # float sums may round apart
    assert (one != without).mean() > 0.05


def test_what_it_sees_is_what_is_shown_without_it() -> None:
    model = small_model.frozen()
    with torch.no_grad():
        shown, features = model.postfilter_inputs(decoded(model, (40, 24)))
        reconstruction, added = model.synthesise(decoded(model, (40, 24)))
        assert model.postfilter is not None
        assert torch.allclose(reconstruction + added, shown + model.postfilter(shown, features, QUALITY), atol=1e-5)


def test_gradients_can_take_what_it_adds_for_a_constant() -> None:
    model = small_model.frozen().requires_grad_(False)
    shown = decoded(model, (40, 24))
    shown.state.requires_grad_()

    def gradient(value: Tensor) -> Tensor:
        return torch.autograd.grad(1000 * value.square().sum(), shown.state)[0]

    reconstruction, added = model.synthesise(shown, through_filter=False)
    through, alone = model.synthesise(shown)[1], model.postfilter_inputs(shown)[0] - reconstruction
    assert torch.allclose(added, through, atol=1e-6)
    constant = added.detach() - alone.detach()
    assert torch.allclose(gradient(added), gradient(alone + constant), atol=1e-4)
    assert (gradient(through) - gradient(model.synthesise(shown, through_filter=False)[1])).abs().max() > 0.05


def test_the_encoder_looks_ahead_with_what_it_adds() -> None:
    model = small_model.frozen().requires_grad_(False)
    x = torch.from_numpy(small_model.picture(64, 64)).permute(2, 0, 1)[None].float()
    correction, ahead = lookahead(model, x, QUALITY, 1)
    model.postfilter = None
    others = lookahead(model, x, QUALITY, 1)
    assert (correction - others[0]).abs().max() > 0.01
    assert any((ahead[i] - others[1][i]).abs().max() > 1e-3 for i in ahead)


@given(count=st.integers(1, 300), step=st.integers(1, 70), halo=st.integers(0, 90))
def test_bands_cover_all_rows_once_with_a_halo(count: int, step: int, halo: int) -> None:
    bands = with_halo(count, step, halo)
    assert [row for core, _ in bands for row in range(core.start, core.stop)] == list(range(count))
    for core, wide in bands:
        assert core.stop - core.start <= step
        assert (wide.start, wide.stop) == (max(core.start - halo, 0), min(core.stop + halo, count))


def test_weights_without_a_filter_start_one_that_is_silent(tmp_path: Path) -> None:
    older = small_model.built(ALONE)
    (path := tmp_path / "older.safetensors").write_bytes(write(older, small_model.QUALITIES, "older"))
    model = PhotoRRVQ(CONFIG).eval()
    warm_start_photo_model(model, path)
    plain = PhotoRRVQ(ALONE).eval()
    warm_start_photo_model(plain, path)
    with torch.no_grad():
        assert torch.equal(model.render(decoded(model, (24, 40))), plain.render(decoded(plain, (24, 40))))


def test_weights_with_a_filter_do_not_lose_it(tmp_path: Path) -> None:
    (path := tmp_path / "small.safetensors").write_bytes(small_model.weights_bytes())
    with pytest.raises(DvcodecError, match="has a post-filter"):
        warm_start_photo_model(PhotoRRVQ(ALONE), path)
    with pytest.raises(DvcodecError, match="other sizes"):
        warm_start_photo_model(PhotoRRVQ(replace(CONFIG, postfilter_width=4)), path)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (folder := tmp_path / "photos").mkdir()
    for seed in range(3):
        Image.fromarray(small_model.picture(96, 96, seed)).save(folder / f"{seed}.png")
    return folder


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    (path := tmp_path / "small.safetensors").write_bytes(small_model.weights_bytes())
    return path


def run(photos: Path, weights: Path, out: Path, steps: int, overrides: dict[str, str], *, resume: bool = False) -> Path:
    """Trains the filter alone; the checkpoint."""
    training.train(
        TrainOptions(
            model="rrvq",
            data=str(photos),
            out=out,
            steps=steps,
            resume=resume,
            device="cpu",
            start=None if resume else weights,
            overrides=SMALL | {"learns": "postfilter", "warm_up": "1"} | overrides,
            quiet=True,
        )
    )
    return out / FILE


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PHOTO_PRESETS, "rrvq", Preset("narrow", CONFIG, PhotoRecipe()))
    monkeypatch.setattr("dvcodec.training.tasks.codebooks.codebooks", clustered.codebooks)
    torch.set_num_threads(1)


def test_the_filter_alone_is_trained(photos: Path, weights: Path, tmp_path: Path) -> None:
    before = PhotoRRVQ(CONFIG)
    warm_start_photo_model(before, weights)
    checkpoint = Checkpoint(run(photos, weights, tmp_path / "run", 3, {}))
    after = checkpoint.photo_model().state_dict()
    changed = {name for name, value in before.state_dict().items() if not torch.equal(value, after[name])}
    assert changed and all(name.startswith("postfilter.") for name in changed)
    assert {key.split(".")[1] for key in checkpoint.tensors if key.startswith("steps.")} == {"postfilter"}


def test_a_resumed_run_decodes_its_pool_anew(photos: Path, weights: Path, tmp_path: Path) -> None:
    """Pools last two steps: the run is cut inside the second one."""
    settings = {"pool_steps": "2", "schedule": "constant"}
    whole = Checkpoint(run(photos, weights, tmp_path / "whole", 4, settings))
    run(photos, weights, tmp_path / "cut", 3, settings)
    cut = Checkpoint(run(photos, weights, tmp_path / "cut", 4, settings, resume=True))
    for key, value in whole.tensors.items():
        assert torch.equal(value, cut.tensors[key]), key


def task(photos: Path, weights: Path, **changes: object) -> PostFilterTask:
    recipe = replace(PhotoRecipe(batch=2, crop=64, late_crop=64, pool=3, pool_side=72, learns="postfilter"), **changes)  # type: ignore[arg-type]
    made = PostFilterTask(CONFIG, recipe, PhotoFolder(photos, 72), 0, weights)
    made.prepare(np.random.default_rng(0))
    return made


def test_its_objective_is_the_distortion_that_is_left(photos: Path, weights: Path) -> None:
    one = task(photos, weights)
    batch = one.batch(np.random.default_rng(1), Progress(0, 0.0))
    assert one.pool is not None
    shown, features, missing, quality = one.pool.cut(batch, 64)
    for place, square in zip(batch.tolist(), missing, strict=True):
        crop, y, x = place
        assert torch.equal(square, one.pool.missing[crop, :, 8 * y : 8 * y + 64, 8 * x : 8 * x + 64].float())
    one.module.eval()
    with torch.no_grad():
        left = missing - one.postfilter(shown, features, quality)
        terms = one.loss_terms(batch, Progress(0, 0.0))
    assert terms.figures["distortion_nats_per_pixel"] == pytest.approx(float(left.square().sum() / 2) / (2 * 64**2))
    assert terms.figures["unfiltered_nats_per_pixel"] == pytest.approx(float(missing.square().sum() / 2) / (2 * 64**2))


def test_learning_lowers_it(photos: Path, weights: Path) -> None:
    one = task(photos, weights, batch=3)
    batch = one.batch(np.random.default_rng(1), Progress(0, 0.0))
    optimiser = torch.optim.Adam(one.postfilter.parameters(), 3e-3)
    losses = []
    one.module.train()
    for _ in range(40):
        optimiser.zero_grad()
        terms = one.loss_terms(batch, Progress(0, 0.0))
        terms.loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(float(terms.loss.detach()))
    assert min(losses[-5:]) < 0.97 * losses[0]


def test_a_model_without_a_filter_is_refused(photos: Path) -> None:
    with pytest.raises(InvalidArgument, match="no post-filter"):
        PostFilterTask(ALONE, PhotoRecipe(learns="postfilter"), PhotoFolder(photos, 64), 0, None)


def test_it_does_not_learn_behind_a_model_at_random(photos: Path) -> None:
    one = PostFilterTask(CONFIG, PhotoRecipe(learns="postfilter"), PhotoFolder(photos, 64), 0, None)
    with pytest.raises(InvalidArgument, match="behind weights"):
        one.prepare(np.random.default_rng(0))


@pytest.mark.parametrize(
    "wrong",
    [
        {"pool": 0},
        {"pool_side": 100},
        {"pool_side": 64, "learns": "postfilter"},
        {"learns": "chain"},
        {"pool_steps": 0},
    ],
)
def test_recipes_are_bounded(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PhotoRecipe(**wrong)  # type: ignore[arg-type]
