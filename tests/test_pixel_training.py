"""Training of the model of lossless pixels: its objective is what files cost, and a run ends in weights that code."""

from pathlib import Path

import numpy as np
import pytest
import small_light
import small_pixels
import torch
from PIL import Image

from dvcodec import training
from dvcodec.codec.entropy.ans import Tables
from dvcodec.codec.lossless import colour_coding, pixel_strips
from dvcodec.errors import InvalidArgument
from dvcodec.models.configs import WavefrontConfig
from dvcodec.models.pixels import colour_tensors, distributions, tokens
from dvcodec.models.pixels.grids import MEAN_STEPS, TAILS
from dvcodec.models.pixels.heads import PixelDistribution
from dvcodec.models.pixels.likelihood import cost
from dvcodec.training.data.photo_folder import PhotoFolder
from dvcodec.training.options import TrainOptions
from dvcodec.training.recipes.pixels import PixelRecipe
from dvcodec.training.tasks.pixels import PixelTask
from fake import photograph


def test_the_objective_is_what_a_strip_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(colour_coding, "_WORTH", 0.0)  # training knows of no memory of colours
    array, predicted = photograph(60, 80), photograph(60, 80, 4)
    model = small_pixels.pixel_model()
    strip = pixel_strips.encode(array, predicted, model, Tables(model.tables))
    both = torch.from_numpy(np.dstack([array, predicted]).astype(np.float32)).permute(2, 0, 1)[None]
    planes, shown = (colour_tensors.split(part, strip[0]) for part in (both[:, :3], both[:, 3:]))
    with torch.no_grad():
        bits = sum(float(cost(*pair).sum()) for pair in small_pixels.trainable()(planes, shown))
    assert abs(bits / (8 * len(strip)) - 1) < 0.02


def test_lossless_files_have_their_share_and_lossy_ones_are_halved(tmp_path: Path) -> None:
    for name, size in (("a.png", (40, 50)), ("b.jpg", (200, 100)), ("c.jpg", (60, 90))):
        Image.fromarray(photograph(*size)).save(tmp_path / name)
    (tmp_path / "weights").mkdir()
    weights = tmp_path / "weights" / "small.safetensors"
    weights.write_bytes(small_light.weights_bytes())
    recipe = PixelRecipe(crop=32, lossless_share=0.25, hierarchy=str(weights))
    photos = PhotoFolder(tmp_path, 32)
    PixelTask(WavefrontConfig(hidden=8, width=4, predictors=1), recipe, photos)
    assert [image.shape for image in photos.images] == [(40, 50, 6), (100, 50, 6), (30, 45, 6)]
    assert photos.areas == pytest.approx([0.25, 0.75, 0])


def test_tables_are_the_mixtures_of_training() -> None:
    weights = distributions.tables()
    assert weights.shape == (tokens.CONTEXTS, tokens.TOKENS) and weights.min() >= 0
    assert (weights.sum(axis=1) == 2**24 - (tokens.TOKENS + 2)).all()
    for scale, tail, fraction in ((8, 0, 4), (20, 3, 0), (28, 4, 7)):
        context = (scale * TAILS + tail) * MEAN_STEPS + fraction
        values = np.arange(-tokens.ALPHABET.direct, tokens.ALPHABET.direct + 1)
        bits = 24 - np.log2(weights[context, tokens.TOKENS // 2 + values] + 1.0)
        mean = torch.full((len(values),), float(fraction - MEAN_STEPS // 2))
        shape = PixelDistribution(mean, torch.full_like(mean, scale), torch.full_like(mean, tail))
        expected = cost(torch.from_numpy(values).float(), shape).numpy()
        assert np.abs(bits - expected)[expected < 12].max() < 0.05


def test_counts_correct_the_tables() -> None:
    counts = np.zeros((tokens.CONTEXTS, tokens.TOKENS), np.int64)
    counts[7, 3] = 10**6
    plain, corrected = distributions.tables(), distributions.tables(counts)
    assert corrected[7, 3] > 2**23 > plain[7, 3]
    assert (np.delete(corrected, 7, axis=0) == np.delete(plain, 7, axis=0)).all()


def run(tmp_path: Path, **more: str) -> Path:
    """A run of three steps on two pictures; its folder."""
    folder, weights = tmp_path / "photos", tmp_path / "small.safetensors"
    folder.mkdir()
    for number in range(2):
        Image.fromarray(photograph(36, 40, number)).save(folder / f"{number}.png")
    weights.write_bytes(small_light.weights_bytes())
    sizes = {"hidden": "8", "width": "4", "crop": "32", "batch": "2", "predictors": "2", "hierarchy": str(weights)}
    options = TrainOptions("pixels", str(folder), tmp_path / "run", steps=3, device="cpu", overrides={**sizes, **more})
    training.train(TrainOptions(**{**options.__dict__, "quiet": True}))
    return tmp_path / "run"


def test_a_run_ends_in_weights_that_code(tmp_path: Path) -> None:
    out = training.export_weights(
        run(tmp_path) / "checkpoint.safetensors", tmp_path / "p.safetensors", {"name": "p"}, tmp_path / "photos"
    )
    model = small_pixels.load(out.read_bytes())
    assert model.name == "p"
    assert (model.tables != distributions.tables()).any()
    array, predicted = photograph(20, 24), photograph(20, 24, 4)
    strip = pixel_strips.encode(array, predicted, model, Tables(model.tables))
    assert (pixel_strips.decode(strip, predicted, model, Tables(model.tables), grey=False) == array).all()
    assert (tmp_path / "p.card.json").is_file()


def test_what_cannot_be_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="layout"):
        run(tmp_path, layout="canvas")
