"""The model of lossless pixels as a task of the loop: crops beside what a hierarchy predicts of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..codec.errors import DvcodecError
from ..models import colours, load, residuals
from ..models.interface import PixelStep, Predictive, Step
from ..models.pixel_model import LatticePixels
from ..models.pixel_net import PixelConfig, PixelNet
from ..models.residual_tables import tables
from .photos import PhotoFolder, read_rgb
from .pixel_objective import pixel_bits
from .pixel_recipe import PixelRecipe
from .task import Moment, ParameterGroup, Terms


class _Mode:
    """Takes the posterior's mode."""

    def choose(self, step: Step) -> NDArray[np.int32]:
        """The symbols of a block."""
        return step.posterior_mode()


def predicted(hierarchy: Predictive, pixels: NDArray[np.uint8], quality: float) -> NDArray[np.uint8]:
    """What a hierarchy predicts of (H, W, 3) pixels at a quality from 1 to 100."""
    code, (height, width) = round(quality * 256), pixels.shape[:2]
    evidence = hierarchy.infer(pixels, code)
    return hierarchy.predict(hierarchy.walk(height, width, code, _Mode(), evidence=evidence, exact=True))


def predictive(weights: str) -> Predictive:
    """The hierarchy of weights named, or the default one. DvcodecError if it cannot predict pixels."""
    from .. import weights as shipped

    chosen = shipped.find(weights) if weights else shipped.default()
    hierarchy = load(chosen.path)
    if not isinstance(hierarchy, Predictive):
        raise DvcodecError(f"the weights {chosen.name} cannot predict lossless pixels", "--set hierarchy=NAME")
    return hierarchy


class PixelTask:
    """A model of lossless pixels over a folder of lossless photographs."""

    def __init__(self, config: Mapping[str, Any], recipe: PixelRecipe, photos: PhotoFolder) -> None:
        self.recipe, self.photos = recipe, photos
        self.module = PixelNet(PixelConfig(**config))
        hierarchy = predictive(recipe.hierarchy)
        photos.images = [
            np.dstack([image, predicted(hierarchy, image, quality)])
            for image in photos.images
            for quality in recipe.qualities
        ]
        photos.areas = np.repeat(photos.areas, len(recipe.qualities)) / len(recipe.qualities)

    def groups(self) -> Sequence[ParameterGroup]:
        """All networks alike."""
        return [ParameterGroup("pixels", list(self.module.parameters()), self.recipe.rate)]

    def batch(self, rng: np.random.Generator, moment: Moment) -> Tensor:
        """Crops of pixels and of what is predicted, (B, 6, H, W), each under a colour transform."""
        crops = self.photos.batch(self.recipe.batch, self.recipe.crop, rng)
        return torch.stack([self._transformed(crop, rng) for crop in crops])

    def _transformed(self, crop: Tensor, rng: np.random.Generator) -> Tensor:
        pixels, shown = crop[:3], crop[3:]
        any_one = rng.random() < self.recipe.other_transforms
        transform = int(rng.integers(colours.TRANSFORMS)) if any_one else colours.smoothest(pixels)
        return torch.cat([colours.split(pixels, transform), colours.split(shown, transform)])

    def prepare(self, rng: np.random.Generator) -> None:
        """Networks start at random."""

    def terms(self, batch: Tensor, moment: Moment) -> Terms:
        """Bits a pixel."""
        planes, shown = batch[:, :3], batch[:, 3:]
        bits = pixel_bits(self.module, planes, shown, self.recipe.shares) / planes[:, 0].numel()
        return Terms(bits.sum(), {"rate_bpp": float(bits.detach().sum())})


@dataclass
class _Count:
    """Takes an image's pixels, and counts their tokens by context."""

    counts: NDArray[np.int64]

    def choose(self, step: PixelStep) -> NDArray[np.int32]:
        """The residuals as they are."""
        found = step.residuals()
        np.add.at(self.counts, (step.contexts, residuals.split(found)[0]), 1)
        return found


def counted(net: PixelNet, paths: Iterable[Path], hierarchy: Predictive, quality: float) -> NDArray[np.int64]:
    """Tokens by context (CONTEXTS, TOKENS) in image files, with a frozen network."""
    count = _Count(np.zeros((residuals.CONTEXTS, residuals.TOKENS), np.int64))
    model = LatticePixels("", net, tables().astype(np.float32))
    for path in paths:
        pixels = read_rgb(path)
        shown = predicted(hierarchy, pixels, quality)
        model.walk(shown, count, transform=model.transform(pixels, shown), grey=False, pixels=pixels)
    return count.counts
