"""Train a part of the light model alone, on crops that its integer encoder has encoded.

Priors learn the symbols that an encoder really chooses, with local weights and rounded priors, as maximum likelihood;
the post-filter learns behind the samples that a decoder really makes. The crops of a pool, their qualities and their
tunings follow from the run's seed and the pool's number. A run that goes on encodes its pool anew, with the networks
that it has by then.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ...errors import InvalidArgument
from ...models.interface.hierarchy import PassSettings
from ...models.light import file
from ...models.light.conditioning import Conditioning
from ...models.light.config import STRIDES, LightConfig
from ...models.light.grids import SAMPLE_BITS
from ...models.light.runtime.model import RuntimeLightModel
from ...models.light.runtime.top_down import LightState
from ...models.light.top_down import GroupStep
from ...models.photo.quality import FINEST_QUALITY, QualityMap
from ..data.photo_folder import PhotoFolder
from ..loop.task import LossTerms, ParameterGroup, Progress
from ..objectives.light import squared_error, with_distance
from ..objectives.weighting import REFERENCE_SIGMA, image_weights
from ..recipes.light import LightRecipe
from ..recipes.overrides import override
from .light import GRIDS, LightTask

COARSEST, BLOCK = STRIDES[0], STRIDES[-1]
QUALITIES = QualityMap(0, FINEST_QUALITY)


class _Cheapest:
    """Takes what the encoder would code."""

    def next(self, step: Any) -> NDArray[np.int32]:
        """Return the residuals of a step."""
        found: NDArray[np.int32] = step.residuals()
        return found


@dataclass
class EncodedCrops:
    """Crops and what the encoder made of them.

    Args:
        symbols: by stride, (N, C, rows, columns).
        samples: before the post-filter, in steps of 2**-SAMPLE_BITS sigma, (N, 192, rows, columns).
        pixels: (N, 3, side, side).
        quality: network qualities, (N,).
        tuning: 0 or 1, (N,).
    """

    symbols: dict[int, Tensor]
    samples: Tensor
    pixels: Tensor
    quality: Tensor
    tuning: Tensor

    def cut(self, maps: Tensor, places: Tensor, unit: int, side: int) -> Tensor:
        """Cut squares of `side` pixels out of maps of `unit` pixels a position.

        Args:
            maps: (N, C, rows, columns).
            places: of each square a crop's number, and its row and column in multiples of COARSEST pixels, (n, 3).
            unit: pixels between two positions.
            side: in pixels.
        """
        span, step = side // unit, COARSEST // unit
        corners = [(n, y * step, x * step) for n, y, x in places.tolist()]
        return torch.stack([maps[n, :, y : y + span, x : x + span] for n, y, x in corners]).float()

    def conditioning(self, places: Tensor) -> Conditioning:
        """Return the settings of squares."""
        return Conditioning(self.quality[places[:, 0]], self.tuning[places[:, 0]])


def encoded_crops(
    model: RuntimeLightModel, photos: PhotoFolder, recipe: LightRecipe, rng: np.random.Generator
) -> EncodedCrops:
    """Draw crops at random qualities and tunings, and encode each."""
    side, rows = recipe.pool_side, recipe.pool_side // BLOCK
    held: list[tuple[LightState, NDArray[np.int16], Tensor]] = []
    for _ in range(recipe.pool):
        x = photos.batch(1, side, rng, recipe.synthetic, recipe.augmented)[0].to(torch.uint8)
        quality, perceptual = int(rng.integers(256, 25601)), bool(rng.random() < recipe.tuned)
        settings = PassSettings(side, side, quality, perceptual=perceptual)
        targets = model.lookahead_targets(x.permute(1, 2, 0).numpy(), settings, 0, perceptual=perceptual)
        state = model.top_down_pass(settings, _Cheapest(), targets)
        held.append((state, model.samples(state), x))
    symbols = {s: np.stack([state.symbols[s] for state, *_ in held]) for s in STRIDES}
    return EncodedCrops(
        {s: torch.from_numpy(n).view(len(held), -1, side // s, side // s) for s, n in symbols.items()},
        torch.from_numpy(np.stack([samples for _, samples, _ in held])).view(len(held), -1, rows, rows),
        torch.stack([x for *_, x in held]),
        torch.tensor([state.quality for state, *_ in held]),
        torch.tensor([float(state.perceptual) for state, *_ in held]),
    )


class LightPartTask(LightTask):
    """A light model from weights, of which one part learns (`LightRecipe.learns`). InvalidArgument if it has none."""

    def __init__(
        self, config: LightConfig, recipe: LightRecipe, photos: PhotoFolder, seed: int, start: Path | None
    ) -> None:
        super().__init__(config, recipe, photos, start)
        if recipe.learns == "postfilter" and self.module.postfilter is None:
            raise InvalidArgument("the model has no post-filter", override("postfilter_width", "24"))
        self.seed, self.number = seed, -1
        self.pool: EncodedCrops | None = None
        part = "top_down." if recipe.learns == "priors" else "postfilter."
        for name, parameter in self.module.named_parameters():
            parameter.requires_grad_(name.startswith(part) and not name.endswith(GRIDS))

    def groups(self) -> list[ParameterGroup]:
        """Return the networks that learn."""
        learning = [parameter for parameter in self.module.parameters() if parameter.requires_grad]
        return [ParameterGroup(self.recipe.learns, learning, self.recipe.rate)]

    def prepare(self, rng: np.random.Generator) -> None:
        """Load the weights to start from. InvalidArgument without any: the rest of the model does not learn."""
        if self.start is None:
            raise InvalidArgument("a part alone learns with weights that are there", "name weights as `start`")
        super().prepare(rng)

    def batch(self, rng: np.random.Generator, progress: Progress) -> Tensor:
        """Draw squares of the pool: crop, row and column in multiples of the coarsest stride, (B, 3)."""
        recipe, number = self.recipe, progress.step // self.recipe.pool_steps
        if number != self.number:
            model = file.runtime(self.module, QUALITIES)
            self.pool = encoded_crops(model, self.photos, recipe, np.random.default_rng([self.seed, number]))
            self.number = number
        side = self._side(progress)
        room = (recipe.pool_side - side) // COARSEST + 1
        count = max(1, recipe.batch * recipe.crop**2 // side**2)
        return torch.from_numpy(rng.integers([recipe.pool, room, room], size=(count, 3)))

    def loss_terms(self, batch: Tensor, progress: Progress) -> LossTerms:
        """Compute the rate of the pool's symbols, or the distortion behind the post-filter."""
        assert self.pool is not None
        with torch.autocast(batch.device.type, enabled=False):
            if self.recipe.learns == "priors":
                return self._rate(self.pool, batch, progress)
            return self._distortion(self.pool, batch, progress)

    def _side(self, progress: Progress) -> int:
        recipe = self.recipe
        return recipe.late_crop if progress.fraction >= recipe.late_from else recipe.crop

    def _conditioning(self, pool: EncodedCrops, places: Tensor) -> Conditioning:
        found, device = pool.conditioning(places.cpu()), places.device
        return Conditioning(found.quality.to(device), found.tuning.to(device))

    def _rate(self, pool: EncodedCrops, places: Tensor, progress: Progress) -> LossTerms:
        side, model = self._side(progress), self.module
        model.top_down.set_integers(self.recipe.integers_from < 1 and progress.fraction >= self.recipe.integers_from)
        symbols = {
            s: pool.cut(maps, places, s, side).flatten(2).transpose(1, 2).flatten(0, 1).to(places.device)
            for s, maps in pool.symbols.items()
        }

        def given(step: GroupStep) -> Tensor:
            return symbols[step.stride][:, step.group.channels]

        conditioning = self._conditioning(pool, places)
        nats = model.top_down_pass((side, side), conditioning, given).nats
        weights = model.sigma(conditioning) / REFERENCE_SIGMA / (len(places) * side**2)
        bits = float(nats.detach().sum()) / (len(places) * side**2) / math.log(2)
        return LossTerms((weights * nats).sum(), {"bits_per_pixel": bits})

    def _distortion(self, pool: EncodedCrops, places: Tensor, progress: Progress) -> LossTerms:
        side, model, recipe = self._side(progress), self.module, self.recipe
        assert model.postfilter is not None
        conditioning = self._conditioning(pool, places)
        x = pool.cut(pool.pixels, places, 1, side).to(places.device)
        before = F.pixel_shuffle(pool.cut(pool.samples, places, BLOCK, side), BLOCK).to(places.device) / 2**SAMPLE_BITS
        shown = before + model.postfilter(before, conditioning)
        shown = shown * model.sigma(conditioning)[:, None, None, None] + 128
        error = squared_error(model, x, shown, model.infer(x, conditioning), conditioning)
        distortion = error
        if progress.fraction >= recipe.perceptual_from and recipe.perceptual > 0:
            distance = self.distance.to(places.device)
            distortion = with_distance(model, x, shown, conditioning, error, error, recipe.perceptual, distance)
        loss = (image_weights(model.sigma(conditioning), x) * distortion).sum()
        return LossTerms(loss, {"distortion_nats_per_pixel": float(error.detach().sum()) / (len(x) * side**2)})
