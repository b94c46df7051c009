"""Calibrate the quality scale: quality 50 takes half a bit a pixel in the mean of given photographs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ...errors import DvcodecError
from ...models.interface.hierarchy import Hierarchy, PassSettings, PixelStep, Residuals, Step
from ...models.interface.photo import PhotoModel
from ...models.photo.quality import FINEST_QUALITY, QualityMap
from ..data.photo_folder import read_rgb
from ..data.pictures import image_paths

TARGET = 0.5
"""Bits per pixel at quality 50."""


class RateCounter:
    """Chooses the posterior's mode, and sums the bits that its integer frequencies cost.

    Args:
        residuals: how symbols are coded that are whole numbers; None if they are not.
    """

    def __init__(self, residuals: Residuals | None = None) -> None:
        self.bits, self._residuals = 0.0, residuals

    def next(self, step: Step) -> NDArray[np.int32]:
        """Return symbols (n,)."""
        if self._residuals is not None:
            return self._whole_numbers(cast(PixelStep, step), self._residuals)
        symbols = step.posterior_mode()
        chosen = np.take_along_axis(step.weights(), symbols[:, None].astype(np.int64), axis=1)
        self.bits += float(np.sum(24 - np.log2(chosen.astype(np.float64) + 1)))
        return symbols

    def _whole_numbers(self, step: PixelStep, residuals: Residuals) -> NDArray[np.int32]:
        symbols = step.residuals()
        tokens, _ = residuals.split(symbols)
        chosen = residuals.tables[step.contexts, tokens].astype(np.float64)
        self.bits += float(np.sum(24 - np.log2(chosen + 1))) + float(residuals.extra_bits(tokens).sum())
        return symbols


def calibrate(build: Callable[[QualityMap], Hierarchy], folder: Path, *, perceptual: bool = False) -> QualityMap:
    """Return the map of all network qualities that puts quality 50 at TARGET bits a pixel.

    Args:
        build: returns the integer model with a range of qualities.
        folder: the photographs, over which the rate is averaged.
        perceptual: whether they are coded for the eye.

    Returns:
        The map from qualities 1 to 100 to quality codes.

    Raises:
        DvcodecError: there is no image below the folder, or one cannot be read.
    """
    images = [read_rgb(path) for path in calibration_paths(folder)]
    low, high = 0, FINEST_QUALITY
    while high - low > 8:
        middle = (low + high) // 2
        hierarchy = build(QualityMap(middle, middle))
        below = float(np.mean([bits_per_pixel(hierarchy, image, perceptual=perceptual) for image in images])) < TARGET
        low, high = (middle, high) if below else (low, middle)
    return QualityMap(0, FINEST_QUALITY, low)


def calibration_paths(folder: Path) -> list[Path]:
    """Return the images below a folder, sorted by their paths. DvcodecError if there are none."""
    paths = image_paths(folder)
    if not paths:
        raise DvcodecError(
            f"there is no image below {folder} to calibrate with", "name a folder of images as `calibration`"
        )
    return paths


def bits_per_pixel(hierarchy: Hierarchy, image: NDArray[np.uint8], *, perceptual: bool = False) -> float:
    """Return -log2 p(z) a pixel of the hard posterior, by the frequencies that the coder uses.

    Args:
        hierarchy: the photograph model with its quality map.
        image: the photograph, (H, W, 3) uint8.
        perceptual: whether it is coded for the eye.

    Returns:
        Bits per pixel at the lowest quality of the map.
    """
    counter = RateCounter(hierarchy.residuals)
    settings = PassSettings(image.shape[0], image.shape[1], 256, perceptual=perceptual)
    if perceptual and isinstance(hierarchy, PhotoModel):
        targets = hierarchy.lookahead_targets(image, settings, 0, perceptual=True)
    else:
        targets = hierarchy.infer(image, 256)
    hierarchy.top_down_pass(settings, counter, targets)
    return counter.bits / float(image.shape[0] * image.shape[1])
