"""Train the photograph model: crops at every quality, the rate-distortion objective."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...models.configs import RRVQConfig
from ...models.photo.network.model import PhotoRRVQ
from ...models.photo.quality import FINEST_QUALITY
from ..data.photo_folder import PhotoFolder
from ..loop.numerics import choose_products
from ..loop.task import LossTerms, ParameterGroup, Progress, Task
from ..recipes.photo import PhotoRecipe
from ..warm_start.photo import warm_start_photo_model
from .codebooks import initialise_codebooks
from .rate_distortion import rate_distortion

GROUPS = ("chain", "codebooks", "synthesis", "postfilter", "analysis")


def group_of(name: str) -> str:
    """Return the group of a parameter, by its name."""
    if name.endswith(".values"):
        return "codebooks"
    outer = name.partition(".")[0]
    return outer if outer in GROUPS else "chain"


def drawn_codes(count: int) -> Tensor:
    """Draw network qualities uniformly, so that sigma is log-uniform: (count,) int64."""
    return torch.randint(0, FINEST_QUALITY + 1, (count,))


class PhotoTask(Task):
    """A photograph model on a folder of photographs.

    Args:
        config: the model's sizes.
        recipe: how it is trained.
        photos: the photographs.
        seed: seed of the codebooks' clustering.
        start: weights to start from; None starts from random networks, with codebooks from the data.
    """

    module: PhotoRRVQ

    def __init__(self, config: RRVQConfig, recipe: PhotoRecipe, photos: PhotoFolder, seed: int, start: Path | None):
        self.recipe, self.photos, self.seed, self.start = recipe, photos, seed, start
        self.module = PhotoRRVQ(config)
        choose_products(self.module, recipe.precision)

    def groups(self) -> Sequence[ParameterGroup]:
        """Return the groups in GROUPS that the model has and that learn."""
        recipe = self.recipe
        networks = (recipe.network_rate, recipe.postfilter_rate, recipe.analysis_rate)
        rates = zip(GROUPS, (recipe.rate, recipe.codebook_rate, *networks), strict=True)
        named = [(name, p) for name, p in self.module.named_parameters() if p.requires_grad]
        groups = [ParameterGroup(g, [p for name, p in named if group_of(name) == g], rate) for g, rate in rates]
        return [group for group in groups if group.parameters]

    def batch(self, rng: np.random.Generator, progress: Progress) -> Tensor:
        """Draw crops: levels 0 to 255, (B, 3, H, W)."""
        return self.crops(rng, progress)

    def crops(self, rng: np.random.Generator, progress: Progress) -> Tensor:
        """Draw crops (B, 3, H, W), larger and fewer in the last part of the run."""
        recipe = self.recipe
        side = recipe.late_crop if progress.fraction >= recipe.late_from else recipe.crop
        count = max(1, recipe.batch * recipe.crop**2 // side**2)
        return self.drawn(count, side, rng)

    def drawn(self, count: int, side: int, rng: np.random.Generator) -> Tensor:
        """Draw crops (count, 3, side, side), synthetic and augmented in the recipe's shares."""
        return self.photos.batch(count, side, rng, self.recipe.synthetic, self.recipe.augmented)

    def prepare(self, rng: np.random.Generator) -> None:
        """Initialise the codebooks from the coefficients of 24 batches, then everything that `start` holds."""
        device = next(self.module.parameters()).device
        with torch.no_grad():
            parts = []
            for _ in range(24):
                x = self.crops(rng, Progress(0, 0.0)).to(device)
                quality = torch.randint(1500, FINEST_QUALITY + 1, (len(x),), device=device)
                parts.append(self.module.infer(x, quality, learned=False))
            targets = {s: torch.cat([part[s] for part in parts]).cpu() for s in parts[0]}
        self.module.cpu()
        initialise_codebooks(self.module, targets, torch.Generator().manual_seed(self.seed))
        self.module.to(device)
        if self.start is not None:
            warm_start_photo_model(self.module, self.start)

    def loss_terms(self, batch: Tensor, progress: Progress) -> LossTerms:
        """Compute rate and distortion at a random quality for each crop. The layers choose their own precision."""
        quality = drawn_codes(len(batch)).to(batch.device)
        relaxed = self.recipe.pull > 0 and progress.step % 2 == 0
        relax = 2.0 if relaxed else 0.0  # costly: every second step, counted twice
        analysis = progress.fraction >= self.recipe.analysis_from
        with torch.autocast(batch.device.type, enabled=False):
            return rate_distortion(self.module, batch, quality, self.recipe, relax=relax, analysis=analysis)
