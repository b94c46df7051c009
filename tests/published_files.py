"""Writes tiny data sets in the formats that the real ones are published in."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import scipy.io  # type: ignore[import-untyped]
from numpy.typing import NDArray
from PIL import Image

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (36, 28, 28), dtype=np.uint8)
BITS = RNG.integers(0, 2, (12, 28, 28), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (50, 32, 32, 3), dtype=np.uint8)


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
