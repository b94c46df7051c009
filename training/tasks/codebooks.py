"""Initialise codebooks: scalar ones evenly, vector ones by entropy-constrained clustering of real coefficients."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...models.photo.layout import PhotoLayerPlan, photo_plan
from ...models.photo.network.model import PhotoRRVQ


def initialise_codebooks(model: PhotoRRVQ, targets: dict[int, Tensor], generator: torch.Generator) -> None:
    """Initialise every codebook of a model.

    Args:
        model: the photograph model.
        targets: analysis coefficients of many crops and qualities in units of sigma, (N, channels) by stride.
        generator: what the clustering draws with.
    """
    found = codebooks(model.config.layout, targets, generator)
    for (values, frequencies), layer in zip(found, model.chain.layers(), strict=True):
        layer.initialise(values, frequencies)


def codebooks(layout: str, targets: dict[int, Tensor], generator: torch.Generator) -> list[tuple[Tensor, Tensor]]:
    """Return the codewords (K, v) of every layer of a layout in coding order, and their frequencies (K,).

    Args:
        layout: the layout's name.
        targets: as `initialise_codebooks` takes them.
        generator: what the clustering draws with.
    """
    found = []
    left: dict[tuple[int, tuple[int, ...]], Tensor] = {}  # by earlier layers of the same coefficients
    for plan in (plan for stages in photo_plan(layout).values() for stage in stages for plan in stage):
        key = plan.stride, plan.coefficients
        points = left.get(key, targets[plan.stride][:, list(plan.coefficients)])
        values = even_codebook(plan) if plan.half_width else cluster(points, plan.symbols, generator)
        frequencies = marginals(points, values)
        found.append((values, frequencies))
        left[key] = points - values[constrained_choice(points, values, frequencies)]
    return found


def even_codebook(plan: PhotoLayerPlan) -> Tensor:
    """Return K scalars about zero, or a square grid of K pairs, (K, v); see `companded` for their spacing."""
    if len(plan.coefficients) == 1:
        return companded(plan.symbols, plan.step, plan.half_width)[:, None]
    side = companded(math.isqrt(plan.symbols), plan.step, plan.half_width)
    return torch.cartesian_prod(side, side)


def companded(count: int, step: float, half_width: float) -> Tensor:
    """Return scalars about zero, (count,): `step` apart at zero, with a sinh spacing up to `half_width`."""
    j = torch.arange(count, dtype=torch.float64) - count // 2
    half = count / 2
    low, high = 1e-9, 1.0
    for _ in range(60):  # bisection for the curvature
        middle = (low + high) / 2
        too_far = step * math.sinh(middle * half) / middle > half_width
        low, high = (low, middle) if too_far else (middle, high)
    return (step * torch.sinh(low * j) / low).float()


def cluster(points: Tensor, symbols: int, generator: torch.Generator, rounds: int = 12) -> Tensor:
    """Cluster points by entropy-constrained Lloyd iterations (Chou, Lookabaugh and Gray, 1989).

    Args:
        points: (N, v).
        symbols: number of centres K.
        generator: what starts are drawn with.
        rounds: iterations.

    Returns:
        Centres (K, v); the first is zero.
    """
    active = points[points.abs().amax(1) > 1.0]
    if not len(active):  # earlier layers left nothing: begin at random
        active = torch.randn(symbols, points.shape[1], generator=generator)
    pick = torch.randperm(len(active), generator=generator)
    points = torch.cat([active[pick[:40000]], points[torch.randperm(len(points), generator=generator)[:20000]]])
    centres = active[pick.repeat(-(-symbols // len(active)))[:symbols]].clone()
    centres[0] = 0
    log_p = torch.full((symbols,), -math.log(symbols))
    for _ in range(rounds):
        chosen = constrained_choice(points, centres, log_p.exp())
        count = torch.bincount(chosen, minlength=symbols).float()
        total = torch.zeros_like(centres).index_add_(0, chosen, points)
        alive = count > 0
        centres[alive] = total[alive] / count[alive, None]
        dead = int((~alive).sum())
        if dead:
            centres[~alive] = active[torch.randint(len(active), (dead,), generator=generator)]
        centres[0] = 0
        log_p = torch.log((count + 1) / (count + 1).sum()).clamp_min(-9)
    return centres


def constrained_choice(points: Tensor, centres: Tensor, probabilities: Tensor) -> Tensor:
    """Return argmin_k |x - c_k|^2 / 2 - ln p_k: (N, v), (K, v), (K,) -> (N,)."""
    constant = 0.5 * centres.square().sum(1) - torch.log(probabilities)
    return torch.addmm(constant, points, centres.t(), alpha=-1).argmin(1)


def marginals(points: Tensor, centres: Tensor, rounds: int = 3) -> Tensor:
    """Return probabilities (K,) of the entropy-constrained choice among fixed centres, each at least about 1e-5."""
    probabilities = torch.full((len(centres),), 1 / len(centres))
    for _ in range(rounds):
        chosen = constrained_choice(points[:60000], centres, probabilities)
        count = torch.bincount(chosen, minlength=len(centres)).float()
        probabilities = (count + 0.3) / (count + 0.3).sum()
    return probabilities
