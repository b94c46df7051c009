"""A family from data to a file: the loop trains, stops and goes on; its checkpoint becomes weights that code."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import families_small as small
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import dvcodec
from dvcodec import training
from dvcodec.codec import loading
from dvcodec.errors import DvcodecError
from dvcodec.training.loop.checkpoints import Checkpoint
from dvcodec.training.options import TrainOptions
from dvcodec.training.recipes.family_presets import FAMILY_PRESETS

SETTINGS = {
    "batch": "4",
    "width": "8",
    "symbols": "16,4",
    "variables": "4,2",
    "dropout": "0.2",
    "fractions": "0",  # the same temperature in a short run and in a long one
    "temperatures": "0.5",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a few discs as the static MNIST set."""
    folder = tmp_path_factory.mktemp("data")
    discs = small.images(FAMILY_PRESETS["hdvae-small"].config, 12).numpy().astype(np.uint8).reshape(12, 784)
    packed = np.packbits(discs, axis=1)
    np.savez(folder / "mnist-static-28x28.npz", train=packed, valid=packed[:4], test=packed[:4])
    return folder


def run(root: Path, out: Path, steps: int, *, resume: bool = False, **settings: str) -> dict[str, torch.Tensor]:
    """Trains to a step; the checkpoint's tensors."""
    overrides = {} if resume else SETTINGS | {"validate_every": "2"} | settings
    training.train(
        TrainOptions(
            model="hdvae-small",
            data="mnist-static",
            root=root,
            out=out,
            steps=steps,
            resume=resume,
            device="cpu",
            overrides=overrides,
            quiet=True,
        )
    )
    return load_file(out / "checkpoint.safetensors")


@pytest.fixture(scope="module")
def trained(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, torch.Tensor]]:
    """A run of four steps, and its tensors."""
    out = tmp_path_factory.mktemp("whole")
    return out, run(root, out, 4)


@pytest.fixture
def no_engine() -> Iterator[None]:
    """Nothing stays loaded."""
    loading.forget()
    yield
    loading.forget()


def test_a_run_that_stopped_goes_on_as_if_it_had_not(
    root: Path, trained: tuple[Path, dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    run(root, tmp_path / "parts", 2)
    resumed = run(root, tmp_path / "parts", 4, resume=True)
    assert resumed.keys() == trained[1].keys()
    for name, value in trained[1].items():
        assert torch.equal(value, resumed[name]), name


def test_its_weights_compress_and_decompress(
    trained: tuple[Path, dict[str, torch.Tensor]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    no_engine: None,
) -> None:
    path = training.export_weights(
        trained[0] / "checkpoint.safetensors", tmp_path / "discs.safetensors", {"name": "discs"}
    )
    monkeypatch.setenv("DVCODEC_WEIGHTS", str(tmp_path))
    disc = small.images(FAMILY_PRESETS["hdvae-small"].config, 1)[0, 0].numpy()
    image = Image.fromarray((disc * 255).astype(np.uint8))
    data = dvcodec.compress(image, weights=str(path))
    decoded = dvcodec.decompress(data)
    assert (decoded.mode, decoded.size) == ("L", (28, 28))
    with pytest.raises(DvcodecError, match="28 x 28 pixels"):
        dvcodec.compress(Image.new("L", (29, 28)), weights=str(path))


def test_what_has_no_exact_form_is_not_exported(root: Path, tmp_path: Path) -> None:
    run(root, tmp_path / "run", 1, exact="false", validate_every="0")
    with pytest.raises(DvcodecError, match="no exact form"):
        training.export_weights(tmp_path / "run" / "checkpoint.safetensors", tmp_path / "w.safetensors", {"name": "w"})
    run(
        root, tmp_path / "bounded", 1, exact="false", lipschitz="1.0", hierarchy="lvae", block="elu", validate_every="0"
    )
    with pytest.raises(DvcodecError, match=r"no exact form \(.*Lipschitz"):
        training.export_weights(
            tmp_path / "bounded" / "checkpoint.safetensors", tmp_path / "w.safetensors", {"name": "w"}
        )
    assert not (tmp_path / "w.safetensors").exists()


@pytest.mark.slow
def test_the_command_trains_in_two_processes(root: Path, tmp_path: Path) -> None:
    launched = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "dvcodec"]
    train = ["train", "--model", "hdvae-small", "--data", "mnist-static", "--root", str(root), "--out", str(tmp_path)]
    changed = [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={value}")]
    limits = ["--steps", "2", "--device", "cpu", "--threads", "1", "--quiet"]
    subprocess.run([*launched, *train, *changed, *limits], check=True, timeout=300)
    assert json.loads((tmp_path / "config.json").read_text())["processes"] == 2
    assert Checkpoint(tmp_path / "checkpoint.safetensors").state["step"] == 2
