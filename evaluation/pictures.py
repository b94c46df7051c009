"""Grids of samples and pairs of originals and reconstructions, for families and for photograph models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from ..codec.errors import InvalidArgument
from ..models.families.config import FamilyConfig
from ..models.families.model import FamilyVAE
from ..models.interface import Hierarchy
from . import photo_samples, samples
from .rd import image_files

Pixels = NDArray[np.uint8]
INK = 128
"""A pixel of at least this level is a 1 to a model of binary images."""


def family_grid(model: FamilyVAE, n: int, *, layers: int | None, seed: int, temperature: float) -> Image.Image:
    """`n` samples of a family's prior."""
    _refuse_depth(layers, len(model.layers()))
    return samples.grid(model, n, layers=layers, seed=seed, temperature=temperature)


def family_pairs(
    model: FamilyVAE, folder: Path, n: int, *, layers: int | None, seed: int, temperature: float
) -> Image.Image:
    """The first `n` images of a folder, their middles as a family takes them, each beside its reconstruction."""
    _refuse_depth(layers, len(model.layers()))
    levels = np.stack([_fitted(path, model.config) for path in _first(folder, n)])
    binary = model.config.likelihood == "bernoulli"
    levels = np.where(levels >= INK, 255, 0).astype(np.uint8) if binary else levels
    x = torch.from_numpy(levels).float() / (255 if binary else 1)
    made = samples.reconstruct(model, x, layers=layers, seed=seed, temperature=temperature)
    return _pairs(levels, made)


def photo_grid(
    hierarchy: Hierarchy, n: int, size: int, quality: float, *, layers: int | None, seed: int
) -> Image.Image:
    """`n` samples of a photograph model's prior, `size` pixels square."""
    _refuse_depth(layers, len(hierarchy.layers))
    return samples.mosaic(photo_samples.draw(hierarchy, n, size, quality, layers=layers, seed=seed))


def photo_pairs(
    hierarchy: Hierarchy, folder: Path, n: int, size: int, quality: float, *, layers: int | None, seed: int
) -> Image.Image:
    """The middles, `size` pixels square, of the first `n` images of a folder, each beside its reconstruction."""
    _refuse_depth(layers, len(hierarchy.layers))
    levels = np.stack([_middle(path, size, "RGB") for path in _first(folder, n)])
    made = [
        photo_samples.reconstruct(hierarchy, image.transpose(1, 2, 0), quality, layers=layers, seed=seed)
        for image in levels
    ]
    return _pairs(levels, np.stack(made))


def _refuse_depth(layers: int | None, depth: int) -> None:
    if layers is not None and layers > depth:
        raise InvalidArgument(f"the model has {depth} layers, not {layers}", "--layers K")


def _first(folder: Path, n: int) -> tuple[Path, ...]:
    files = image_files(folder)[:n]
    if not files:
        raise InvalidArgument(f"no image in {folder}", "--reconstruct DIR")
    return files


def _fitted(path: Path, config: FamilyConfig) -> Pixels:
    return _middle(path, config.image, "RGB" if config.channels == 3 else "L")


def _middle(path: Path, size: int, mode: str) -> Pixels:
    """The middle of an image, (C, size, size)."""
    with Image.open(path) as image:
        if min(image.size) < size:
            raise InvalidArgument(f"{path.name} is {image.width}x{image.height}, smaller than {size}x{size}")
        left, top = (image.width - size) // 2, (image.height - size) // 2
        cut = image.convert(mode).crop((left, top, left + size, top + size))
        return np.asarray(cut, np.uint8).reshape(size, size, -1).transpose(2, 0, 1)


def _pairs(originals: Pixels, made: Pixels) -> Image.Image:
    """Original and reconstruction in turn, an even number in a row."""
    both = np.stack([originals, made], axis=1).reshape(-1, *originals.shape[1:])
    return samples.mosaic(both, columns=2 * max(1, round((len(originals) / 2) ** 0.5)))
