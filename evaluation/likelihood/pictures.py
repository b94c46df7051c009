"""Pictures of samples, and of originals beside their reconstructions, for families and photograph models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from ...errors import DvcodecError, InvalidArgument
from ...models.families.config import BINARY_THRESHOLD
from ...models.families.model import FamilyVAE
from ..images import image_files, load_rgb
from . import family_samples, photo_samples
from .networks import Network

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class SamplingOptions:
    """How pictures are sampled.

    Args:
        layers: number of layers, coarsest first, that are kept; the rest is drawn anew. None keeps all.
        seed: seed of the draws.
        quality: 1 to 100, for photograph models.
        size: width and height in pixels, for photograph models.
        temperature: factor of the sampling noise, for families.
    """

    layers: int | None = None
    seed: int = 0
    quality: float = 50.0
    size: int = 128
    temperature: float = 1.0


def grid(network: Network, n: int, drawing: SamplingOptions) -> Image.Image:
    """Draw `n` samples of a model's prior as one picture.

    Args:
        network: the model.
        n: number of samples.
        drawing: how they are drawn.

    Returns:
        The picture, with about as many rows as columns.

    Raises:
        InvalidArgument: the model has fewer layers than are to be kept.
    """
    _refuse_depth(drawing.layers, network)
    layers, seed = drawing.layers, drawing.seed
    if isinstance(network, FamilyVAE):
        return family_samples.grid(network, n, temperature=drawing.temperature, layers=layers, seed=seed)
    return family_samples.mosaic(
        photo_samples.draw(network, n, drawing.size, drawing.quality, layers=layers, seed=seed)
    )


def pairs(network: Network, folder: Path, n: int, drawing: SamplingOptions) -> Image.Image:
    """Show the middles of the first `n` images of a folder, each beside its reconstruction.

    Args:
        network: the model.
        folder: the images.
        n: most images that are shown.
        drawing: how reconstructions are made.

    Returns:
        The picture, in which originals and reconstructions take turns.

    Raises:
        DvcodecError: there are no images, or one cannot be read or is too small.
    """
    _refuse_depth(drawing.layers, network)
    files = image_files(folder)[:n]
    if not files:
        raise InvalidArgument(f"no image in {folder}", "name a folder of images")
    if isinstance(network, FamilyVAE):
        return _family_pairs(network, files, drawing)
    levels = np.stack([_middle(path, drawing.size, "RGB") for path in files])
    layers, seed = drawing.layers, drawing.seed
    made = [
        photo_samples.reconstruct(network, image.transpose(1, 2, 0), drawing.quality, layers=layers, seed=seed)
        for image in levels
    ]
    return _side_by_side(levels, np.stack(made))


def _family_pairs(model: FamilyVAE, files: tuple[Path, ...], drawing: SamplingOptions) -> Image.Image:
    mode = "RGB" if model.config.channels == 3 else "L"
    levels = np.stack([_middle(path, model.config.image, mode) for path in files])
    binary = model.config.binary
    levels = np.where(levels >= BINARY_THRESHOLD, 255, 0).astype(np.uint8) if binary else levels
    x = torch.from_numpy(levels).float() / (255 if binary else 1)
    made = family_samples.reconstruct(
        model, x, layers=drawing.layers, seed=drawing.seed, temperature=drawing.temperature
    )
    return _side_by_side(levels, made)


def _refuse_depth(layers: int | None, network: Network) -> None:
    depth = len(network.layers()) if isinstance(network, FamilyVAE) else len(network.layers)
    if layers is not None and layers > depth:
        raise InvalidArgument(f"the model has {depth} layers, not {layers}", "choose fewer `layers`")


def _middle(path: Path, size: int, mode: str) -> Pixels:
    """Return the middle of an image, (C, size, size).

    Raises:
        DvcodecError: the image cannot be read or is smaller.
    """
    try:
        image = load_rgb(path)
    except DvcodecError as error:
        raise DvcodecError(f"{path.name}: {error.reason}", error.hint) from error
    if min(image.size) < size:
        raise InvalidArgument(f"{path.name} is {image.width}x{image.height}, smaller than {size}x{size}")
    left, top = (image.width - size) // 2, (image.height - size) // 2
    cut = image.crop((left, top, left + size, top + size)).convert(mode)
    return np.asarray(cut, np.uint8).reshape(size, size, -1).transpose(2, 0, 1)


def _side_by_side(originals: Pixels, made: Pixels) -> Image.Image:
    """Arrange originals and reconstructions in turn, an even number in a row."""
    both = np.stack([originals, made], axis=1).reshape(-1, *originals.shape[1:])
    return family_samples.mosaic(both, columns=2 * max(1, round((len(originals) / 2) ** 0.5)))
