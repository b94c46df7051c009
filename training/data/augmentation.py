"""Crops made less alike: other sizes, other colours, coarser colours, some grain.

A folder of pictures that were all made smaller, from sharp cameras, teaches nothing of the soft and grainy pixels that
a camera or a scanner gives before anyone makes them smaller, nor of colours that only every second pixel has: cameras
see no more, and JPEG keeps no more. Each photograph at another size, in other colours and with grain is a draw from a
wider set of photographs than the folder itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

OCTAVES = (-0.6, 1.0)
"""Sizes are two to the power of a draw from here: from two thirds to twice the pixels a side."""
GRAIN = (0.5, 4.0)
"""The standard deviation of grain, in grey levels, is drawn evenly in its logarithm."""
SHARES = (0.5, 1.0, 0.4)
"""Of the crops that have other colours, coarser colours, grain."""
LUMINANCE = np.array([0.299, 0.587, 0.114])

Pixels = NDArray[np.uint8]
Crop = NDArray[np.float64]


def augmented_crop(image: Pixels, side: int, rng: np.random.Generator) -> Pixels:
    """A crop (side, side, 3) of `image` at another size; the other changes befall their shares of crops (SHARES)."""
    crop = resized(image, side, rng)
    for change, share in zip((recoloured, subsampled, grainy), SHARES, strict=True):
        if rng.random() < share:
            crop = change(crop, rng)
    return np.clip(np.rint(crop), 0, 255).astype(np.uint8)


def resized(image: Pixels, side: int, rng: np.random.Generator) -> Crop:
    """A crop of `image` made larger or smaller to `side`; no smaller than the image allows. (side, side, 3)"""
    taken = min(round(side / 2 ** rng.uniform(*OCTAVES)), *image.shape[:2])
    y, x = (int(rng.integers(full - taken + 1)) for full in image.shape[:2])
    patch = Image.fromarray(np.ascontiguousarray(image[y : y + taken, x : x + taken]))
    method = Image.Resampling.BICUBIC if rng.random() < 0.5 else Image.Resampling.BILINEAR
    return np.asarray(patch.resize((side, side), method), dtype=np.float64)


def recoloured(crop: Crop, rng: np.random.Generator) -> Crop:
    """Another exposure, contrast, saturation and balance of the channels, in grey levels, some beyond 255. (H, W, 3)"""
    gamma = 2 ** rng.uniform(-0.5, 0.5)
    crop = 255 * (crop / 255) ** gamma
    grey = (crop @ LUMINANCE)[:, :, None]
    crop = grey + (crop - grey) * rng.uniform(0.3, 1.2)
    found: Crop = crop * rng.uniform(0.85, 1.0, size=3) * rng.uniform(0.7, 1.05) + rng.uniform(0, 16)
    return found


def subsampled(crop: Crop, rng: np.random.Generator) -> Crop:
    """With colours that are means of 2x2 pixels, between which they are interpolated or not. (H, W, 3)"""
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
    """With grain, shared by the channels in part, of one or two pixels; some levels leave [0, 255]. (H, W, 3)"""
    spread = np.exp(rng.uniform(*np.log(GRAIN)))
    shared = rng.uniform(0, 1)
    grain = shared * rng.normal(size=(*crop.shape[:2], 1)) + np.sqrt(1 - shared**2) * rng.normal(size=crop.shape)
    if rng.random() < 0.5:
        grain = (grain + np.roll(grain, 1, 0) + np.roll(grain, 1, 1) + np.roll(grain, (1, 1), (0, 1))) / 2
    found: Crop = crop + spread * grain
    return found
