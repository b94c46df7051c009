"""The network of `wavefront`: predictors, two hidden layers, and a head for each plane of a pixel.

    L_j    = linear predictions of a plane from the features, j = 1 .. J
    hidden = features -> relu -> relu
    mean   = base + skip(features) + head + sum_j w_j L_j   w_j, scale and tail are the head's
    error  = plane - L_j: a feature of pixels that follow

The weights w_j depend on the context, so that the mean follows the direction of edges; a predictor's errors at the
neighbours indicate how reliable it is. All values lie on grids (`integer.grid`): training and coding use one model.

Source:
    Compare CALIC, Wu and Memon (1997), "Context-based, adaptive, lossless image coding", whose prediction adapts to
    gradients and whose error model to the local activity.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ....shapes import Float
from ...configs import WavefrontConfig
from ...integer.grid import quantise
from ...integer.linear import QuantLinear
from .. import colours
from ..grids import HIDDEN_LIMIT, MEAN_BITS, MEAN_STEPS, SCALES, TAILS, UNIT
from ..heads import PixelDistribution, quantise_relu
from . import feature_maps, features
from .features import LIMIT
from .grids import MIX_BITS, MIX_LIMIT, PART_BITS, PART_LIMIT, PREDICTION_LIMIT, SUM_LIMIT


class PlaneHead(nn.Module):
    """The head of one plane; `before` is the number of planes that are coded before it."""

    def __init__(self, before: int, config: WavefrontConfig) -> None:
        super().__init__()
        self.mix = QuantLinear(
            config.hidden + before, config.width, gain=1.4, input_limit=HIDDEN_LIMIT, limit=SUM_LIMIT
        )
        self.out = QuantLinear(config.width, 3 + config.predictors, gain=0.2, input_limit=HIDDEN_LIMIT, limit=SUM_LIMIT)
        self.skip = QuantLinear(
            features.linear_inputs() + before, 1, gain=0.05, input_limit=int(LIMIT), limit=SUM_LIMIT
        )

    def forward(
        self,
        hidden: Float[Tensor, "n hidden"],
        straight: Float[Tensor, "n linear"],
        before: Float[Tensor, "n planes"],
        predicted: Float[Tensor, "J n"],
    ) -> PixelDistribution:
        """Return the distributions of the plane.

        Args:
            hidden: The last hidden layer.
            straight: The features that the predictors take.
            before: Residuals of the planes before.
            predicted: The plane's predictions.
        """
        out = self.out(quantise_relu(self.mix(torch.cat([hidden, before], dim=1))))
        skip = self.skip(torch.cat([straight, before], dim=1))[:, 0]
        mixed = (quantise(out[:, 3:], MIX_BITS, -MIX_LIMIT, MIX_LIMIT).t() * predicted).sum(0)
        mean = quantise(part(out[:, 0]) + part(skip) + part(mixed), MEAN_BITS) * MEAN_STEPS
        half, tails = (SCALES - 1) // 2, (TAILS - 1) // 2
        scale, tail = quantise(out[:, 1], 0, -half, half) + half, quantise(out[:, 2] * 0.25, 0, -tails, tails) + tails
        return PixelDistribution(mean, scale, tail)


def part(mean: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """Return a part of a mean, on a grid that holds the sum of three exactly."""
    return quantise(mean, PART_BITS, -PART_LIMIT, PART_LIMIT)


class WavefrontNet(nn.Module):
    """Distributions of the planes of every pixel of tiles."""

    def __init__(self, config: WavefrontConfig) -> None:
        super().__init__()
        self.config = config
        sizes: dict[str, Any] = {"input_limit": int(LIMIT), "limit": SUM_LIMIT}
        self.predict = QuantLinear(features.linear_inputs(), 3 * config.predictors, gain=0.3, **sizes)
        self.trunk = QuantLinear(features.inputs(config.predictors), config.hidden, gain=1.4, **sizes)
        self.deep = QuantLinear(config.hidden, config.hidden, gain=1.4, input_limit=HIDDEN_LIMIT, limit=SUM_LIMIT)
        self.heads = nn.ModuleList(PlaneHead(plane, config) for plane in range(3))

    def forward(
        self, planes: Float[Tensor, "B 3 H W"], shown: Float[Tensor, "B 3 H W"]
    ) -> list[tuple[Float[Tensor, " n"], PixelDistribution]]:
        """Return by plane the differences of all n = B * H * W pixels to their base, and their distributions.

        Args:
            planes: Of the images, in grey levels.
            shown: Of the lossy images, in grey levels.
        """
        base = feature_maps.bases(planes.transpose(0, 1))  # (3, B, H, W)
        targets = planes.transpose(0, 1) - base
        straight = _straight(planes.transpose(0, 1), shown.transpose(0, 1), base)
        rows = straight.flatten(1).t() / UNIT  # (n, linear), grey levels
        predicted = self.predictions(rows)  # (3 J, n), grey levels
        errors = self._errors(targets, predicted.detach())
        J = self.config.predictors
        blank = straight.new_empty(features.inputs(J) - len(straight) - len(errors), *straight.shape[1:])
        everything = feature_maps.fill_logarithms(torch.cat([straight, errors, blank]).flatten(1), J)
        hidden = quantise_relu(self.deep(quantise_relu(self.trunk(everything.t() / UNIT))))
        return self._shapes(targets.flatten(1), base.flatten(1), hidden, rows, predicted)

    def predictions(self, rows: Float[Tensor, "n linear"]) -> Float[Tensor, "J3 n"]:
        """Return the predictions of all planes, 3 J of each pixel, on the activations' grid."""
        return quantise(self.predict(rows), 4, -PREDICTION_LIMIT, PREDICTION_LIMIT).t()

    def _errors(self, targets: Tensor, predicted: Tensor) -> Tensor:
        """Return the predictors' errors at the neighbours, in steps. (PAST * 3 J, B, H, W)"""
        J, (_, B, H, W) = self.config.predictors, targets.shape
        apart = targets.repeat_interleave(J, dim=0) - predicted.view(3 * J, B, H, W)
        return feature_maps.shifted(feature_maps.clamped(apart * UNIT), features.PAST)

    def _shapes(
        self, targets: Tensor, bases: Tensor, hidden: Tensor, rows: Tensor, predicted: Tensor
    ) -> list[tuple[Tensor, PixelDistribution]]:
        before, found = hidden.new_zeros(len(hidden), 0), []
        ranges = zip(colours.LOWEST, colours.HIGHEST, strict=True)
        parts = zip(targets, bases, self.heads, predicted.chunk(3), ranges, strict=True)
        for target, base, head, mine, (low, high) in parts:
            given: PixelDistribution = head(hidden, rows, before, mine)
            given.mean = given.mean.clamp((low - base) * MEAN_STEPS, (high - base) * MEAN_STEPS)
            middle = torch.floor(given.mean.detach() / MEAN_STEPS + 0.5)
            before = torch.cat([before, (target - middle).clamp(-127, 127)[:, None]], dim=1)
            found.append((target, given))
        return found


def _straight(planes: Tensor, shown: Tensor, base: Tensor) -> Tensor:
    """Return the features that the predictors take, in steps. (linear, B, H, W)"""
    inside = feature_maps.shifted(torch.ones_like(planes[:, :1]), features.NEAR)
    apart = (feature_maps.shifted(planes, features.NEAR) - base.repeat(len(features.NEAR), 1, 1, 1)) * inside
    around = feature_maps.shown_around(shown) - torch.cat([base[:1].expand(len(features.SHOWN), -1, -1, -1), base[1:]])
    middle = base - base.new_tensor(features.START)[:, None, None, None]
    return feature_maps.clamped(torch.cat([apart, around, middle]) * UNIT)
