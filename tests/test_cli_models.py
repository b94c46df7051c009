"""Commands around models as a person sees them: train, evaluate, sample, on a narrow family and tiny digits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import small_model
import torch
from PIL import Image

from dvcodec.cli.evaluate import _picked
from dvcodec.evaluation.images import spread
from dvcodec.training import data_sets, presets
from dvcodec.training.loop.checkpoints import FILE, Checkpoint
from program import Seen, dvcodec, names

NARROW = [f"--set={pair}" for pair in ("width=8", "batch=4", "validate_every=0", "variables=2,1", "symbols=4,4")]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Static digits: a bar that stands or lies."""
    root, rng = tmp_path_factory.mktemp("digits"), np.random.default_rng(0)
    images = np.zeros((60, 28, 28), np.uint8)
    for image, place in zip(images, rng.integers(4, 20, 60), strict=True):
        image[place : place + 4, 4:24] = 1
    images[::2] = images[::2].transpose(0, 2, 1)
    np.savez(root / "mnist-static.npz", train=images, valid=images[:8], test=images[:10])
    return root


@pytest.fixture(scope="module")
def run(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 20 steps, trained by the command."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("runs") / "run"
    seen = train(digits, folder, "--steps", "20", "--quiet")
    assert (seen.code, seen.out, seen.err) == (0, "", "")
    return folder


def train(digits: Path, out: Path, *more: str | Path) -> Seen:
    """`dvcodec train` of the narrow family."""
    data: list[str | Path] = ["--data", "mnist-static", "--root", digits, "--device", "cpu"]
    return dvcodec("train", "--model", "hdvae-small", *data, "--out", out, *NARROW, *more)


def test_a_run_folder_holds_settings_checkpoint_and_logs(run: Path) -> None:
    assert names(run) == [FILE, "config.json", "layers.csv", "log.csv"]
    config = json.loads((run / "config.json").read_text())
    assert (config["preset"], config["config"]["width"], config["recipe"]["steps"]) == ("hdvae-small", 8, 20)
    assert config["data"] == {"data": "mnist-static", "images": 60, "excluded": 0} and config["processes"] == 1
    assert "codes" in (run / "layers.csv").read_text().splitlines()[0]


def test_a_run_without_out_goes_to_a_folder_of_its_name(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given: list[str | Path] = ["--model", "hdvae-small", "--data", "mnist-static", "--root", digits, "--device", "cpu"]
    seen = dvcodec("train", *given, *NARROW, "--steps", "1")
    assert (seen.code, seen.err) == (0, "the run is written to runs/hdvae-small-mnist-static\n")
    assert dvcodec("train", *given, "--resume", "--steps", "2", "--quiet").code == 0
    assert Checkpoint(tmp_path / "runs" / "hdvae-small-mnist-static" / FILE).state["step"] == 2


@pytest.mark.parametrize("out", ["taken", "taken/run"])
def test_a_file_in_the_runs_place_is_noticed_before_anything_is_read(
    out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("taken").write_bytes(b"")
    seen = dvcodec("train", "--model", "hdvae-small", "--data", "mnist", "--root", tmp_path, "--out", out)
    assert seen.code == 1 and seen.err.count("\n") == 1
    assert f"taken is not a folder, so that {out} cannot be made (choose another --out)" in seen.err


def test_a_run_goes_on_with_its_own_settings(digits: Path, run: Path, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes((run / FILE).read_bytes())
    seen = dvcodec(
        *("train", "--model", "hdvae-small", "--data", "mnist-static", "--root", digits, "--out", tmp_path),
        *("--resume", "--steps", "22", "--quiet", "--device", "cpu"),
    )
    assert (seen.code, seen.err) == (0, "")
    checkpoint = Checkpoint(tmp_path / FILE)
    assert checkpoint.state["step"] == 22 and checkpoint.settings.config.width == 8


def test_evaluate_reports_bounds_in_words_and_json(digits: Path, run: Path) -> None:
    given: list[str | Path] = [
        "--data",
        "mnist-static",
        "--root",
        digits,
        "--iw-samples",
        "4",
        "--temperature",
        "0.5",
        "--device",
        "cpu",
    ]
    seen = dvcodec("evaluate", "--weights", run / FILE, *given, "--batch", "4", "--images", "7")
    assert (seen.code, seen.err) == (0, "")
    assert "images" in seen.out and "KL_NATS" in seen.out and "iw_nats" in seen.out
    seen = dvcodec("evaluate", "--weights", run / FILE, *given, "--json")
    assert seen.code == 0, seen.err
    found = json.loads(seen.out)
    assert (found["images"], found["split"], found["data"], found["dimensions"]) == (10, "test", "mnist-static", 784)
    assert found["iw_nats"] > found["elbo_nats"] - 5 and found["relaxation_bias_nats"] >= 0
    assert [layer["name"] for layer in found["layers"]] == ["z2", "z1"]


def test_fewer_images_are_spread_over_the_set() -> None:
    assert spread(10, 4) == [0, 2, 5, 7] and spread(3, 5) == [0, 1, 2] and spread(0, 5) == []
    batches = torch.split(torch.arange(10), 3)
    assert [part.tolist() for part in _picked(batches, spread(10, 4))] == [[0, 2], [5], [7]]


def test_evaluate_takes_all_images_of_a_folder(run: Path, tmp_path: Path) -> None:
    for i in range(5):
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (30, 40), np.uint8)).save(tmp_path / f"{i}.png")
    given: list[str | Path] = ["--weights", run / FILE, "--data", tmp_path, "--json", "--device", "cpu"]
    found = json.loads(dvcodec("evaluate", *given).out)
    assert (found["images"], found["split"], found["dimensions"]) == (5, "all", 784)
    seen = [dvcodec("evaluate", *given, "--split", split) for split in ("train", "validation", "test")]
    assert sum(json.loads(one.out)["images"] for one in seen if one.code == 0) == 5
    assert any("image of at least 28x28 pixels" in one.err for one in seen if one.code == 1)


def test_exported_weights_are_evaluated_alike(digits: Path, run: Path, tmp_path: Path) -> None:
    weights = tmp_path / "mine.safetensors"
    assert dvcodec("export", run / FILE, "-o", weights, "--quiet").code == 0
    given: list[str | Path] = ["--data", "mnist-static", "--root", digits, "--json", "--device", "cpu"]
    ours, theirs = (json.loads(dvcodec("evaluate", "--weights", w, *given).out) for w in (weights, run / FILE))
    assert ours["elbo_nats"] == pytest.approx(theirs["elbo_nats"], rel=0.05)


def test_sample_draws_a_grid_once(run: Path, tmp_path: Path) -> None:
    grid = tmp_path / "grid.png"
    given: list[str | Path] = ["--weights", run / FILE, "--device", "cpu"]
    seen = dvcodec("sample", *given, "-n", "6", "-o", grid)
    assert (seen.code, seen.out) == (0, "") and seen.err == f"{grid}  88x58\n"
    first = grid.read_bytes()
    again = dvcodec("sample", *given, "-n", "6", "-o", grid)
    assert again.code == 1 and "already exists; not overwritten" in again.err
    assert dvcodec("sample", *given, "-n", "6", "-o", grid, "--force", "--quiet").err == ""
    assert grid.read_bytes() == first  # seeded
    assert dvcodec("sample", *given, "-n", "6", "-o", grid, "-f", "--seed", "1", "--layers", "1").code == 0
    assert grid.read_bytes() != first
    seen = dvcodec("sample", *given, "-o", grid, "-f", "--layers", "3")
    assert seen.code == 1 and "the model has 2 layers, not 3" in seen.err


def test_sample_puts_reconstructions_beside_originals(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    picture = np.zeros((40, 40), np.uint8)
    picture[10:14, 10:30] = 200
    Image.fromarray(picture).save(folder / "a.png")
    pair = tmp_path / "pair.png"
    assert dvcodec("sample", "--weights", run / FILE, "--reconstruct", folder, "-o", pair, "--device", "cpu").code == 0
    shown = np.asarray(Image.open(pair))
    assert shown.shape == (28, 58)
    assert np.array_equal(shown[:, :28], np.where(picture[6:34, 6:34] >= 128, 255, 0))
    Image.new("L", (20, 40)).save(folder / "b.png")
    seen = dvcodec("sample", "--weights", run / FILE, "--reconstruct", folder, "-o", tmp_path / "x.png")
    assert seen.code == 1 and "b.png is 20x40, smaller than 28x28" in seen.err
    (folder / "b.png").write_bytes(b"no image")
    seen = dvcodec("sample", "--weights", run / FILE, "--reconstruct", folder, "-o", tmp_path / "x.png")
    assert seen.code == 1 and "b.png: not an image that Pillow can read" in seen.err
    assert not (tmp_path / "x.png").exists()


def test_photograph_models_are_measured_and_sampled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights, folder = tmp_path / "small.safetensors", tmp_path / "photos"
    weights.write_bytes(small_model.weights_bytes())
    folder.mkdir()
    Image.fromarray(small_model.picture(70, 80)).save(folder / "a.png")
    evaluated: list[str | Path] = ["evaluate", "--weights", weights, "--data", folder, "-q", "20", "--json"]
    seen = dvcodec(*evaluated)
    assert seen.code == 1 and "give two or more" in seen.err
    Image.fromarray(small_model.picture(80, 70)).save(folder / "b.png")
    seen = dvcodec(*evaluated)
    assert seen.code == 0, seen.err
    (folder / "b.png").unlink()
    found = json.loads(seen.out)
    assert found["images"] == 2 and found["bits_per_dim"] == pytest.approx(found["divergence"] + found["likelihood"])
    given: list[str | Path] = ["--weights", weights, "--size", "64", "--device", "cpu", "--quiet"]
    grid, shared, pair = (tmp_path / f"{name}.png" for name in ("grid", "shared", "pair"))
    assert dvcodec("sample", *given, "-n", "2", "-o", grid).code == 0
    assert dvcodec("sample", *given, "-n", "2", "--layers", "60", "-o", shared).code == 0
    apart, close = (np.asarray(Image.open(path)).astype(int) for path in (grid, shared))
    assert apart.shape == (64, 130, 3)
    assert 0 < np.abs(close[:, :64] - close[:, 66:]).mean() < np.abs(apart[:, :64] - apart[:, 66:]).mean()
    assert dvcodec("sample", *given, "--reconstruct", folder, "-q", "90", "-o", pair).code == 0
    both = np.asarray(Image.open(pair))
    assert np.array_equal(both[:, :64], small_model.picture(70, 80)[3:67, 8:72])
    seen = dvcodec("evaluate", "--weights", weights, "--data", "cifar10", "--device", "cpu")
    assert seen.code == 1 and "measured on a folder of images" in seen.err
    refused = (
        ("--iw-samples", "2", "no importance-weighted bound"),
        ("--temperature", "2", "no relaxed objective"),
        ("--split", "test", "all images of a folder"),
    )
    for option, value, words in refused:
        seen = dvcodec("evaluate", "--weights", weights, "--data", folder, option, value, "--device", "cpu")
        assert (seen.code, seen.out) == (2, "") and option in seen.usage and words in seen.usage


def test_gaussian_families_have_no_temperature(digits: Path, tmp_path: Path) -> None:
    settings = [*NARROW, "--set=latent=gaussian", "--set=exact=false", "--set=values_rate=0"]
    data: list[str | Path] = ["--data", "mnist-static", "--root", digits, "--device", "cpu"]
    given: list[str | Path] = ["--model", "hdvae-small", *settings, *data, "--out", tmp_path / "run", "--quiet"]
    assert dvcodec("train", *given, "--steps", "1").code == 0
    seen = dvcodec("evaluate", "--weights", tmp_path / "run" / FILE, *data, "--temperature", "0.5")
    assert (seen.code, seen.out) == (2, "") and "Gaussian families have no relaxed objective" in seen.usage


WRONG = [
    (["train", "--model", "hdvae", "--data", "imagenet", "--out", "run"], 2, list(data_sets())),
    (["train", "--model", "hdvaes", "--data", "mnist", "--out", "run"], 2, list(presets())),
    (["train", "--model", "hdvae", "--data", "mnist", "--out", "run", "--exclude", "nowhere"], 2, ["no folder"]),
    (["evaluate", "--data", "imagenet"], 2, list(data_sets())),
    (["evaluate", "--data", "mnist", "--split", "val"], 2, ["no split 'val'"]),
    (["evaluate", "--data", "mnist", "--temperature", "0"], 2, ["0.0 is not a positive number"]),
    (["evaluate", "--data", "mnist", "--temperature", "inf"], 2, ["inf is not a positive number"]),
    (["evaluate", "--data", "mnist", "--temperature", "nan"], 2, ["nan is not a positive number"]),
    (["evaluate", "--data", "mnist", "--temperature", "1e-300"], 2, ["1e-300 is not a positive number", "1e-30 or"]),
    (["sample", "-o", "grid.txt"], 2, ["grid.txt does not end in .png"]),
    (["sample", "-o", "grid.png", "--reconstruct", "nowhere"], 2, ["no folder 'nowhere'"]),
    (["sample", "-o", "no/grid.png"], 1, ["the folder no does not exist"]),
    (["sample", "-o", "grid.png", "--weights", "none"], 1, ["no weights named 'none'"]),
    (
        ["train", "--model", "hdvae", "--data", "mnist", "--out", "run", "--set", "width=wide"],
        1,
        ["not a whole number"],
    ),
    (["train", "--model", "hdvae", "--data", "cifar10", "--out", "run"], 1, ["no files of cifar10", "--download"]),
    (["train", "--model", "rrvq", "--data", "mnist", "--out", "run"], 1, ["a folder of photographs"]),
    (
        ["train", "--model", "hdvae", "--data", "mnist", "--out", "run", "--resume"],
        1,
        ["cannot be read as a checkpoint"],
    ),
]


@pytest.mark.parametrize(("args", "code", "words"), WRONG, ids=[" ".join(args) for args, _, _ in WRONG])
def test_what_is_wrong_is_said(
    args: list[str], code: int, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seen = dvcodec(*args)
    text = seen.usage if code == 2 else seen.err
    assert seen.code == code and all(word in text for word in words), text
    assert "Traceback" not in seen.err and names(tmp_path) == []
    assert code == 2 or seen.err.count("\n") == 1


def test_images_of_another_kind_are_refused(run: Path, tmp_path: Path) -> None:
    np.savez(
        tmp_path / "cifar10.npz", train=np.zeros((50, 32, 32, 3), np.uint8), test=np.zeros((5, 32, 32, 3), np.uint8)
    )
    seen = dvcodec("evaluate", "--weights", run / FILE, "--data", "cifar10", "--root", tmp_path, "--device", "cpu")
    assert seen.code == 1 and "describes binary 28x28 images, cifar10 holds colour 32x32 ones" in seen.err


def test_train_help_lists_presets_and_data_sets() -> None:
    seen = dvcodec("train", "--help")
    lines = seen.out.splitlines()
    for name in [*presets(), *data_sets()]:
        assert any(line.startswith(f"{name} ") for line in lines), name


def test_a_fresh_run_does_not_overwrite_another(digits: Path, run: Path) -> None:
    before = (run / FILE).read_bytes()
    seen = train(digits, run)
    assert seen.code == 1 and "holds a run (use --resume" in seen.err and (run / FILE).read_bytes() == before


def test_ctrl_c_saves_and_ends_with_130(digits: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = [sys.executable, "-m", "dvcodec", "train", "--model", "hdvae-small", "--data", "mnist-static"]
    given = ["--root", str(digits), "--out", str(out), "--device", "cpu", "--threads", "1", *NARROW]
    process = subprocess.Popen([*command, *given], stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 90
    while not (out / "log.csv").exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=60)[1]
    assert (process.returncode, b"Traceback" in errors) == (130, False), errors
    assert Checkpoint(out / FILE).state["step"] >= 20
