"""Train the post-filter alone: everything before it is frozen, so that crops are decoded once and used often.

A step takes a tenth of the time of one that trains the whole model. The crops of a pool, their qualities and their
decoding follow from the run's seed and the pool's number, so that a resumed run decodes the same pool again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...errors import InvalidArgument
from ...models.configs import RRVQConfig
from ...models.photo.network.transform import BLOCK
from ...models.photo.quality import FINEST_QUALITY
from ..data.photo_folder import PhotoFolder
from ..loop.task import LossTerms, Progress
from ..objectives.weighting import image_weights
from ..recipes.overrides import override
from ..recipes.photo import PhotoRecipe
from .photo import PhotoTask
from .posterior_source import PosteriorSource

AT_ONCE = 8
"""Crops that are decoded in one batch."""


@dataclass
class Pool:
    """Decoded crops in half precision; all but the quality is in units of sigma."""

    shown: Tensor  # (N, 3, side, side), output of the synthesis without the filter
    features: Tensor  # (N, synthesis width, side / 8, side / 8)
    missing: Tensor  # (N, 3, side, side), the image minus `shown`
    quality: Tensor  # (N,), network qualities

    def cut(self, places: Tensor, side: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Cut squares of `side` pixels at places (n, 3): a crop's number, and the row and column of the first block."""
        blocks = side // BLOCK

        def squares(maps: Tensor, unit: int) -> Tensor:
            corners = [(n, y * unit, x * unit) for n, y, x in places.tolist()]
            span = blocks * unit
            return torch.stack([maps[n, :, y : y + span, x : x + span] for n, y, x in corners]).float()

        shown, missing = squares(self.shown, BLOCK), squares(self.missing, BLOCK)
        return shown, squares(self.features, 1), missing, self.quality[places[:, 0]]


class PostFilterTask(PhotoTask):
    """A photograph model from weights, of which only the post-filter learns. InvalidArgument if it has none."""

    def __init__(self, config: RRVQConfig, recipe: PhotoRecipe, photos: PhotoFolder, seed: int, start: Path | None):
        super().__init__(config, recipe, photos, seed, start)
        if self.module.postfilter is None:
            raise InvalidArgument("the model has no post-filter", override("postfilter_width", "48"))
        self.module.requires_grad_(False)
        self.module.postfilter.requires_grad_(True)
        self.postfilter = self.module.postfilter
        self.pool: Pool | None = None
        self.number = -1

    def prepare(self, rng: np.random.Generator) -> None:
        """Load the weights to start from. InvalidArgument without any: the rest of the model does not learn."""
        if self.start is None:
            raise InvalidArgument(
                "the post-filter alone learns behind weights that are there", "name weights as `start`"
            )
        super().prepare(rng)

    def batch(self, rng: np.random.Generator, progress: Progress) -> Tensor:
        """Draw squares of the pool: crop, row and column of the first block, (B, 3)."""
        number = progress.step // self.recipe.pool_steps
        if number != self.number:
            self.pool, self.number = self._decoded(np.random.default_rng([self.seed, number])), number
        room = (self.recipe.pool_side - self.recipe.crop) // BLOCK + 1
        return torch.from_numpy(rng.integers([self.recipe.pool, room, room], size=(self.recipe.batch, 3)))

    def loss_terms(self, batch: Tensor, progress: Progress) -> LossTerms:
        """Compute the distortion behind the filter."""
        assert self.pool is not None
        with torch.autocast(batch.device.type, enabled=False):  # the filter chooses its own precision
            shown, features, missing, quality = self.pool.cut(batch, self.recipe.crop)
            left = missing - self.postfilter(shown, features, quality)
        error, before = (x.square().flatten(1).sum(1) / 2 for x in (left, missing))
        loss = (image_weights(self.module.sigma(quality), shown) * error).sum()
        pixels = shown.shape[0] * shown.shape[2] * shown.shape[3]
        figures = {
            "distortion_nats_per_pixel": float(error.detach().sum()) / pixels,
            "unfiltered_nats_per_pixel": float(before.sum()) / pixels,
        }
        return LossTerms(loss, figures)

    @torch.no_grad()
    def _decoded(self, rng: np.random.Generator) -> Pool:
        """Decode a pool of crops at random qualities."""
        self.module.eval()
        parts = []
        for first in range(0, self.recipe.pool, AT_ONCE):
            count = min(AT_ONCE, self.recipe.pool - first)
            x = self.drawn(count, self.recipe.pool_side, rng)
            parts.append(self._decode(x, torch.from_numpy(rng.integers(FINEST_QUALITY + 1, size=count))))
        self.module.train()
        return Pool(*(torch.cat(held) for held in zip(*parts, strict=True)))

    def _decode(self, x: Tensor, quality: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        model, device = self.module, next(self.module.parameters()).device
        x, quality = x.to(device), quality.to(device)
        targets = model.infer(x, quality)
        decoded = model.top_down_pass((x.shape[2], x.shape[3]), quality, PosteriorSource(len(x)), targets)
        shown, features = model.postfilter_inputs(decoded)
        missing = (x - 128) / decoded.sigma[:, None, None, None] - shown
        return shown.half(), features.half(), missing.half(), quality
