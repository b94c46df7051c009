"""Start the light model's priors: for each quality and tuning, the scales under which crops take fewest bits."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ...models.light.conditioning import Conditioning
from ...models.light.config import COST_SHARES
from ...models.light.grids import LARGEST_SCALE, LEAST_SCALE
from ...models.light.model import LightPhotoModel
from ...models.light.network import CoefficientGroup
from ...models.light.prior import LogisticPrior, nats
from ...models.photo.network.chain import KNOTS

MOST = 2048
"""Positions that count."""
DEAD_ZONE = 0.15
ROUNDS = 2


@torch.no_grad()
def initialise_grids(model: LightPhotoModel, crops: Tensor) -> None:
    """Set the knots of all priors' scales.

    Args:
        model: changed in place.
        crops: levels 0 to 255, (B, 3, H, W).
    """
    found = [[_scales(model, crops, 256 * knot, float(tuning)) for knot in range(KNOTS)] for tuning in (0, 1)]
    for i, (_, group) in enumerate(model.top_down.groups()):
        plain, tuned = (torch.stack([scales[i] for scales in knots]) for knots in found)
        group.scale.plain.copy_(plain)
        group.scale.tuned.copy_(tuned - plain)


def _scales(model: LightPhotoModel, crops: Tensor, quality: int, tuning: float) -> list[Tensor]:
    """Return the best scale of every coefficient, by group, at one quality and tuning."""
    codes = torch.full((len(crops),), quality, device=crops.device)
    targets = model.infer(crops, Conditioning(codes, torch.full((len(crops),), tuning, device=crops.device)))
    share = torch.full((1, 1), COST_SHARES[round(tuning)], device=crops.device)
    return [_fitted(group, targets[stride][:, group.channels], share) for stride, group in model.top_down.groups()]


def _fitted(group: CoefficientGroup, targets: Tensor, share: Tensor) -> Tensor:
    """Alternate between the best scale of what is chosen and the choice under it. (G,)"""
    targets = targets[:: max(1, len(targets) // MOST)]
    steps = targets / group.step()
    symbols = torch.round(steps.sign() * (steps.abs() - DEAD_ZONE).clamp_min(0))
    scale = targets.new_zeros(targets.shape[1])
    for _ in range(ROUNDS):
        grid = torch.arange(LEAST_SCALE, LARGEST_SCALE + 0.01, 0.25, device=targets.device)
        costs = torch.stack([nats(symbols, prior).mean(0) for prior in _priors(group, grid, targets)])
        scale = grid[costs.argmin(0)]
        symbols = group.posterior_mode(
            targets, _centred(group, scale.expand_as(targets)), share.expand(len(targets), 1)
        )
    return scale


def _priors(group: CoefficientGroup, grid: Tensor, targets: Tensor) -> Iterator[LogisticPrior]:
    return (_centred(group, scale.expand_as(targets)) for scale in grid)


def _centred(group: CoefficientGroup, scale: Tensor) -> LogisticPrior:
    """Return priors (N, G) about zero of these scales."""
    return LogisticPrior(torch.zeros_like(scale), scale, torch.sigmoid(group.tail).expand_as(scale))
