"""The rate-distortion objective: the deterministic posterior's negative ELBO with a Gaussian likelihood.

For an image, in nats: -ln p(z) + |x - x_hat|^2 / (2 sigma^2), where sigma follows the quality; with
lambda = 1 / (2 sigma^2 ln 2) that is lambda * distortion + bits. Images are weighted by sigma (1 / sqrt(lambda)), so
that fine qualities, whose terms are large, do not outweigh coarse ones, and by 1 / pixels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...models.photo.encoder.lookahead import filter_corrections
from ...models.photo.network.model import DecoderOutput, PhotoRRVQ
from ..loop.task import LossTerms
from ..objectives.weighting import image_weights
from ..recipes.photo import PhotoRecipe
from .posterior_source import PosteriorSource

FILTERED_PIXELS = 2**18
"""Pixels of an image whose adaptive filter is worth its bytes: crops count as parts of such an image."""


def rate_distortion(
    model: PhotoRRVQ, x: Tensor, quality: Tensor, recipe: PhotoRecipe, *, relax: float, analysis: bool
) -> LossTerms:
    """Compute the objective on a batch of crops.

    Args:
        model: the photograph model.
        x: levels 0 to 255, (B, 3, H, W).
        quality: network qualities, (B,).
        recipe: weights of the terms.
        relax: factor of the gradient through the relaxed choice of symbols; 0 saves its time.
        analysis: whether the learned analysis takes part.

    Returns:
        The loss, with rates in nats by layer and image.
    """
    sigma = model.sigma(quality)
    weight = image_weights(sigma, x)
    source = PosteriorSource(x.shape[0], weight * recipe.pull if relax else None, relax)
    with torch.set_grad_enabled(relax > 0 and torch.is_grad_enabled()):
        targets = model.infer(x, quality, learned=analysis)
    decoded = model.top_down_pass((x.shape[2], x.shape[3]), quality, source, targets)
    shown = model.render(decoded)
    if recipe.filtered:
        shown = shown + filters_of_crops(shown.detach(), x, sigma)
    error = (x - shown).square().flatten(1).sum(1) / (2 * sigma.square())
    distortion = (1 - recipe.anchor) * error + recipe.anchor * reconstruction_error(decoded, targets)
    loss = (weight * (source.nats + distortion)).sum()
    if relax:
        loss = loss + source.pull - source.pull.detach()
    pixels = x.shape[0] * x.shape[2] * x.shape[3]
    figures = {
        "bits_per_pixel": float(source.nats.detach().sum()) / pixels / math.log(2),
        "distortion_nats_per_pixel": float(error.detach().sum()) / pixels,
    }
    return LossTerms(loss, figures, source.layer_nats, source.codes)


def filters_of_crops(shown: Tensor, x: Tensor, sigma: Tensor) -> Tensor:
    """Return what adaptive filters fitted to crops add to their reconstructions; gradients take it for a constant.

    A crop is too small to pay for the bits of a filter. It counts as part of an image of FILTERED_PIXELS, whose errors
    weigh as many times more, so that sigma is smaller.

    Args:
        shown: reconstructions, (B, 3, H, W).
        x: the crops, (B, 3, H, W).
        sigma: standard deviation of the likelihood in levels, (B,).

    Returns:
        (B, 3, H, W), in levels.
    """
    return filter_corrections(shown, x, sigma * math.sqrt(x.shape[2] * x.shape[3] / FILTERED_PIXELS))


def reconstruction_error(decoded: DecoderOutput, targets: dict[int, Tensor]) -> Tensor:
    """Return half the squared distance of reconstructed and true coefficients in units of sigma, by image, (B,).

    Block means count once.
    """
    total = torch.zeros_like(decoded.sigma)
    for stride, reconstruction in decoded.reconstruction.items():
        difference = (reconstruction - targets[stride].detach()).square()
        if stride == 8:  # its DCs are carried by the coarser strides
            difference = difference.view(-1, 3, 64)[:, :, 1:].flatten(1)
        total = total + difference.view(len(total), -1).sum(1) / 2
    return total
