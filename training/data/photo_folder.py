"""Photographs for training: decoded once into memory, then cut into random crops."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import DvcodecError
from .augmentation import augmented_crop
from .pictures import image_paths, read_image, unlike
from .synthetic import synthetic_crop


class PhotoFolder:
    """The images below a folder as RGB arrays in memory.

    Args:
        root: the folder; its files are sorted by their paths.
        crop: least side of an image that is used.
        exclude: folder of images for evaluation; images with equal pixels are left out, and counted as `excluded`.

    Raises:
        DvcodecError: no image is left, or one cannot be read.
    """

    def __init__(self, root: Path, crop: int, exclude: Path | None = None) -> None:
        paths = image_paths(root)
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

    def batch(
        self, count: int, crop: int, rng: np.random.Generator, synthetic: float = 0.0, augmented: float = 0.0
    ) -> Tensor:
        """Draw crops; the chance of an image is proportional to its area, positions and flips are uniform.

        Args:
            count: number of crops.
            crop: their side in pixels.
            rng: what they are drawn with.
            synthetic: share of them that is made by `synthetic.synthetic_crop`.
            augmented: share of the others that is seen through `augmentation.augmented_crop`.

        Returns:
            (count, 3, crop, crop) float32 levels from 0 to 255.
        """
        chosen = rng.choice(len(self.images), size=count, p=self.areas)
        made = rng.random(count) < synthetic
        stacked = np.stack(
            [
                synthetic_crop(crop, rng) if new else self._crop(self.images[i], crop, rng, augmented)
                for i, new in zip(chosen, made, strict=True)
            ]
        )
        return torch.from_numpy(stacked).permute(0, 3, 1, 2).float()

    def _crop(
        self, image: NDArray[np.uint8], crop: int, rng: np.random.Generator, augmented: float
    ) -> NDArray[np.uint8]:
        if augmented > 0 and rng.random() < augmented:
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
    """Read an image file as (H, W, 3) levels 0 to 255. DvcodecError if it is not an image."""
    return read_image(path, 3)
