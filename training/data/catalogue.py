"""The named data sets: the files that they are published in, and how these become splits.

A file is looked for in the root itself and in FOLDERS below it, with and without .gz. An .npz file of our own layout
comes first: arrays train, valid and test (or train_images, ...), each (N, H, W) or (N, H, W, C) bytes, or for binary
sets rows of bits as np.packbits makes them. Without an array valid the last part of train is held out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DvcodecError
from . import readers, vision
from .faces import read_faces
from .readers import Bytes
from .sets import ArraySplit, DataSet, Values

FOLDERS = (".", "binary", "MNIST/raw", "FashionMNIST/raw", "mnist", "fashion-mnist", "cifar-10-batches-bin", "celeba")
Parts = dict[str, Bytes]
"""Images (N, H, W, C) by part: train and test, perhaps valid."""


@dataclass(frozen=True)
class Published:
    """How a data set is published.

    Args:
        values: what its values mean.
        side: side of the images in pixels.
        channels: 1 or 3.
        held: share of the training images that is held out for validation, where the files have none.
        archives: names of .npz files of our own layout.
        files: names of the published files.
        read: reads the published files, by name.
        once: turn grey levels into 0 and 1 by one Bernoulli draw, the same every time.
    """

    values: Values
    side: int
    channels: int
    held: float
    archives: tuple[str, ...]
    files: tuple[str, ...]
    read: Callable[[Mapping[str, Path]], Parts]
    once: bool = False


def open_set(name: str, root: Path, *, download: bool = False) -> DataSet:
    """Open a named data set from files below `root`. DvcodecError if they are missing or damaged."""
    published = PUBLISHED[name]
    archive = next((found for file in published.archives if (found := _find(root, file))), None)
    parts = _unpacked(archive, published) if archive is not None else _original(name, published, root, download)
    splits = _split(parts, published)
    return DataSet(name, {split: ArraySplit(images, published.values) for split, images in splits.items()})


def _find(root: Path, file: str) -> Path | None:
    places = (root / folder / (file + suffix) for folder in FOLDERS for suffix in ("", ".gz"))
    return next((place for place in places if place.exists()), None)


def _unpacked(path: Path, published: Published) -> Parts:
    """Read the arrays of an .npz file as images of the data set's size."""
    splits = {"train": "train", "valid": "valid", "validation": "valid", "test": "test"}
    names = {f"{key}{end}": split for key, split in splits.items() for end in ("", "_images")}
    with readers.reading(path):
        found = {names[name]: array for name, array in readers.npz(path, names).items()}
        if not {"train", "test"} <= found.keys():
            raise DvcodecError("there are no arrays train and test", "docs/TRAINING.md describes the layout")
        return {split: _images(array, published) for split, array in found.items()}


def _images(array: NDArray[Any], published: Published) -> Bytes:
    """Return an array as images (N, side, side, C). DvcodecError if its shape or type does not allow it."""
    side, channels = published.side, published.channels
    if array.shape[1:] == (math.ceil(side * side * channels / 8),) and published.values == "binary":
        array = np.unpackbits(array, axis=1, count=side * side * channels)
    if array.size // len(array) != side * side * channels or array.dtype not in (np.uint8, np.bool_):
        raise DvcodecError(f"an array of shape {array.shape} is not a set of {side}x{side} images")
    if published.values == "binary" and array.max() > 1:
        raise DvcodecError("values of a binary set are 0 and 1")
    return array.astype(np.uint8, copy=False).reshape(-1, side, side, channels)


def _original(name: str, published: Published, root: Path, download: bool) -> Parts:
    """Read the data set from the files as published, or through torchvision."""
    found = _files(published, root)
    if not found and download and name in vision.FILES:
        vision.fetch(name, root)
        found = _files(published, root)
    parts = published.read(found) if found else _fetched(name, published, root, download)
    if published.once:
        rng = np.random.default_rng(0)
        parts = {key: (rng.random(part.shape, np.float32) * 255 < part).astype(np.uint8) for key, part in parts.items()}
    return parts


def _files(published: Published, root: Path) -> dict[str, Path]:
    """Return the paths of the published files by name; empty if one is missing."""
    found = {file: path for file in published.files if (path := _find(root, file))}
    return found if len(found) == len(published.files) else {}


def _fetched(name: str, published: Published, root: Path, download: bool) -> Parts:
    parts = vision.arrays(name, root, download=download)
    if parts is not None:
        return parts
    files = " or ".join([*published.archives, " + ".join(published.files)])
    hint = (
        "`download` fetches it"
        if name in (*vision.SETS, *vision.FILES) and not download
        else "docs/TRAINING.md says where it is from"
    )
    raise DvcodecError(f"no files of {name} in {root}: {files}", hint)


def _split(parts: Parts, published: Published) -> Parts:
    """Split images into training, validation and test, holding out images where the files have no validation part."""
    if "valid" not in parts:
        count = round(len(parts["train"]) * (1 - published.held))
        parts = {**parts, "train": parts["train"][:count], "valid": parts["train"][count:]}
    found = {"train": parts["train"], "validation": parts["valid"], "test": parts["test"]}
    empty = [split for split, images in found.items() if not len(images)]
    if empty:
        raise DvcodecError(f"the set has no {empty[0]} images")
    return found


def _idx(files: Mapping[str, Path]) -> Parts:
    train, test = (readers.idx(path) for path in files.values())
    return {"train": _grey(train), "test": _grey(test)}


def _amat(files: Mapping[str, Path]) -> Parts:
    return {
        key: _grey(readers.amat(path)) for key, path in zip(("train", "valid", "test"), files.values(), strict=True)
    }


def _grey(images: Bytes) -> Bytes:
    if images[0].size != 784:
        raise DvcodecError(f"images of {images[0].size} pixels, not 28x28")
    return images.reshape(-1, 28, 28, 1)


def _caltech(files: Mapping[str, Path]) -> Parts:
    """Read Caltech 101 silhouettes; rows of the file are images in column order."""
    (path,) = files.values()
    with readers.reading(path):
        parts = readers.mat(path, "train_data", "val_data", "test_data")
        return {key: _turned(part) for key, part in zip(("train", "valid", "test"), parts, strict=True)}


def _omniglot(files: Mapping[str, Path]) -> Parts:
    """Read Omniglot; columns of the file are images in column order, with ink from 0 to 1."""
    (path,) = files.values()
    with readers.reading(path):
        train, test = readers.mat(path, "data", "testdata")
        return {"train": _turned(train.T * 255), "test": _turned(test.T * 255)}


def _turned(rows: NDArray[Any]) -> Bytes:
    """Return rows of 784 values in column order as images."""
    if rows.ndim != 2 or rows.shape[1] != 784 or not 0 <= rows.min() <= rows.max() <= 255:
        raise DvcodecError(f"a matrix of shape {rows.shape} is not a set of 28x28 images")
    images: Bytes = np.rint(rows).astype(np.uint8).reshape(-1, 28, 28, 1)
    return images.transpose(0, 2, 1, 3)


def _cifar(files: Mapping[str, Path]) -> Parts:
    *train, test = (readers.cifar_binary(path) for path in files.values())
    return {"train": np.concatenate(train), "test": test}


def _svhn(files: Mapping[str, Path]) -> Parts:
    parts = {}
    for key, path in zip(("train", "test"), files.values(), strict=True):
        with readers.reading(path):
            (images,) = readers.mat(path, "X")
            if images.shape[:3] != (32, 32, 3) or images.dtype != np.uint8 or images.ndim != 4:
                raise DvcodecError(f"a matrix of shape {images.shape} is not a set of 32x32 colour images")
            parts[key] = np.ascontiguousarray(images.transpose(3, 0, 1, 2))
    return parts


DIGITS = ("train-images-idx3-ubyte", "t10k-images-idx3-ubyte")
LAROCHELLE = tuple(f"binarized_mnist_{part}.amat" for part in ("train", "valid", "test"))
BATCHES = (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin")
MATRICES = ("train_32x32.mat", "test_32x32.mat")
FACES = ("img_align_celeba", "list_eval_partition.txt")


def _grey_set(values: Values, held: float, archive: str, files: tuple[str, ...], read: Any, once: bool) -> Published:
    return Published(values, 28, 1, held, (f"{archive}.npz", f"{archive}-28x28.npz"), files, read, once)


PUBLISHED = {
    "mnist": _grey_set("dynamic", 1 / 6, "mnist", DIGITS, _idx, False),
    "mnist-static": _grey_set("binary", 1 / 6, "mnist-static", LAROCHELLE, _amat, False),
    "omniglot": _grey_set("binary", 1345 / 24345, "omniglot", ("chardata.mat",), _omniglot, True),
    "fashion-static": _grey_set("binary", 1 / 12, "fashion-static", DIGITS, _idx, True),
    "caltech101": _grey_set(
        "binary", 0.36, "caltech101-silhouettes", ("caltech101_silhouettes_28_split1.mat",), _caltech, False
    ),
    "cifar10": Published("levels", 32, 3, 1 / 50, ("cifar10.npz",), BATCHES, _cifar),
    "svhn": Published("levels", 32, 3, 1 / 50, ("svhn.npz",), MATRICES, _svhn),
    "celeba64": Published("levels", 64, 3, 1 / 10, ("celeba64.npz",), FACES, read_faces),
}
