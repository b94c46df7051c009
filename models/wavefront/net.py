"""The network of `wavefront`: predictors, two hidden layers, and a head for each plane of a pixel.

    L_j    = linear predictions of a plane from what is seen, j = 1 .. J
    hidden = what is seen -> relu -> relu
    mean   = base + skip(seen) + head + sum_j w_j L_j       w_j, scale and tail are the head's
    error  = plane - L_j: what pixels that follow see of this one

Predictions that mix by context follow how edges run; errors at neighbours tell which predictor to trust. All of it is
on grids (see exact): the model that trains is the one that codes.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .. import colours
from ..configs import WavefrontConfig
from ..integer.grid import on_grid
from ..integer.linear import GridLinear
from ..pixel_net import HIDDEN_LIMIT, MEAN_BITS, MEAN_STEPS, SCALES, TAILS, Shape, rectified
from . import seen
from .seen import LIMIT, UNIT

PREDICTION_LIMIT = 255.0
"""Grey levels."""
PART_BITS, PART_LIMIT = 8, 512.0
"""The grid of a mean's parts."""
MIX_BITS, MIX_LIMIT = 6, 2.0
"""The grid of the predictors' weights."""
SUM_LIMIT = 2.0**23
"""Sums stay below this, in steps of their grid: half a step more is exact too."""


class PlaneHead(nn.Module):
    """One plane's part; `before` is how many planes are known when it is coded."""

    def __init__(self, before: int, config: WavefrontConfig) -> None:
        super().__init__()
        self.mix = GridLinear(config.hidden + before, config.width, gain=1.4, input_limit=HIDDEN_LIMIT, limit=SUM_LIMIT)
        self.out = GridLinear(config.width, 3 + config.predictors, gain=0.2, input_limit=HIDDEN_LIMIT, limit=SUM_LIMIT)
        self.skip = GridLinear(seen.linear_inputs() + before, 1, gain=0.05, input_limit=int(LIMIT), limit=SUM_LIMIT)

    def forward(self, hidden: Tensor, straight: Tensor, before: Tensor, predicted: Tensor) -> Shape:
        """(n, hidden), what predictors see (n, linear), residuals before (n, planes), predictions (J, n) -> (n,)."""
        out = self.out(rectified(self.mix(torch.cat([hidden, before], dim=1))))
        skip = self.skip(torch.cat([straight, before], dim=1))[:, 0]
        mixed = (on_grid(out[:, 3:], MIX_BITS, -MIX_LIMIT, MIX_LIMIT).t() * predicted).sum(0)
        mean = on_grid(part(out[:, 0]) + part(skip) + part(mixed), MEAN_BITS) * MEAN_STEPS
        half, tails = (SCALES - 1) // 2, (TAILS - 1) // 2
        scale, tail = on_grid(out[:, 1], 0, -half, half) + half, on_grid(out[:, 2] * 0.25, 0, -tails, tails) + tails
        return Shape(mean, scale, tail)


def part(mean: Tensor) -> Tensor:
    """A part of a mean, on a grid that holds the sum of three exactly."""
    return on_grid(mean, PART_BITS, -PART_LIMIT, PART_LIMIT)


class WavefrontNet(nn.Module):
    """Distributions of the planes of every pixel of tiles."""

    def __init__(self, config: WavefrontConfig) -> None:
        super().__init__()
        self.config = config
        sizes: dict[str, Any] = {"input_limit": int(LIMIT), "limit": SUM_LIMIT}
        self.predict = GridLinear(seen.linear_inputs(), 3 * config.predictors, gain=0.3, **sizes)
        self.trunk = GridLinear(seen.inputs(config.predictors), config.hidden, gain=1.4, **sizes)
        self.deep = GridLinear(config.hidden, config.hidden, gain=1.4, input_limit=HIDDEN_LIMIT, limit=SUM_LIMIT)
        self.heads = nn.ModuleList(PlaneHead(plane, config) for plane in range(3))

    def forward(self, planes: Tensor, shown: Tensor) -> list[tuple[Tensor, Shape]]:
        """Planes and the lossy image's (B, 3, H, W) -> by plane how pixels differ from the base (n,), its Shape."""
        base = seen.bases(planes.transpose(0, 1))  # (3, B, H, W)
        targets = planes.transpose(0, 1) - base
        straight = _straight(planes.transpose(0, 1), shown.transpose(0, 1), base)
        rows = straight.flatten(1).t() / UNIT  # (n, linear), grey levels
        predicted = self.predictions(rows)  # (3 J, n), grey levels
        errors = self._errors(targets, predicted.detach())
        J = self.config.predictors
        blank = straight.new_empty(seen.inputs(J) - len(straight) - len(errors), *straight.shape[1:])
        everything = seen.fill_logarithms(torch.cat([straight, errors, blank]).flatten(1), J)
        hidden = rectified(self.deep(rectified(self.trunk(everything.t() / UNIT))))
        return self._shapes(targets.flatten(1), base.flatten(1), hidden, rows, predicted)

    def predictions(self, rows: Tensor) -> Tensor:
        """What the predictors say of what they see (n, linear), on the activations' grid. (3 J, n)"""
        return on_grid(self.predict(rows), 4, -PREDICTION_LIMIT, PREDICTION_LIMIT).t()

    def _errors(self, targets: Tensor, predicted: Tensor) -> Tensor:
        """The predictors' errors at the neighbours, in steps. (PAST * 3 J, B, H, W)"""
        J, (_, B, H, W) = self.config.predictors, targets.shape
        apart = targets.repeat_interleave(J, dim=0) - predicted.view(3 * J, B, H, W)
        return seen.shifted(seen.clamped(apart * UNIT), seen.PAST)

    def _shapes(
        self, targets: Tensor, bases: Tensor, hidden: Tensor, rows: Tensor, predicted: Tensor
    ) -> list[tuple[Tensor, Shape]]:
        before, found = hidden.new_zeros(len(hidden), 0), []
        ranges = zip(colours.LOWEST, colours.HIGHEST, strict=True)
        parts = zip(targets, bases, self.heads, predicted.chunk(3), ranges, strict=True)
        for target, base, head, mine, (low, high) in parts:
            shape: Shape = head(hidden, rows, before, mine)
            shape.mean = shape.mean.clamp((low - base) * MEAN_STEPS, (high - base) * MEAN_STEPS)
            middle = torch.floor(shape.mean.detach() / MEAN_STEPS + 0.5)
            before = torch.cat([before, (target - middle).clamp(-127, 127)[:, None]], dim=1)
            found.append((target, shape))
        return found


def _straight(planes: Tensor, shown: Tensor, base: Tensor) -> Tensor:
    """What the predictors see, in steps. (linear, B, H, W)"""
    inside = seen.shifted(torch.ones_like(planes[:, :1]), seen.NEAR)
    apart = (seen.shifted(planes, seen.NEAR) - base.repeat(len(seen.NEAR), 1, 1, 1)) * inside
    around = seen.shown_around(shown) - torch.cat([base[:1].expand(len(seen.SHOWN), -1, -1, -1), base[1:]])
    middle = base - base.new_tensor(seen.START)[:, None, None, None]
    return seen.clamped(torch.cat([apart, around, middle]) * UNIT)
