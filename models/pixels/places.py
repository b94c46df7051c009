"""Indices in memory of a wavefront's pixels and their neighbours, in a batch of images of one size."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...shapes import Int64, Shaped
from .causal import ReceptiveField


class WavefrontPlaces:
    """Indices into planes of (B, rows + height, width + 2 columns), padded by `ReceptiveField.padded` and flattened.

    Args:
        receptive_field: The receptive field.
        batch: B, the number of images.
        height: Of an image, in pixels.
        width: Of an image, in pixels.
    """

    def __init__(self, receptive_field: ReceptiveField, batch: int, height: int, width: int) -> None:
        self.receptive_field, self.fronts = receptive_field, list(receptive_field.wavefronts(height, width))
        self.stride = width + 2 * receptive_field.columns
        self.deltas = np.array([dy * self.stride + dx for dy, dx in receptive_field.offsets()])
        self.images = np.arange(batch)[:, None] * ((height + receptive_field.rows) * self.stride)

    def inside(self, front: int) -> Int64[NDArray[np.int64], " n"]:
        """Return the places of a wavefront's n pixels in the first image."""
        y, x = self.fronts[front]
        return (y + self.receptive_field.rows) * self.stride + x + self.receptive_field.columns

    def all(self, front: int) -> Int64[NDArray[np.int64], " m"]:
        """Return the places of a wavefront's pixels, image after image: m = B * n."""
        return (self.images + self.inside(front)).ravel()

    def neighbours(self, places: Int64[NDArray[np.int64], " m"]) -> Int64[NDArray[np.int64], "m neighbours"]:
        """Return the places of the neighbours of pixels, in the order of `ReceptiveField.offsets`."""
        neighbours: NDArray[np.int64] = places[:, None] + self.deltas
        return neighbours

    def cropped(self, planes: Shaped[NDArray[Any], "*batch h w"]) -> Shaped[NDArray[Any], "*batch H W"]:
        """Return padded planes without their padding."""
        receptive_field = self.receptive_field
        return planes[..., receptive_field.rows :, receptive_field.columns : -receptive_field.columns]
