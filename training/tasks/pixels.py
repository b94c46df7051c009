"""Train the model of lossless pixels on crops, conditioned on their prediction by a photograph model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import DvcodecError
from ...models import load
from ...models.configs import WavefrontConfig
from ...models.interface.hierarchy import PassSettings, PixelStep
from ...models.interface.photo import PhotoModel
from ...models.pixels import colour_tensors, tokens
from ...models.pixels.colours import TRANSFORMS
from ...models.pixels.distributions import tables
from ...models.pixels.likelihood import cost
from ...models.pixels.wavefront.export import integer_net
from ...models.pixels.wavefront.half_size import doubled, halved
from ...models.pixels.wavefront.model import WavefrontModel
from ...models.pixels.wavefront.net import WavefrontNet
from ..data.photo_folder import PhotoFolder, read_rgb
from ..loop.task import LossTerms, ParameterGroup, Progress, Task
from ..recipes.overrides import override
from ..recipes.pixels import PixelRecipe

LOSSY = (".avif", ".jpg", ".jpeg")
"""Suffixes of files that lossy compression may have changed."""


class _Mode:
    """Takes the mode of a posterior over whole numbers, as residuals, for passes whose symbols are not coded."""

    def next(self, step: Any) -> NDArray[np.int32]:
        """Return the residuals."""
        found: NDArray[np.int32] = step.residuals()
        return found


def predicted(hierarchy: PhotoModel, pixels: NDArray[np.uint8], quality: float) -> NDArray[np.uint8]:
    """Predict pixels from their half-size lossy reconstruction.

    Args:
        hierarchy: the photograph model.
        pixels: levels 0 to 255, (H, W, 3).
        quality: of the reconstruction, 1 to 100.

    Returns:
        Levels 0 to 255, (H, W, 3).
    """
    small, code, (height, width) = halved(pixels), round(quality * 256), pixels.shape[:2]
    targets = hierarchy.infer(small, code)
    state = hierarchy.top_down_pass(PassSettings(small.shape[0], small.shape[1], code), _Mode(), targets)
    return doubled(hierarchy.render(state), height, width)


def photo_model_of(weights: str) -> PhotoModel:
    """Load the photograph model of the weights named, or the default one. DvcodecError if it cannot predict pixels."""
    from ... import weights as shipped

    chosen = shipped.find(weights) if weights else shipped.photographs(perceptual=True)
    hierarchy = load(chosen.path)
    if not (isinstance(hierarchy, PhotoModel) and hierarchy.exact_pixels):
        raise DvcodecError(f"the weights {chosen.name} cannot predict lossless pixels", override("hierarchy", "NAME"))
    return hierarchy


class PixelTask(Task):
    """A model of lossless pixels on a folder of photographs."""

    module: WavefrontNet

    def __init__(self, config: WavefrontConfig, recipe: PixelRecipe, photos: PhotoFolder) -> None:
        self.recipe, self.photos = recipe, photos
        self.module = WavefrontNet(config)
        hierarchy = photo_model_of(recipe.hierarchy)
        lossy = np.array([path.suffix.lower() in LOSSY for path in photos.paths])
        images = [halved(image) if half else image for image, half in zip(photos.images, lossy, strict=True)]
        large = np.array([min(image.shape[:2]) >= recipe.crop for image in images])
        photos.areas = _shares(photos.areas * large, lossy, recipe.lossless_share)
        photos.images = [np.dstack([image, predicted(hierarchy, image, recipe.quality)]) for image in images]

    def groups(self) -> Sequence[ParameterGroup]:
        """Return all networks in one group."""
        return [ParameterGroup("pixels", list(self.module.parameters()), self.recipe.rate)]

    def batch(self, rng: np.random.Generator, progress: Progress) -> Tensor:
        """Draw crops under colour transforms: three planes of pixels, then three of their prediction, (B, 6, H, W)."""
        crops = self.photos.batch(self.recipe.batch, self.recipe.crop, rng)
        return torch.stack([self._transformed(crop, rng) for crop in crops])

    def _transformed(self, crop: Tensor, rng: np.random.Generator) -> Tensor:
        pixels, shown = crop[:3], crop[3:]
        if rng.random() < self.recipe.grey:
            pixels, shown = (part[1:2].expand(3, -1, -1) for part in (pixels, shown))
        any_one = rng.random() < self.recipe.other_transforms
        transform = int(rng.integers(TRANSFORMS)) if any_one else colour_tensors.smoothest(pixels)
        return torch.cat([colour_tensors.split(part, transform) for part in (pixels, shown)])

    def prepare(self, rng: np.random.Generator) -> None:
        """Do nothing: the networks start at random."""

    def loss_terms(self, batch: Tensor, progress: Progress) -> LossTerms:
        """Compute the rate of the crops in bits a pixel."""
        planes, shown = batch[:, :3], batch[:, 3:]
        bits = torch.stack([cost(*pair).sum() for pair in self.module(planes, shown)]) / planes[:, 0].numel()
        return LossTerms(bits.sum(), {"rate_bpp": float(bits.detach().sum())})


def _shares(areas: NDArray[np.float64], lossy: NDArray[np.bool_], lossless_share: float) -> NDArray[np.float64]:
    """Return the chances of images (N,): areas, rescaled so that lossless files have the given share.

    DvcodecError if no image is large enough.
    """
    if not areas.sum():
        raise DvcodecError(
            "no image is large enough once halved",
            f"give larger photographs, or a smaller crop: {override('crop', 'N')}",
        )
    parts = [(areas * lossy, 1 - lossless_share), (areas * ~lossy, lossless_share)]
    found = [part / part.sum() * share for part, share in parts if part.sum()]
    total = np.sum(found, axis=0)
    return np.asarray(total / total.sum())


@dataclass
class _Count:
    """Takes the pixels of an image and counts their tokens by context."""

    counts: NDArray[np.int64]

    def next(self, step: PixelStep) -> NDArray[np.int32]:
        """Return the residuals as they are."""
        found = step.residuals()
        np.add.at(self.counts, (step.contexts, tokens.ALPHABET.split(found)[0]), 1)
        return found


def counted(net: WavefrontNet, paths: Iterable[Path], hierarchy: PhotoModel, quality: float) -> NDArray[np.int64]:
    """Count tokens by context in image files, (CONTEXTS, TOKENS), with a network's integers."""
    count = _Count(np.zeros((tokens.CONTEXTS, tokens.TOKENS), np.int64))
    model = WavefrontModel("", integer_net(net), tables().astype(np.float32))
    for path in paths:
        pixels = read_rgb(path)
        shown = predicted(hierarchy, pixels, quality)
        model.autoregressive_pass(shown, count, transform=model.transform(pixels, shown), grey=False, pixels=pixels)
    return count.counts
