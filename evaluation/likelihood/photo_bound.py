"""The evidence lower bound of a photograph model: `python -m dvcodec.evaluation.likelihood.photo_bound DIR`.

    -ELBO = sum_l E_q KL(q(z_l | z_>l, x) || p(z_l | z_>l)) - E_q ln p(x | z)          (Willetts et al. 2021, eq 5)

The posterior q(k) ~ p(k) N(e_q; values_k, sigma^2 I) is the rate-distortion posterior, sampled from the top down. The
likelihood p(x | z) is a Gaussian around the decoded pixels, integrated over each grey level; its standard deviation for
an image is that of a grid which suits the OTHER images best, since a parameter chosen on the image itself would flatter
the bound. Bits-back coding would need -ELBO bits for an image.
"""

from __future__ import annotations

import math
from argparse import ArgumentParser
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...codec import loading
from ...models.integer.guard import default_modes, integer_arithmetic
from ...models.photo.codec_model import PhotoCodecModel
from ...models.photo.network.top_down import PhotoStep
from ...shapes import Float64
from ..images import image_files, load_rgb

SCALES = tuple(1.15**i for i in range(-4, 28))
"""Standard deviations that are tried, in grey levels."""


@dataclass
class PosteriorSampler:
    """Symbol source that samples the posterior and sums its divergence from the prior, in bits by layer."""

    generator: torch.Generator
    layer_bits: dict[str, float] = field(default_factory=dict)

    def next(self, step: PhotoStep) -> Tensor:
        """Return symbols (n,) drawn from q, and add KL(q || p)."""
        assert step.residual is not None
        log_prior = torch.log_softmax(step.layer.exact_scores(step.embedding) * math.log(2), dim=1)
        log_posterior = torch.log_softmax(log_prior - step.layer.distortion(step.residual).double(), dim=1)
        posterior = log_posterior.exp()
        divergence = (posterior * (log_posterior - log_prior)).sum() / math.log(2)
        self.layer_bits[step.layer.name] = self.layer_bits.get(step.layer.name, 0.0) + float(divergence)
        return torch.multinomial(posterior, 1, generator=self.generator)[:, 0]


@dataclass(frozen=True)
class PhotoBound:
    """Means over the images, in bits per dimension (pixel and channel)."""

    divergence: float
    likelihood: float
    scale: float
    """Mean of the images' standard deviations, in grey levels."""

    @property
    def total(self) -> float:
        """-ELBO in bits per dimension."""
        return self.divergence + self.likelihood


@default_modes()
def measure(hierarchy: PhotoCodecModel, files: tuple[Path, ...], quality: float, seed: int = 0) -> PhotoBound:
    """Measure the bound over images.

    Args:
        hierarchy: the photograph model.
        files: the images, two or more.
        quality: 1 to 100.
        seed: seed of the posterior's samples.

    Returns:
        The means over the images in bits per dimension, and of the standard deviations.

    Raises:
        ValueError: there are fewer than two images.
    """
    generator = torch.Generator().manual_seed(seed)
    divergences, losses = [], []
    for file in files:
        pixels = np.asarray(load_rgb(file))
        sampler = PosteriorSampler(generator)
        rendered = sample(hierarchy, pixels, round(quality * 256), sampler)
        divergences.append(sum(sampler.layer_bits.values()) / pixels.size)
        target = torch.from_numpy(pixels.astype(np.float64))
        losses.append([level_bits(target - rendered, target, scale) for scale in SCALES])
    likelihoods, scales = held_out(np.array(losses))
    return PhotoBound(float(np.mean(divergences)), float(likelihoods.mean()), float(scales.mean()))


def held_out(
    losses: Float64[NDArray[np.float64], "images scales"],
) -> tuple[Float64[NDArray[np.float64], " images"], Float64[NDArray[np.float64], " images"]]:
    """Return each image's loss at the scale that suits the other images best.

    Args:
        losses: the loss of each image at each of `SCALES`, (images, scales).

    Returns:
        The losses and the scales, (images,) each.

    Raises:
        ValueError: there are fewer than two images.
    """
    if len(losses) < 2:
        raise ValueError("an image's standard deviation is chosen on other images: one image is not enough")
    others = losses.sum(0) - losses
    best = others.argmin(1)
    return losses[np.arange(len(losses)), best], np.array(SCALES)[best]


def sample(hierarchy: PhotoCodecModel, pixels: NDArray[np.uint8], quality: int, sampler: PosteriorSampler) -> Tensor:
    """Return the decoded mean (H, W, 3) float64 of one posterior sample.

    Args:
        hierarchy: the photograph model.
        pixels: the image, (H, W, 3) uint8.
        quality: fixed-point quality, 256 to 25600.
        sampler: draws the symbols from the posterior and sums their divergences.

    Returns:
        The reconstruction in levels, before it is rounded.
    """
    network, network_quality = hierarchy.network, hierarchy.network_quality(quality)
    targets = hierarchy.infer(pixels, quality).levels
    with integer_arithmetic():
        decoded = network.top_down_pass((pixels.shape[0], pixels.shape[1]), network_quality, sampler, targets)
        return network.render(decoded)[0].permute(1, 2, 0).double().cpu()


def level_bits(error: Tensor, target: Tensor, scale: float) -> float:
    """Return the mean -log2 of a Gaussian's mass on the target levels; levels 0 and 255 include the tails."""
    above = torch.where(target >= 255, 1.0, torch.special.ndtr((error + 0.5) / scale))
    below = torch.where(target <= 0, 0.0, torch.special.ndtr((error - 0.5) / scale))
    return float(-torch.log2((above - below).clamp_min(1e-12)).mean())


def main() -> None:
    """Print the bound at several qualities."""
    parser = ArgumentParser(
        prog="python -m dvcodec.evaluation.likelihood.photo_bound",
        description="Measure -ELBO of images in bits per dimension.",
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights")
    parser.add_argument("--qualities", type=float, nargs="+", default=[10.0, 50.0, 90.0])
    options = parser.parse_args()
    hierarchy = loading.network(loading.choose(options.weights), "cpu")
    assert isinstance(hierarchy, PhotoCodecModel)
    files = image_files(options.folder)
    if len(files) < 2:
        parser.error(f"{options.folder} holds fewer than two images")
    for quality in options.qualities:
        bound = measure(hierarchy, files, quality)
        print(
            f"quality {quality:g}: -ELBO {bound.total:.3f} bits/dim = KL {bound.divergence:.3f}"
            f" + likelihood {bound.likelihood:.3f} (mean standard deviation {bound.scale:.2f})"
        )


if __name__ == "__main__":
    main()
