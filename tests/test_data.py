"""Data sets in the formats they are published in, written tiny by the tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dvcodec.errors import DvcodecError, InvalidArgument
from dvcodec.training.data import DATA_SETS, load, readers, vision
from published_files import (
    BITS,
    COLOUR,
    GREY,
    write_caltech,
    write_celeba,
    write_cifar,
    write_cifar_npz,
    write_mnist,
    write_omniglot,
    write_packed,
    write_static,
    write_svhn,
)

CASES: list[tuple[str, Callable[[Path], None], tuple[int, int, int], tuple[int, int, int]]] = [
    ("mnist", write_mnist, (1, 28, 28), (30, 6, 5)),
    ("fashion-static", write_mnist, (1, 28, 28), (33, 3, 5)),
    ("mnist-static", write_static, (1, 28, 28), (12, 12, 12)),
    ("mnist-static", write_packed, (1, 28, 28), (12, 3, 2)),
    ("caltech101", write_caltech, (1, 28, 28), (12, 2, 3)),
    ("omniglot", write_omniglot, (1, 28, 28), (23, 1, 12)),
    ("cifar10", write_cifar, (3, 32, 32), (49, 1, 10)),
    ("cifar10", write_cifar_npz, (3, 32, 32), (49, 1, 10)),
    ("svhn", write_svhn, (3, 32, 32), (49, 1, 50)),
    ("celeba64", write_celeba, (3, 64, 64), (2, 1, 1)),
]


@pytest.mark.parametrize(("name", "write", "shape", "counts"), CASES, ids=[f"{c[0]} {c[1].__name__}" for c in CASES])
def test_published_files_become_splits(
    name: str, write: Callable[[Path], None], shape: tuple[int, int, int], counts: tuple[int, int, int], tmp_path: Path
) -> None:
    write(tmp_path)
    data = load(name, tmp_path)
    assert data.shape == shape
    assert tuple(len(data.split(split)) for split in ("train", "validation", "test")) == counts
    batch = data.batch(7, np.random.default_rng(1))
    assert batch.shape == (7, *shape) and batch.dtype == torch.float32
    assert data.binary == (shape[0] == 1) == bool(batch.max() <= 1)
    whole = list(data.split("test").batches(4))
    assert sum(map(len, whole)) == counts[2] and max(map(len, whole)) <= 4


@pytest.mark.parametrize("write", [write_static, write_packed, write_caltech, write_omniglot])
def test_binary_images_keep_their_pixels(write: Callable[[Path], None], tmp_path: Path) -> None:
    write(tmp_path)
    name = {"write_caltech": "caltech101", "write_omniglot": "omniglot"}.get(write.__name__, "mnist-static")
    images = next(iter(load(name, tmp_path).split("train").batches(12)))
    assert torch.equal(images[:, 0], torch.from_numpy(BITS).float())


@pytest.mark.parametrize("write", [write_cifar, write_cifar_npz])
def test_colour_images_keep_their_pixels(write: Callable[[Path], None], tmp_path: Path) -> None:
    write(tmp_path)
    images = next(iter(load("cifar10", tmp_path).split("train").batches(49)))
    assert torch.equal(images, torch.from_numpy(COLOUR[:49]).permute(0, 3, 1, 2).float())


def test_swatches_need_no_files(tmp_path: Path) -> None:
    data = load("swatches", tmp_path / "nowhere")
    for split in ("train", "validation", "test"):
        (images,) = data.split(split).batches(20)
        assert images.shape == (9, 3, 32, 32)
        assert bool((images == images[:, :, :1, :1]).all())
        assert len({tuple(colour) for colour in images[:, :, 0, 0].tolist()}) == 9


def test_svhn_and_faces_keep_their_pixels(tmp_path: Path) -> None:
    write_svhn(tmp_path)
    write_celeba(tmp_path)
    images = next(iter(load("svhn", tmp_path).split("test").batches(50)))
    assert torch.equal(images, torch.from_numpy(COLOUR).permute(0, 3, 1, 2).float())
    faces = next(iter(load("celeba64", tmp_path).split("train").batches(2)))
    assert float((faces[:, :, 2:-2, 2:-2] - 90).abs().max()) < 5  # the middle alone


def test_dynamic_binarisation_draws_anew_with_the_levels_as_chances(tmp_path: Path) -> None:
    ramp = np.broadcast_to(np.linspace(0, 255, 28).astype(np.uint8), (20, 28, 28))
    np.savez(tmp_path / "mnist.npz", train_images=ramp, test_images=ramp)
    train, rng = load("mnist", tmp_path).split("train"), np.random.default_rng(0)
    first, second = train.batch(400, rng), train.batch(400, rng)
    assert not torch.equal(first, second)
    means = torch.cat([first, second]).mean((0, 1, 2))
    assert torch.allclose(means, torch.linspace(0, 1, 28), atol=0.02)
    once, again = (torch.cat(list(train.batches(8, seed=3))) for _ in range(2))
    assert torch.equal(once, again)  # an evaluation is repeatable


def test_static_binarisation_is_the_same_every_time(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    a, b = (next(iter(load("fashion-static", tmp_path).split("train").batches(33))) for _ in range(2))
    assert torch.equal(a, b) and 0.3 < float(a.mean()) < 0.7


def test_a_missing_set_says_what_is_looked_for(tmp_path: Path) -> None:
    with pytest.raises(DvcodecError, match=r"cifar10\.npz or data_batch_1\.bin"):
        load("cifar10", tmp_path)
    with pytest.raises(InvalidArgument, match="no split 'val'"):
        write_static(tmp_path)
        load("mnist-static", tmp_path).split("val")


def test_a_matrix_that_would_not_fit_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_svhn(tmp_path)
    monkeypatch.setattr(readers, "LARGEST", 1000)
    with pytest.raises(DvcodecError, match="1 to 1000 are read"):
        load("svhn", tmp_path)


def test_torchvision_serves_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def mnist(root: str, *, train: bool, download: bool) -> SimpleNamespace:
        if not download:
            raise RuntimeError("Dataset not found. You can use download=True to download it")
        return SimpleNamespace(data=torch.from_numpy(GREY if train else GREY[:5]))

    monkeypatch.setattr(vision, "_imported", lambda: SimpleNamespace(MNIST=mnist))
    with pytest.raises(DvcodecError, match="`download` fetches it"):
        load("mnist", tmp_path)
    assert len(load("mnist", tmp_path, download=True).split("train")) == 30


def test_torchvision_fetches_the_faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def faces(root: str, *, split: str, download: bool) -> None:
        assert split == "all" and download
        write_celeba(Path(root))

    def without_gdown(root: str, *, split: str, download: bool) -> None:
        raise RuntimeError("gdown is required")

    monkeypatch.setattr(vision, "_imported", lambda: SimpleNamespace(CelebA=without_gdown))
    with pytest.raises(DvcodecError, match="`download` fetches it"):
        load("celeba64", tmp_path)
    with pytest.raises(DvcodecError, match="cannot fetch celeba64: gdown is required"):
        load("celeba64", tmp_path, download=True)
    monkeypatch.setattr(vision, "_imported", lambda: SimpleNamespace(CelebA=faces))
    assert len(load("celeba64", tmp_path, download=True).split("train")) == 2


def test_torchvision_is_asked_for_by_name_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise ModuleNotFoundError("No module named 'torchvision'")

    monkeypatch.setattr(vision, "_imported", missing)
    with pytest.raises(DvcodecError, match="pip install torchvision"):
        load("svhn", tmp_path, download=True)
    with pytest.raises(DvcodecError, match="no files of svhn"):
        load("svhn", tmp_path)


def test_a_torchvision_for_another_torch_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unfitting() -> None:
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(vision, "_imported", unfitting)
    with pytest.raises(DvcodecError, match="torchvision does not fit the installed torch: operator"):
        load("svhn", tmp_path, download=True)
    with pytest.raises(DvcodecError, match="no files of svhn"):
        load("svhn", tmp_path)


SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "binary").is_dir(), reason="there is no ../shared/data/binary")
@pytest.mark.parametrize("name", ["mnist-static", "omniglot", "fashion-static", "caltech101"])
def test_shared_binary_sets_open(name: str) -> None:
    data = load(name, SHARED)
    assert data.binary and len(data.split("test")) > 2000 and name in DATA_SETS
