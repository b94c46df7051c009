"""Black and white training pages as scanners and printers make them; a generator decides on everything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from .bilevel_pages import draw

Page = NDArray[np.uint8]
"""(H, W), 1 for paper and 0 for ink."""
SCALE = 2
"""Pages are drawn this many times as large as they are scanned."""
CELL = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])
"""Bayer's matrix, for ordered dithering."""


def synthetic_page(
    size: tuple[int, int],
    fonts: list[Path],
    photographs: Sequence[NDArray[np.uint8]],
    rng: np.random.Generator,
    halftones: float = 0.2,
) -> Page:
    """Make a page: a scanned one, a clean one, or a halftone of a photograph.

    Args:
        size: height and width in pixels.
        fonts: font files for the text; Pillow's own font where there are none.
        photographs: grey levels (H, W) for halftones.
        rng: what everything is drawn with.
        halftones: probability of a halftone, where there are photographs.

    Returns:
        (height, width), 1 for paper and 0 for ink.
    """
    if photographs and rng.random() < halftones:
        return halftone(photographs[int(rng.integers(len(photographs)))], size, rng)
    if rng.random() < 0.25:
        return _white(np.asarray(draw(size, 1, fonts, rng)), 128)
    return scanned(draw(size, SCALE, fonts, rng), size, rng)


def scanned(drawn: Image.Image, size: tuple[int, int], rng: np.random.Generator) -> Page:
    """Scan a drawn page: rotate it a little, blur it, light it unevenly, add noise, apply a threshold."""
    if rng.random() < 0.8:
        drawn = drawn.rotate(rng.normal() * 0.4, Image.Resampling.BILINEAR, fillcolor=255)
    soft = drawn.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.3) * SCALE))
    grey = np.asarray(soft.resize(size[::-1], Image.Resampling.BOX), np.float32)
    contrast, paper = rng.uniform(0.6, 1.0), rng.uniform(200, 255)
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    slope = rng.normal(size=2) * 12
    light = slope[0] * (y / size[0] - 0.5) + slope[1] * (x / size[1] - 0.5)
    noise = rng.standard_normal(size, np.float32) * np.float32(rng.choice([1, 4, 10, 22], p=[0.3, 0.35, 0.25, 0.1]))
    seen = paper - contrast * (255 - grey) + light + noise
    return _specks(_white(seen, paper - 127 * contrast * rng.uniform(0.7, 1.25)), rng)


def halftone(grey: NDArray[np.uint8], size: tuple[int, int], rng: np.random.Generator) -> Page:
    """Halftone grey levels by error diffusion, ordered dithering or a threshold; images that are too small repeat."""
    enlarged = rng.uniform(0.6, 2.0)
    image = Image.fromarray(grey).resize([max(8, round(side * enlarged)) for side in grey.shape[::-1]])
    tiles = [-(-side // own) for side, own in zip(size, image.size[::-1], strict=True)]
    levels = np.tile(np.asarray(image), tiles)[: size[0], : size[1]]
    kind = rng.random()
    if kind < 0.4:
        return np.asarray(Image.fromarray(levels).convert("1"), np.uint8)
    if kind < 0.75:
        cell = np.kron(CELL, np.ones([int(rng.integers(1, 3))] * 2, int))
        over = np.tile(cell, [-(-side // len(cell)) for side in size])[: size[0], : size[1]]
        return (levels > 16 * over + 8).astype(np.uint8)
    return _white(levels, float(np.median(levels)) + rng.normal() * 10)


def _white(grey: NDArray[np.uint8] | NDArray[np.float32], threshold: float) -> Page:
    return (grey > threshold).astype(np.uint8)


def _specks(page: Page, rng: np.random.Generator) -> Page:
    """Add dust to half of the pages."""
    if rng.random() < 0.5:
        return page
    count = int(page.size * 10 ** rng.uniform(-6, -3.5))
    y, x = (rng.integers(side, size=count) for side in page.shape)
    page[y, x] = rng.integers(2, size=count)
    return page
