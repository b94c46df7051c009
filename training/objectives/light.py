"""The light model's objective: rate, and a distortion between squared error and what the eye minds.

For an image, in nats: -ln p(z) + D. At tuning 0, D is |x - x_hat|^2 / (2 sigma^2); at tuning 1, the same of the scaled
coefficients, of which a share is replaced by SSIMULACRA 2's distance, scaled so that both weigh the same on average at
each quality. Images are weighted as in `weighting`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...models.light.coefficients import Coefficients
from ...models.light.conditioning import Conditioning
from ...models.light.model import LightPhotoModel
from ...models.light.top_down import posterior_modes
from ...models.photo.network.chain import KNOTS
from ..recipes.light import LightRecipe
from .ssimulacra2 import Ssimulacra2
from .weighting import image_weights

OUTSIDE = 0.02
"""Share of the excess over levels 0 to 255 that the perceptual distance sees, so that it has a gradient there."""
MEMORY = 0.98
"""Decay of the running mean of log ratios, by crop."""
LEAST_DISTANCE = 0.02


def light_objective(
    model: LightPhotoModel, x: Tensor, conditioning: Conditioning, recipe: LightRecipe, distance: Ssimulacra2 | None
) -> tuple[Tensor, Tensor, Tensor, list[Tensor]]:
    """Compute the objective of a batch of crops.

    Args:
        model: the model; its running means are updated where `distance` counts.
        x: levels 0 to 255, (B, 3, H, W).
        conditioning: quality and tuning of each crop.
        recipe: weights of the terms.
        distance: the perceptual distance; None leaves it out.

    Returns:
        The loss, rates in nats (B,), distortions in nats (B,), and rates by group and crop.
    """
    size = (x.shape[2], x.shape[3])
    targets = model.infer(x, conditioning)
    decoded = model.top_down_pass(size, conditioning, posterior_modes(targets, conditioning))
    shown = model.render(decoded, size, conditioning)
    error = squared_error(model, x, shown, targets, conditioning)
    anchored = coefficient_error(decoded.reconstruction, targets, len(x))
    distortion = (1 - recipe.anchor) * error + recipe.anchor * anchored
    if distance is not None and recipe.perceptual > 0:
        distortion = with_distance(model, x, shown, conditioning, error, distortion, recipe.perceptual, distance)
    loss = (image_weights(model.sigma(conditioning), x) * (decoded.nats + distortion)).sum()
    return loss, decoded.nats, error, decoded.group_nats


def squared_error(
    model: LightPhotoModel, x: Tensor, shown: Tensor, targets: Coefficients, conditioning: Conditioning
) -> Tensor:
    """Return half the squared error in units of sigma, of scaled coefficients where images are coded for the eye, (B,).

    Args:
        model: gives sigma and the scales.
        x: levels 0 to 255, (B, 3, H, W).
        shown: decoded levels, not clamped.
        targets: the coefficients of `x`.
        conditioning: quality and tuning of each crop.
    """
    plain = (x - shown).square().flatten(1).sum(1) / (2 * model.sigma(conditioning).square())
    scaled = coefficient_error(model.infer(shown, conditioning), targets, len(x))
    error: Tensor = (1 - conditioning.tuning) * plain + conditioning.tuning * scaled
    return error


def with_distance(
    model: LightPhotoModel,
    x: Tensor,
    shown: Tensor,
    conditioning: Conditioning,
    error: Tensor,
    distortion: Tensor,
    most: float,
    distance: Ssimulacra2,
) -> Tensor:
    """Return distortions of which a share is replaced by the perceptual distance where images are coded for the eye.

    Args:
        model: its running means are updated.
        x: levels 0 to 255, (B, 3, H, W).
        shown: decoded levels, not clamped.
        conditioning: quality and tuning of each crop.
        error: squared errors in nats, (B,), which the distance is balanced with.
        distortion: what is replaced in part, in nats, (B,).
        most: the share at tuning 1.
        distance: the perceptual distance.
    """
    share = most * conditioning.tuning
    seen = distance(x, shown.clamp(0, 255) + OUTSIDE * (shown - shown.clamp(0, 255)))
    factor = balance(model, conditioning, error.detach(), seen.detach())
    mixed: Tensor = (1 - share) * distortion + share * factor * seen
    return mixed


@torch.no_grad()
def balance(model: LightPhotoModel, conditioning: Conditioning, error: Tensor, distance: Tensor) -> Tensor:
    """Update the running means of ln(error / distance) by quality with the tuned crops of a batch.

    Args:
        model: holds the means.
        conditioning: of the crops.
        error: weighted squared errors in nats, (B,).
        distance: perceptual distances, (B,).

    Returns:
        exp of each crop's mean, the factor of its distance, (B,).
    """
    knot = (conditioning.quality >> 8).clamp(max=KNOTS - 1)
    members = F.one_hot(knot, KNOTS).float() * (conditioning.tuning > 0)[:, None]
    count = members.sum(0)
    ratios = torch.log(error.clamp_min(1e-6) / distance.clamp_min(LEAST_DISTANCE))
    mean = (members * ratios[:, None]).sum(0) / count.clamp_min(1)
    rate = torch.maximum(1 - MEMORY**count, count / (model.counted + count).clamp_min(1))
    model.log_ratio.lerp_(mean, rate)
    model.counted.add_(count)
    return torch.exp(model.log_ratio)[knot]


def coefficient_error(coefficients: Coefficients, targets: Coefficients, batch: int) -> Tensor:
    """Return half the squared distance of scaled coefficients, by image, (B,). Block means count once.

    Args:
        coefficients: decoded coefficients by stride, in units of the likelihood's standard deviation.
        targets: the true coefficients, in the same form.
        batch: number of images B.

    Returns:
        Nats of the Gaussian likelihood, up to a constant.
    """
    errors = []
    for stride, mine in coefficients.items():
        squares = (mine - targets[stride]).square()
        if stride == 8:  # the coarser strides carry its DCs
            squares = squares.view(-1, 3, 64)[:, :, 1:].flatten(1)
        errors.append(squares.view(batch, -1).sum(1) / 2)
    return torch.stack(errors).sum(0)
