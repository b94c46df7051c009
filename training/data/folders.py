"""Open any folder of images as a data set of square crops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...errors import DvcodecError
from ...models.families.config import BINARY_THRESHOLD
from .names import SPLITS, WHOLE
from .pictures import pixel_hash, read_folder, without
from .readers import Bytes
from .sets import DataSet, Shape

HELD = 10
"""One image in so many is for validation, and one for the test, where the folder has no parts of its own."""


class CropSplit:
    """Square crops of images of any size, at random places in `batch`, of the middle in `batches`.

    Args:
        images: levels 0 to 255, (H, W, C) each.
        size: side of the crops.
        binary: turn levels of at least BINARY_THRESHOLD into 1, others into 0.
    """

    def __init__(self, images: list[Bytes], size: int, *, binary: bool = False) -> None:
        self._images, self._size, self._binary = images, size, binary

    @property
    def shape(self) -> Shape:
        """Channels, height, width."""
        return self._images[0].shape[2], self._size, self._size

    @property
    def binary(self) -> bool:
        """Whether the values are 0 and 1 instead of levels."""
        return self._binary

    def __len__(self) -> int:
        return len(self._images)

    def batch(self, count: int, rng: np.random.Generator) -> Tensor:
        """Draw crops, half of them mirrored."""
        return self._tensor([self._crop(self._images[i], rng) for i in rng.integers(len(self), size=count)])

    def batches(self, count: int, seed: int = 0) -> Iterator[Tensor]:
        """Yield the middle of every image once, in order."""
        middles = (self._cut(image, *((np.array(image.shape[:2]) - self._size) // 2)) for image in self._images)
        while batch := [crop for _, crop in zip(range(count), middles, strict=False)]:
            yield self._tensor(batch)

    def _crop(self, image: Bytes, rng: np.random.Generator) -> Bytes:
        crop = self._cut(image, *(rng.integers(side - self._size + 1) for side in image.shape[:2]))
        return crop[:, ::-1] if rng.random() < 0.5 else crop

    def _cut(self, image: Bytes, top: int, left: int) -> Bytes:
        return image[top : top + self._size, left : left + self._size]

    def _tensor(self, crops: list[Bytes]) -> Tensor:
        levels = np.stack(crops).transpose(0, 3, 1, 2)
        return torch.from_numpy((levels >= BINARY_THRESHOLD if self._binary else levels).astype(np.float32))


def open_folder(
    root: Path, size: int, channels: int, exclude: Path | None = None, *, binary: bool = False
) -> tuple[DataSet, int]:
    """Open a folder of images.

    The folders train, validation and test in it are its splits. Where it has none of them a hash of the pixels decides
    on an image's split, and the split WHOLE has all images.

    Args:
        root: the folder.
        size: side of the crops; smaller images are left out.
        channels: 1 for grey levels, 3 for RGB.
        exclude: folder of images for evaluation; images with equal pixels are left out.
        binary: whether the crops hold 0 and 1.

    Returns:
        The data set, without the splits that have no image, and how many images `exclude` has left out.

    Raises:
        DvcodecError: no image is left.
    """
    own = {split: root / split for split in SPLITS if (root / split).is_dir()}
    images = {split: list(read_folder(folder, channels)) for split, folder in (own or {WHOLE: root}).items()}
    kept = {split: without(part, exclude) for split, part in images.items()}
    left_out = sum(map(len, images.values())) - sum(map(len, kept.values()))
    fitting = {split: [image for image in part if min(image.shape[:2]) >= size] for split, part in kept.items()}
    if not any(fitting.values()):
        raise DvcodecError(f"{root} has no image of at least {size}x{size} pixels", "give more images")
    parts = fitting if own else {**_parted(fitting[WHOLE]), **fitting}
    return DataSet(
        str(root), {split: CropSplit(part, size, binary=binary) for split, part in parts.items() if part}
    ), left_out


def _parted(images: list[Bytes]) -> dict[str, list[Bytes]]:
    parts: dict[str, list[Bytes]] = {split: [] for split in SPLITS}
    for image in images:
        number = pixel_hash(image)[0] % HELD
        parts[{0: "test", 1: "validation"}.get(number, "train")].append(image)
    return parts
