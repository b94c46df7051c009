"""Training of the model of lossless pixels: its objective is what files cost, and a run ends in weights that code."""

from pathlib import Path

import numpy as np
import pytest
import small_model
import small_pixels
import torch
from PIL import Image

from dvcodec import training
from dvcodec.codec import pixels
from dvcodec.codec.entropy import Tables
from dvcodec.codec.errors import InvalidArgument
from dvcodec.models import colours, residual_tables, residuals
from dvcodec.models.pixel_net import MEAN_STEPS, TAILS, Shape
from dvcodec.models.residual_tables import cost
from dvcodec.training.options import TrainOptions
from dvcodec.training.pixel_objective import pixel_bits
from fake import photograph


def planar(array: np.ndarray, transform: int) -> torch.Tensor:
    """(H, W, 3) pixels as transformed planes (1, 3, H, W)."""
    return colours.split(torch.from_numpy(array.astype(np.float32)).permute(2, 0, 1), transform)[None]


def test_the_objective_is_what_a_strip_costs() -> None:
    array, predicted = photograph(64, 80), photograph(64, 80, 4)
    model = small_pixels.pixel_model()
    strip = pixels.encode(array, predicted, model, Tables(model.tables))
    with torch.no_grad():
        bits = pixel_bits(small_pixels.trainable(), planar(array, strip[0]), planar(predicted, strip[0]))
    assert bits.shape == (10, 3)
    assert abs(float(bits.sum()) / (8 * len(strip)) - 1) < 0.05


def test_a_share_of_the_positions_stands_for_all() -> None:
    array, predicted = photograph(96, 96), photograph(96, 96, 4)
    torch.manual_seed(0)
    with torch.no_grad():
        planes = planar(array, 0), planar(predicted, 0)
        whole = pixel_bits(small_pixels.trainable(), *planes).sum()
        part = pixel_bits(small_pixels.trainable(), *planes, (1, 1, 0.5)).sum()
    assert part != whole and abs(float(part / whole) - 1) < 0.05


def test_tables_are_the_mixtures_of_training() -> None:
    weights = residual_tables.tables()
    assert weights.shape == (residuals.CONTEXTS, residuals.TOKENS) and weights.min() >= 0
    assert (weights.sum(axis=1) == 2**24 - (residuals.TOKENS + 2)).all()
    for scale, tail, fraction in ((8, 0, 4), (20, 3, 0), (28, 4, 7)):
        context = (scale * TAILS + tail) * MEAN_STEPS + fraction
        values = np.arange(-residuals.DIRECT, residuals.DIRECT + 1)
        bits = 24 - np.log2(weights[context, residuals.TOKENS // 2 + values] + 1.0)
        mean = torch.full((len(values),), float(fraction - MEAN_STEPS // 2))
        shape = Shape(mean, torch.full_like(mean, scale), torch.full_like(mean, tail))
        expected = cost(torch.from_numpy(values).float(), shape).numpy()
        assert np.abs(bits - expected)[expected < 12].max() < 0.05


def test_counts_correct_the_tables() -> None:
    counts = np.zeros((residuals.CONTEXTS, residuals.TOKENS), np.int64)
    counts[7, 3] = 10**6
    plain, corrected = residual_tables.tables(), residual_tables.tables(counts)
    assert corrected[7, 3] > 2**23 > plain[7, 3]
    assert (np.delete(corrected, 7, axis=0) == np.delete(plain, 7, axis=0)).all()


def run(tmp_path: Path, **more: str) -> Path:
    """A run of three steps on two pictures; its folder."""
    folder, weights = tmp_path / "photos", tmp_path / "small.safetensors"
    folder.mkdir()
    for number in range(2):
        Image.fromarray(photograph(48, 56, number)).save(folder / f"{number}.png")
    weights.write_bytes(small_model.weights_bytes())
    sizes = {"hidden": "8", "width": "4", "crop": "32", "batch": "2", "qualities": "20", "hierarchy": str(weights)}
    options = TrainOptions("pixels", str(folder), tmp_path / "run", steps=3, device="cpu", overrides={**sizes, **more})
    training.train(TrainOptions(**{**options.__dict__, "quiet": True}))
    return tmp_path / "run"


def test_a_run_ends_in_weights_that_code(tmp_path: Path) -> None:
    out = training.export(
        run(tmp_path) / "checkpoint.safetensors", tmp_path / "p.safetensors", {"name": "p"}, tmp_path / "photos"
    )
    model = small_pixels.load(out.read_bytes())
    assert model.name == "p" and model.network.config.hidden == 8
    assert (model.tables != residual_tables.tables()).any()
    array, predicted = photograph(40, 48), photograph(40, 48, 4)
    strip = pixels.encode(array, predicted, model, Tables(model.tables))
    assert (pixels.decode(strip, predicted, model, Tables(model.tables), grey=False) == array).all()
    assert (tmp_path / "p.card.json").is_file()


def test_what_cannot_be_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="layout"):
        run(tmp_path, layout="canvas")
