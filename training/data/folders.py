"""Any folder of images as a data set of square crops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...codec.errors import DvcodecError
from .names import SPLITS
from .pictures import pixel_hash, read_folder, without
from .readers import Bytes
from .sets import DataSet, Shape

HELD = 10
"""One image of so many is for validation, and one for the test, where the folder has no parts of its own."""


class Crops:
    """Square crops of images (H, W, C) of any size: at random places in training, of the middle elsewhere."""

    def __init__(self, images: list[Bytes], size: int) -> None:
        self._images, self._size = images, size

    @property
    def shape(self) -> Shape:
        """Channels, height, width."""
        return self._images[0].shape[2], self._size, self._size

    @property
    def binary(self) -> bool:
        """Folders hold grey levels."""
        return False

    def __len__(self) -> int:
        return len(self._images)

    def batch(self, count: int, rng: np.random.Generator) -> Tensor:
        """Crops at random, half of them mirrored."""
        return _tensor([self._crop(self._images[i], rng) for i in rng.integers(len(self), size=count)])

    def batches(self, count: int, seed: int = 0) -> Iterator[Tensor]:
        """The middle of every image."""
        middles = (self._cut(image, *((np.array(image.shape[:2]) - self._size) // 2)) for image in self._images)
        while batch := [crop for _, crop in zip(range(count), middles, strict=False)]:
            yield _tensor(batch)

    def _crop(self, image: Bytes, rng: np.random.Generator) -> Bytes:
        crop = self._cut(image, *(rng.integers(side - self._size + 1) for side in image.shape[:2]))
        return crop[:, ::-1] if rng.random() < 0.5 else crop

    def _cut(self, image: Bytes, top: int, left: int) -> Bytes:
        return image[top : top + self._size, left : left + self._size]


def _tensor(crops: list[Bytes]) -> Tensor:
    return torch.from_numpy(np.stack(crops).transpose(0, 3, 1, 2).astype(np.float32))


def open_folder(root: Path, size: int, channels: int, exclude: Path | None = None) -> tuple[DataSet, int]:
    """The images below `root` with sides of at least `size`, and how many were left out since `exclude` has them too.

    They are parted by the folders train, validation and test in `root`, or where those are not there by a hash of the
    pixels. DvcodecError if a part has no image.
    """
    own = {split: root / split for split in SPLITS}
    if all(folder.is_dir() for folder in own.values()):
        parts = {split: list(read_folder(folder, channels)) for split, folder in own.items()}
    else:
        parts = _parted(list(read_folder(root, channels)))
    kept = {split: without(images, exclude) for split, images in parts.items()}
    left_out = sum(map(len, parts.values())) - sum(map(len, kept.values()))
    fitting = {split: [image for image in images if min(image.shape[:2]) >= size] for split, images in kept.items()}
    for split, images in fitting.items():
        if not images:
            raise DvcodecError(f"{root} has no {split} image of at least {size}x{size} pixels", "give more images")
    return DataSet(str(root), {split: Crops(images, size) for split, images in fitting.items()}), left_out


def _parted(images: list[Bytes]) -> dict[str, list[Bytes]]:
    parts: dict[str, list[Bytes]] = {split: [] for split in SPLITS}
    for image in images:
        number = pixel_hash(image)[0] % HELD
        parts[{0: "test", 1: "validation"}.get(number, "train")].append(image)
    return parts
