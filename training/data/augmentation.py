"""Data augmentation: crops at another size, in other colours, with subsampled chroma, with grain.

A folder of photographs that were all reduced in size holds no soft or grainy pixels, as cameras and scanners give
them, and no chroma at half the resolution, as JPEG keeps it. Augmented crops are draws from a wider set of
photographs than the folder itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

OCTAVES = (-0.6, 1.0)
"""Range of the base-2 logarithm of the scale: from two thirds to twice the pixels a side."""
GRAIN = (0.5, 4.0)
"""Range of the standard deviation of grain in grey levels, log-uniform."""
SHARES = (0.5, 1.0, 0.4)
"""Shares of the crops that get other colours, subsampled chroma, grain."""
LUMINANCE = np.array([0.299, 0.587, 0.114])

Pixels = NDArray[np.uint8]
Crop = NDArray[np.float64]


def augmented_crop(image: Pixels, side: int, rng: np.random.Generator) -> Pixels:
    """Return a crop of an image at another size, with each of the other changes at the probability in SHARES.

    Args:
        image: levels 0 to 255, (H, W, 3).
        side: side of the crop.
        rng: what everything is drawn with.

    Returns:
        Levels 0 to 255, (side, side, 3).
    """
    crop = resized(image, side, rng)
    for change, share in zip((recoloured, subsampled, grainy), SHARES, strict=True):
        if rng.random() < share:
            crop = change(crop, rng)
    return np.clip(np.rint(crop), 0, 255).astype(np.uint8)


def resized(image: Pixels, side: int, rng: np.random.Generator) -> Crop:
    """Return a square of `image` rescaled to (side, side, 3), reduced no further than the image allows."""
    taken = min(round(side / 2 ** rng.uniform(*OCTAVES)), *image.shape[:2])
    y, x = (int(rng.integers(full - taken + 1)) for full in image.shape[:2])
    patch = Image.fromarray(np.ascontiguousarray(image[y : y + taken, x : x + taken]))
    method = Image.Resampling.BICUBIC if rng.random() < 0.5 else Image.Resampling.BILINEAR
    return np.asarray(patch.resize((side, side), method), dtype=np.float64)


def recoloured(crop: Crop, rng: np.random.Generator) -> Crop:
    """Change exposure, contrast, saturation and colour balance of a crop (H, W, 3); some levels may exceed 255."""
    gamma = 2 ** rng.uniform(-0.5, 0.5)
    crop = 255 * (crop / 255) ** gamma
    grey = (crop @ LUMINANCE)[:, :, None]
    crop = grey + (crop - grey) * rng.uniform(0.3, 1.2)
    found: Crop = crop * rng.uniform(0.85, 1.0, size=3) * rng.uniform(0.7, 1.05) + rng.uniform(0, 16)
    return found


def subsampled(crop: Crop, rng: np.random.Generator) -> Crop:
    """Subsample the chroma of a crop (H, W, 3) by 2x2 means, then interpolate it linearly or repeat it."""
    height, width = crop.shape[:2]
    method = Image.Resampling.BILINEAR if rng.random() < 0.7 else Image.Resampling.NEAREST
    grey = crop @ LUMINANCE
    coarse = np.empty_like(crop)
    for channel in range(3):
        plane = Image.fromarray((crop[:, :, channel] - grey).astype(np.float32))
        half = plane.resize((-(-width // 2), -(-height // 2)), Image.Resampling.BOX)
        coarse[:, :, channel] = np.asarray(half.resize((width, height), method))
    coarse += grey[:, :, None]
    return coarse


def grainy(crop: Crop, rng: np.random.Generator) -> Crop:
    """Add grain of one or two pixels to a crop (H, W, 3), partly common to the channels; levels may leave [0, 255]."""
    spread = np.exp(rng.uniform(*np.log(GRAIN)))
    shared = rng.uniform(0, 1)
    grain = shared * rng.normal(size=(*crop.shape[:2], 1)) + np.sqrt(1 - shared**2) * rng.normal(size=crop.shape)
    if rng.random() < 0.5:
        grain = (grain + np.roll(grain, 1, 0) + np.roll(grain, 1, 1) + np.roll(grain, (1, 1), (0, 1))) / 2
    found: Crop = crop + spread * grain
    return found
