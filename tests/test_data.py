"""Data sets in the formats they are published in, written tiny by the tests; and files that are not what they say."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.io  # type: ignore[import-untyped]
import torch
from numpy.typing import NDArray
from PIL import Image

from dvcodec.codec.errors import DvcodecError, InvalidArgument
from dvcodec.training.data import DATA_SETS, load, readers, vision
from dvcodec.training.data.folders import open_folder
from dvcodec.training.photos import PhotoFolder

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (36, 28, 28), dtype=np.uint8)
BITS = RNG.integers(0, 2, (12, 28, 28), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (50, 32, 32, 3), dtype=np.uint8)
LIMIT = 1 << 40


def idx_bytes(images: NDArray[np.uint8]) -> bytes:
    """Images as an IDX file."""
    return b"\0\0\x08\x03" + struct.pack(">3I", *images.shape) + images.tobytes()


def columns(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images as rows of pixels in column order, as MATLAB flattens them."""
    return images.transpose(0, 2, 1).reshape(len(images), -1)


def write_mnist(root: Path) -> None:
    """Training and test images as IDX, one plain, one in gzip, where torchvision puts them."""
    folder = root / "MNIST" / "raw"
    folder.mkdir(parents=True)
    (folder / "train-images-idx3-ubyte").write_bytes(idx_bytes(GREY))
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(GREY[:5])))


def write_static(root: Path) -> None:
    """Larochelle's text files."""
    for part in ("train", "valid", "test"):
        rows = (" ".join(map(str, image.ravel())) for image in BITS)
        (root / f"binarized_mnist_{part}.amat").write_text("\n".join(rows) + "\n")


def write_packed(root: Path) -> None:
    """Rows of bits in an .npz."""
    packed = np.packbits(BITS.reshape(12, -1), axis=1)
    (root / "binary").mkdir()
    np.savez(root / "binary" / "mnist-static-28x28.npz", train=packed, valid=packed[:3], test=packed[:2])


def write_caltech(root: Path) -> None:
    """A MATLAB file of rows in column order."""
    parts = {"train_data": columns(BITS), "val_data": columns(BITS[:2]), "test_data": columns(BITS[:3])}
    scipy.io.savemat(root / "caltech101_silhouettes_28_split1.mat", parts, do_compression=True)


def write_omniglot(root: Path) -> None:
    """A MATLAB file of columns in column order, ink from 0 to 1."""
    ink = columns(BITS).T.astype(np.float64)
    scipy.io.savemat(root / "chardata.mat", {"data": np.tile(ink, 2), "testdata": ink})


def write_cifar(root: Path) -> None:
    """The binary version's six batches."""
    (root / "cifar-10-batches-bin").mkdir()
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    for i, name in enumerate(names):
        part = COLOUR[10 * i % 50 :][:10].transpose(0, 3, 1, 2).reshape(10, -1)
        records = np.concatenate([np.full((10, 1), i, np.uint8), part], axis=1)
        (root / "cifar-10-batches-bin" / f"{name}.bin").write_bytes(records.tobytes())


def write_cifar_npz(root: Path) -> None:
    """The documented .npz, labels beside the images."""
    labels = np.arange(50)
    np.savez_compressed(root / "cifar10.npz", train_images=COLOUR, test_images=COLOUR[:10], train_labels=labels)


def write_svhn(root: Path) -> None:
    """MATLAB files, images last."""
    for part in ("train", "test"):
        scipy.io.savemat(root / f"{part}_32x32.mat", {"X": COLOUR.transpose(1, 2, 3, 0), "y": np.arange(50)})


def write_celeba(root: Path) -> None:
    """Aligned pictures, the middle dark, and their partition."""
    folder = root / "celeba" / "img_align_celeba"
    folder.mkdir(parents=True)
    picture = np.full((218, 178, 3), 255, np.uint8)
    picture[35:183, 15:163] = 90
    for i in range(4):
        Image.fromarray(picture).save(folder / f"{i}.jpg", quality=100)
    (root / "celeba" / "list_eval_partition.txt").write_text("0.jpg 0\n1.jpg 0\n2.jpg 1\n3.jpg 2\n")


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


def npy(header: str, body: bytes = b"") -> bytes:
    """An .npy file with a header of one's own."""
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


def zipped(**members: bytes) -> bytes:
    """A .npz of members of one's own."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def header(shape: str, kind: str = "|u1") -> str:
    """The text of an .npy header."""
    return f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"


GOOD = npy(header("(2, 28, 28)"), bytes(2 * 784))
HOSTILE: dict[str, tuple[str, bytes]] = {
    "empty": ("mnist.npz", b""),
    "no zip": ("mnist.npz", b"PK\3\4 and nothing more"),
    "no arrays": ("mnist.npz", zipped(other=GOOD)),
    "pickled objects": ("mnist.npz", zipped(train=npy(header("(2,)", "|O"), b"\x80\x04N."), test=GOOD)),
    "absurd shape": ("mnist.npz", zipped(train=npy(header("(4000000000, 28, 28)")), test=GOOD)),
    "negative shape": ("mnist.npz", zipped(train=npy(header("(-1, 28, 28)")), test=GOOD)),
    "code for a shape": ("mnist.npz", zipped(train=npy(header("__import__('os')")), test=GOOD)),
    "cut short": ("mnist.npz", zipped(train=npy(header("(2, 28, 28)"), bytes(784)), test=GOOD)),
    "longer than it says": ("mnist.npz", zipped(train=npy(header("(1, 28, 28)"), bytes(785)), test=GOOD)),
    "other size": ("mnist.npz", zipped(train=npy(header("(2, 14, 14)"), bytes(392)), test=GOOD)),
    "too few to part": ("mnist.npz", zipped(train=GOOD, test=GOOD)),
    "levels in a binary set": ("mnist-static.npz", zipped(train=npy(header("(1, 28, 28)"), b"\2" * 784), test=GOOD)),
    "text of twos": ("binarized_mnist_train.amat", b"0 1 2 " * 784),
    "text of odd length": ("binarized_mnist_train.amat", b"0 1 " * 7),
    "absurd IDX": ("train-images-idx3-ubyte", b"\0\0\x08\x03" + b"\xff" * 12),
    "IDX of floats": ("train-images-idx3-ubyte", b"\0\0\x0d\x03" + struct.pack(">3I", 1, 28, 28) + bytes(784)),
    "IDX cut short": ("train-images-idx3-ubyte", idx_bytes(GREY)[:-1]),
    "IDX of other size": ("train-images-idx3-ubyte", idx_bytes(GREY[:, :14])),
    "gzip cut short": ("train-images-idx3-ubyte.gz", gzip.compress(idx_bytes(GREY))[:-20]),
    "gzip bomb": ("train-images-idx3-ubyte.gz", gzip.compress(idx_bytes(GREY) + bytes(1 << 24))),
    "odd records": ("test_batch.bin", bytes(3072)),
    "no MATLAB file": ("caltech101_silhouettes_28_split1.mat", b"MATLAB 5.0 MAT-file" + bytes(200)),
    "faces outside": ("list_eval_partition.txt", b"../../etc/passwd 0\n"),
}
OWNERS = {"bin": ("cifar10", write_cifar), "mat": ("caltech101", write_caltech), "txt": ("celeba64", write_celeba)}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_one_line(case: str, tmp_path: Path) -> None:
    file, content = HOSTILE[case]
    name, write = OWNERS.get(file.split(".")[-1], ("mnist-static", write_static))
    name, write = ("mnist", write_mnist) if file.startswith(("train-", "mnist.npz")) else (name, write)
    write(tmp_path)
    target = next(iter(tmp_path.rglob(file.removesuffix(".gz"))), tmp_path / file)
    target.unlink(missing_ok=True)
    target.with_name(file).write_bytes(content)
    with pytest.raises(DvcodecError) as caught:
        load(name, tmp_path)
    assert "\n" not in str(caught.value)
    if case not in ("too few to part", "IDX of other size"):
        assert file in str(caught.value)


def test_a_matrix_that_would_not_fit_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_svhn(tmp_path)
    monkeypatch.setattr(readers, "LARGEST", 1000)
    with pytest.raises(DvcodecError, match="1 to 1000 are read"):
        load("svhn", tmp_path)


def pictures(folder: Path, count: int, side: int = 40) -> None:
    """Images of noise."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        noise = np.random.default_rng(i).integers(0, 256, (side, side + 3, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{i:02d}.png")


def test_a_folder_is_cropped_and_parted_by_its_pixels(tmp_path: Path) -> None:
    pictures(tmp_path / "all", 60)
    data, left_out = open_folder(tmp_path / "all", 32, 3)
    assert (data.shape, data.binary, left_out) == ((3, 32, 32), False, 0)
    counts = [len(data.split(split)) for split in ("train", "validation", "test")]
    assert sum(counts) == 60 and min(counts) > 0 and counts[0] > 40
    assert data.batch(5, np.random.default_rng(0)).shape == (5, 3, 32, 32)
    middles = torch.cat(list(data.split("train").batches(16)))
    assert middles.shape == (counts[0], 3, 32, 32)
    assert open_folder(tmp_path / "all", 32, 1)[0].shape == (1, 32, 32)
    with pytest.raises(DvcodecError, match="at least 64x64"):
        open_folder(tmp_path / "all", 64, 3)


def test_a_folder_with_its_own_parts_keeps_them(tmp_path: Path) -> None:
    for part, count in (("train", 5), ("validation", 2), ("test", 1)):
        pictures(tmp_path / part, count)
    data, _ = open_folder(tmp_path, 32, 3)
    assert [len(data.split(split)) for split in ("train", "validation", "test")] == [5, 2, 1]


def test_images_for_evaluation_are_left_out_whatever_their_format(tmp_path: Path) -> None:
    pictures(tmp_path / "all", 60)
    (tmp_path / "kept out").mkdir()
    for i in range(3):
        Image.open(tmp_path / "all" / f"{i:02d}.png").save(tmp_path / "kept out" / f"x{i}.webp", lossless=True)
    data, left_out = open_folder(tmp_path / "all", 32, 3, tmp_path / "kept out")
    assert left_out == 3 and sum(len(data.split(split)) for split in ("train", "validation", "test")) == 57
    photos = PhotoFolder(tmp_path / "all", 32, tmp_path / "kept out")
    assert (photos.excluded, len(photos.images), len(photos.areas)) == (3, 57, 57)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DvcodecError, match="no image below"):
        open_folder(tmp_path / "all", 32, 3, tmp_path / "empty")


def test_a_file_that_is_no_image_is_named(tmp_path: Path) -> None:
    pictures(tmp_path, 3)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    with pytest.raises(DvcodecError, match=r"broken\.png"):
        open_folder(tmp_path, 32, 3)


def test_torchvision_serves_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def mnist(root: str, *, train: bool, download: bool) -> SimpleNamespace:
        if not download:
            raise RuntimeError("Dataset not found. You can use download=True to download it")
        return SimpleNamespace(data=torch.from_numpy(GREY if train else GREY[:5]))

    monkeypatch.setattr(vision, "_imported", lambda: SimpleNamespace(MNIST=mnist))
    with pytest.raises(DvcodecError, match="--download fetches it"):
        load("mnist", tmp_path)
    assert len(load("mnist", tmp_path, download=True).split("train")) == 30


def test_torchvision_is_asked_for_by_name_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise ModuleNotFoundError("No module named 'torchvision'")

    monkeypatch.setattr(vision, "_imported", missing)
    with pytest.raises(DvcodecError, match="pip install torchvision"):
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
