"""Train the light photograph model: crops at every quality and both tunings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...models.light.conditioning import Conditioning
from ...models.light.config import LightConfig
from ...models.light.model import LightPhotoModel
from ...models.photo.quality import FINEST_QUALITY
from ..data.photo_folder import PhotoFolder
from ..loop.numerics import choose_products
from ..loop.task import LossTerms, ParameterGroup, Progress, Task
from ..objectives.light import light_objective
from ..objectives.ssimulacra2 import Ssimulacra2
from ..recipes.light import LightRecipe
from ..warm_start.light import warm_start_light_model
from .light_start import initialise_grids

GRIDS = (".shrink",)
"""Ends of the names of the grids' parameters: what symbols stand for. Their steps do not learn."""
STARTING_CROPS, STARTING_SIDE = 24, 128
"""Crops from which the priors' scales start, and their side in pixels."""


class LightTask(Task):
    """The light photograph model on a folder of photographs.

    Args:
        config: the model's sizes.
        recipe: how it is trained.
        photos: the photographs.
        start: a weights file or a checkpoint to start from; None starts from random networks and the photographs'
            statistics.
    """

    module: LightPhotoModel

    def __init__(self, config: LightConfig, recipe: LightRecipe, photos: PhotoFolder, start: Path | None) -> None:
        self.recipe, self.photos, self.start = recipe, photos, start
        self.module = LightPhotoModel(config)
        choose_products(self.module, recipe.precision)
        self.distance = Ssimulacra2()

    def groups(self) -> Sequence[ParameterGroup]:
        """Return the networks and the grids."""
        members: dict[str, list[torch.nn.Parameter]] = {"networks": [], "grids": []}
        for name, parameter in self.module.named_parameters():
            members["grids" if name.endswith(GRIDS) else "networks"].append(parameter)
        rates = (self.recipe.rate, self.recipe.grid_rate)
        return [ParameterGroup(name, members[name], rate) for name, rate in zip(members, rates, strict=True)]

    def batch(self, rng: np.random.Generator, progress: Progress) -> Tensor:
        """Draw crops (B, 3, H, W) of levels 0 to 255, larger and fewer in the later part of the run."""
        recipe = self.recipe
        side = recipe.late_crop if progress.fraction >= recipe.late_from else recipe.crop
        count = max(1, recipe.batch * recipe.crop**2 // side**2)
        return self.photos.batch(count, side, rng, recipe.synthetic, recipe.augmented)

    def prepare(self, rng: np.random.Generator) -> None:
        """Start from a weights file or a checkpoint, or start the priors' scales from photographs."""
        if self.start is not None:
            warm_start_light_model(self.module, self.start)
            return
        side = min(STARTING_SIDE, min(min(image.shape[:2]) for image in self.photos.images))
        crops = self.photos.batch(STARTING_CROPS, side, rng, self.recipe.synthetic)
        initialise_grids(self.module, crops.to(next(self.module.parameters()).device))

    def synchronise(self, average: Callable[[Iterable[Tensor]], None]) -> None:
        """Share the running means of the objective."""
        average([self.module.log_ratio, self.module.counted])

    def loss_terms(self, batch: Tensor, progress: Progress) -> LossTerms:
        """Compute rate and distortion at a random quality and tuning for each crop."""
        recipe, device = self.recipe, batch.device
        quality = torch.randint(0, FINEST_QUALITY + 1, (len(batch),)).to(device)
        tuning = (torch.rand(len(batch)) < recipe.tuned).float().to(device)
        perceptual = progress.fraction >= recipe.perceptual_from
        self.module.top_down.set_integers(recipe.integers_from < 1 and progress.fraction >= recipe.integers_from)
        with torch.autocast(device.type, enabled=False):
            conditioning = Conditioning(quality, tuning)
            distance = self.distance.to(device) if perceptual else None
            loss, nats, error, by_group = light_objective(self.module, batch, conditioning, recipe, distance)
        pixels = batch.shape[0] * batch.shape[2] * batch.shape[3]
        figures = {
            "bits_per_pixel": float(nats.detach().sum()) / pixels / math.log(2),
            "distortion_nats_per_pixel": float(error.detach().sum()) / pixels,
        }
        return LossTerms(loss, figures, {f"group {i}": part.detach() for i, part in enumerate(by_group)})
