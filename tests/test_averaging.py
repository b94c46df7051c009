"""Means of several runs from one start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from dvcodec import training
from dvcodec.cli.app import app
from dvcodec.errors import DvcodecError
from dvcodec.training.export.averaging import mean_model
from dvcodec.training.loop.checkpoints import FILE, Checkpoint
from dvcodec.training.options import TrainOptions

NARROW = {"width": "8", "batch": "4", "variables": "2,1", "symbols": "4,4", "warm_up": "1", "validate_every": "0"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two runs from the weights of a first one, and one from a start of its own."""
    folder = tmp_path_factory.mktemp("runs")
    digits = np.random.default_rng(0).integers(0, 2, (20, 28, 28), np.uint8)
    np.savez(folder / "mnist-static.npz", train=digits, valid=digits, test=digits)
    options = {"root": folder, "quiet": True, "overrides": NARROW, "device": "cpu"}
    first = TrainOptions("hdvae-small", "mnist-static", folder / "first", 1, **options)  # type: ignore[arg-type]
    training.train(first)
    for seed in (1, 2):
        training.train(replace(first, out=folder / f"run{seed}", steps=2, seed=seed, start=first.out / FILE))
    training.train(replace(first, out=folder / "other", seed=3))
    return [folder / name / FILE for name in ("run1", "run2", "other")]


def test_a_mean_is_the_parameters_mean(runs: list[Path]) -> None:
    one, two = (Checkpoint(path) for path in runs[:2])
    mean = dict(mean_model([one, two]).named_parameters())
    a, b = (dict(checkpoint.model().named_parameters()) for checkpoint in (one, two))
    assert any(not torch.equal(a[name], b[name]) for name in a)
    for name, value in mean.items():
        assert torch.allclose(value, (a[name] + b[name]) / 2, atol=1e-6), name


def test_a_mean_of_one_is_the_model(runs: list[Path]) -> None:
    alone = mean_model([Checkpoint(runs[0])]).state_dict()
    for name, value in Checkpoint(runs[0]).model().state_dict().items():
        assert torch.equal(alone[name], value), name


def test_runs_of_other_starts_are_refused(runs: list[Path]) -> None:
    with pytest.raises(DvcodecError, match="began at different weights"):
        mean_model([Checkpoint(runs[0]), Checkpoint(runs[2])])


def test_runs_of_other_models_are_refused(runs: list[Path]) -> None:
    one, two = Checkpoint(runs[0]), Checkpoint(runs[1])
    two.settings = replace(two.settings, config=replace(two.settings.config, dropout=0.5))
    with pytest.raises(DvcodecError, match="different models"):
        mean_model([one, two])


def test_export_takes_several_runs(runs: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "mean.safetensors"
    done = CliRunner().invoke(app, ["export", str(runs[0]), str(runs[1]), "-o", str(out)])
    assert done.exit_code == 0, done.output
    single = training.export_weights(runs[0], tmp_path / "single.safetensors", {"name": "mean"})
    assert out.stat().st_size > 0 and out.read_bytes() != single.read_bytes()
    card = out.with_suffix(".card.json").read_text()
    assert '"mean_of"' in card and card.count('"seed": 1') == card.count('"seed": 2') == 1


def test_a_bad_checkpoint_among_several_is_named(runs: list[Path], tmp_path: Path) -> None:
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"nothing")
    done = CliRunner().invoke(app, ["export", str(runs[0]), str(bad), "-o", str(tmp_path / "w.safetensors")])
    assert done.exit_code == 1 and "bad.safetensors" in done.output and not (tmp_path / "w.safetensors").exists()
