"""A data set in memory: splits that give batches as models take them."""

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
"""Grey levels 0..255; 0 and 1; or 0 and 1 drawn for each batch, with a level's 255th as the probability of a 1."""


class Split(Protocol):
    """The images of one split."""

    @property
    def shape(self) -> Shape:
        """Channels, height and width of every image that it gives."""
        ...

    @property
    def binary(self) -> bool:
        """Whether its values are 0 and 1, not grey levels."""
        ...

    def __len__(self) -> int:
        """Number of images."""
        ...

    def batch(self, count: int, rng: np.random.Generator) -> Tensor:
        """`count` images at random, with replacement: (count, C, H, W) float32 of grey levels 0..255, or of 0 and 1."""
        ...

    def batches(self, count: int, seed: int = 0) -> Iterator[Tensor]:
        """Every image once, in order, `count` at a time; what is drawn at random depends on `seed` alone."""
        ...


class Images:
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
        """Images at random."""
        return self._tensor(self._images[rng.integers(len(self), size=count)], rng)

    def batches(self, count: int, seed: int = 0) -> Iterator[Tensor]:
        """Every image once."""
        rng = np.random.default_rng(seed)
        return (self._tensor(self._images[start : start + count], rng) for start in range(0, len(self), count))

    def _tensor(self, images: NDArray[np.uint8], rng: np.random.Generator) -> Tensor:
        values = np.ascontiguousarray(images.transpose(0, 3, 1, 2), dtype=np.float32)
        if self._values == "dynamic":
            values = (rng.random(values.shape, dtype=np.float32) * 255 < values).astype(np.float32)
        return torch.from_numpy(values)


@dataclass(frozen=True)
class DataSet:
    """Splits of one kind of images, at least one, and where they come from."""

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
        """The split that evaluation means where it is not told: the whole of a folder without parts, or the test."""
        return WHOLE if WHOLE in self.splits else "test"

    def split(self, name: str) -> Split:
        """The images of "train", "validation" or "test". DvcodecError if a folder has none that is large enough."""
        if name not in SPLITS and name not in self.splits:
            raise InvalidArgument(f"no split {name!r}", f"one of {', '.join(SPLITS)}")
        if name not in self.splits:
            _, height, width = self.shape
            raise DvcodecError(
                f"{self.name} has no {name} image of at least {height}x{width} pixels", "give more images"
            )
        return self.splits[name]

    def batch(self, count: int, rng: np.random.Generator) -> Tensor:
        """Training images at random."""
        return self.splits["train"].batch(count, rng)
