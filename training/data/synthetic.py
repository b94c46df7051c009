"""Synthetic training crops: noise, ramps, flat fields, lines and blocks, which photographs do not hold.

A model trained on photographs alone codes such images with symbols and corrections that it has never used: their
pixels got worse as the quality rose.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Crop = NDArray[np.float64]


def synthetic_crop(side: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a crop (side, side, 3) of a random kind, grey one time in three."""
    kind = KINDS[rng.integers(len(KINDS))]
    crop = kind(side, rng)
    if rng.random() < 1 / 3:
        crop = np.repeat(crop.mean(axis=2, keepdims=True), 3, axis=2)
    return np.clip(np.rint(crop), 0, 255).astype(np.uint8)


def noise(side: int, rng: np.random.Generator) -> Crop:
    """Return Gaussian noise of a random strength about a random colour."""
    return colour(rng) + rng.normal(size=(side, side, 3)) * rng.uniform(2, 80)


def ramp(side: int, rng: np.random.Generator) -> Crop:
    """Return a linear ramp between two colours, in a random direction."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[:side, :side] / side - 0.5
    share: Crop = (np.cos(angle) * x + np.sin(angle) * y)[:, :, None] * rng.uniform(0.2, 1.4) + 0.5
    crop: Crop = colour(rng) * share + colour(rng) * (1 - share)
    return crop


def stripes(side: int, rng: np.random.Generator) -> Crop:
    """Return sharp stripes or a chessboard of two colours, with cells of 1 to 24 pixels."""
    cell = rng.integers(1, 25, size=2)
    y, x = np.mgrid[:side, :side]
    rows = (y // cell[0]) % 2 if rng.random() < 0.6 else 0 * y
    mask = ((rows + (x // cell[1]) % 2) % 2)[:, :, None]
    return np.where(mask == 0, colour(rng), colour(rng))


def blocks(side: int, rng: np.random.Generator) -> Crop:
    """Return flat overlapping rectangles, as in charts and screens; thin ones look like lines and letters."""
    crop = np.broadcast_to(colour(rng), (side, side, 3)).copy()
    for _ in range(rng.integers(1, 60)):
        top, left = rng.integers(0, side, size=2)
        height, width = np.ceil(side * rng.random(2) ** 3 * 0.7).astype(int)
        crop[top : top + height, left : left + width] = colour(rng)
    return crop


def colour(rng: np.random.Generator) -> Crop:
    """Return a colour (3,); one time in four it is black or white."""
    if rng.random() < 0.25:
        return np.full(3, 255.0 * rng.integers(2))
    return rng.uniform(0, 255, size=3)


KINDS: tuple[Callable[[int, np.random.Generator], Crop], ...] = (noise, ramp, stripes, blocks)
