"""Photographs for training: decoded once into memory, cut into random crops with a generator of their own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import DvcodecError
from ...image_io.suffixes import is_image
from .augmentation import augmented_crop
from .pictures import read_image, unlike
from .synthetic import synthetic


class PhotoFolder:
    """Every image below `root` (sorted) whose sides are at least `crop`, as RGB arrays in memory.

    Images that a picture below `exclude` equals in all pixels are left out; `excluded` counts them.
    """

    def __init__(self, root: Path, crop: int, exclude: Path | None = None) -> None:
        paths = sorted(filter(is_image, root.rglob("*")))
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(read_rgb, paths))
        new = unlike(found, exclude)
        self.excluded = new.count(False)
        kept = [i for i, image in enumerate(found) if new[i] and min(image.shape[:2]) >= crop]
        self.images, self.paths = [found[i] for i in kept], [paths[i] for i in kept]
        if not self.images:
            raise DvcodecError(
                f"no image of at least {crop}x{crop} pixels below {root}", "give a folder of photographs"
            )
        self.areas = np.array([image.shape[0] * image.shape[1] for image in self.images], dtype=np.float64)
        self.areas /= self.areas.sum()

    def batch(self, count: int, crop: int, rng: np.random.Generator, share: float = 0.0, varied: float = 0.0) -> Tensor:
        """Crops (count, 3, crop, crop) of floats in [0, 255]: images by area, position and flips at random.

        `share` of them are synthetic; `varied` of the others have another size, and some other colours or grain.
        """
        chosen = rng.choice(len(self.images), size=count, p=self.areas)
        made = rng.random(count) < share
        stacked = np.stack(
            [
                synthetic(crop, rng) if new else self._crop(self.images[i], crop, rng, varied)
                for i, new in zip(chosen, made, strict=True)
            ]
        )
        return torch.from_numpy(stacked).permute(0, 3, 1, 2).float()

    def _crop(self, image: NDArray[np.uint8], crop: int, rng: np.random.Generator, varied: float) -> NDArray[np.uint8]:
        if varied > 0 and rng.random() < varied:
            patch = augmented_crop(image, crop, rng)
        else:
            y = rng.integers(image.shape[0] - crop + 1)
            x = rng.integers(image.shape[1] - crop + 1)
            patch = image[y : y + crop, x : x + crop]
        if rng.random() < 0.5:
            patch = patch[:, ::-1]
        if rng.random() < 0.3:
            patch = np.rot90(patch)
        return np.ascontiguousarray(patch)


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """An image file as (H, W, 3) uint8. DvcodecError if it is none."""
    return read_image(path, 3)
