"""Data sets in memory, in splits that give batches as models take them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import DvcodecError, InvalidArgument
from .names import SPLITS, WHOLE

Shape = tuple[int, int, int]
Values = Literal["levels", "binary", "dynamic"]
"""Levels 0 to 255; 0 and 1; or 0 and 1 drawn for each batch, with level / 255 as the probability of a 1."""


class Split(Protocol):
    """The images of a split."""

    @property
    def shape(self) -> Shape:
        """Channels, height and width of every image."""
        ...

    @property
    def binary(self) -> bool:
        """Whether the values are 0 and 1 instead of levels."""
        ...

    def __len__(self) -> int:
        """Return the number of images."""
        ...

    def batch(self, count: int, rng: np.random.Generator) -> Tensor:
        """Draw images with replacement: (count, C, H, W) float32 of levels 0 to 255, or of 0 and 1.

        Args:
            count: number of images.
            rng: what they are drawn with.

        Returns:
            The images.
        """
        ...

    def batches(self, count: int, seed: int = 0) -> Iterator[Tensor]:
        """Yield every image once, in order, `count` at a time; what is drawn at random depends on `seed` alone.

        Args:
            count: most images of a batch.
            seed: seed of what is random, such as the binarisation.

        Yields:
            Batches in the form of `batch`; the last one may be smaller.
        """
        ...


class ArraySplit:
    """Images of one size, kept as bytes (N, H, W, C)."""

    def __init__(self, images: NDArray[np.uint8], values: Values) -> None:
        self._images, self._values = images, values

    @property
    def shape(self) -> Shape:
        """Channels, height, width."""
        _, height, width, channels = self._images.shape
        return channels, height, width

    @property
    def binary(self) -> bool:
        """Whether the values are 0 and 1."""
        return self._values != "levels"

    def __len__(self) -> int:
        return len(self._images)

    def batch(self, count: int, rng: np.random.Generator) -> Tensor:
        """Draw images with replacement."""
        return self._tensor(self._images[rng.integers(len(self), size=count)], rng)

    def batches(self, count: int, seed: int = 0) -> Iterator[Tensor]:
        """Yield every image once, in order."""
        rng = np.random.default_rng(seed)
        return (self._tensor(self._images[start : start + count], rng) for start in range(0, len(self), count))

    def _tensor(self, images: NDArray[np.uint8], rng: np.random.Generator) -> Tensor:
        values = np.ascontiguousarray(images.transpose(0, 3, 1, 2), dtype=np.float32)
        if self._values == "dynamic":
            values = (rng.random(values.shape, dtype=np.float32) * 255 < values).astype(np.float32)
        return torch.from_numpy(values)


@dataclass(frozen=True)
class DataSet:
    """A named data set: at least one split, all of one kind of images."""

    name: str
    splits: Mapping[str, Split]

    @property
    def shape(self) -> Shape:
        """Channels, height and width."""
        return next(iter(self.splits.values())).shape

    @property
    def binary(self) -> bool:
        """Whether values are 0 and 1."""
        return next(iter(self.splits.values())).binary

    @property
    def evaluated(self) -> str:
        """The split that evaluation uses by default: the whole of a folder without parts, or else the test split."""
        return WHOLE if WHOLE in self.splits else "test"

    def split(self, name: str) -> Split:
        """Return "train", "validation" or "test". DvcodecError if a folder has no image for it that is large enough."""
        if name not in SPLITS and name not in self.splits:
            raise InvalidArgument(f"no split {name!r}", f"one of {', '.join(SPLITS)}")
        if name not in self.splits:
            _, height, width = self.shape
            raise DvcodecError(
                f"{self.name} has no {name} image of at least {height}x{width} pixels", "give more images"
            )
        return self.splits[name]

    def batch(self, count: int, rng: np.random.Generator) -> Tensor:
        """Draw training images with replacement."""
        return self.splits["train"].batch(count, rng)
