"""Likelihoods p(x | z), whose parameters are the last map of the synthesis. Log-likelihoods are in nats an image.

Images are integer levels 0..255 as floats, binary images 0 or 1, (B, C, H, W).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...shapes import Float
from .config import FamilyConfig
from .neighbours import neighbours
from .scales import Scales

HALF = 1 / 255
"""Half a grey level where 0..255 is [-1, 1]."""


class Likelihood(Protocol):
    """A distribution of images given maps of parameters."""

    outputs: int
    """Number of parameters of a pixel."""
    binary: bool
    """Whether pixels are 0 or 1, not grey levels."""

    def log_prob(self, x: Float[Tensor, "B C H W"], raw: Float[Tensor, "B outputs H W"]) -> Float[Tensor, " B"]:
        """Return log p(x | z) of each image, in nats.

        Args:
            x: Images.
            raw: The parameters.
        """
        ...

    def mean(self, raw: Float[Tensor, "B outputs H W"]) -> Float[Tensor, "B C H W"]:
        """Return E[x | z], or an estimate of x where that has no closed form, on the scale of x."""
        ...


class Bernoulli(nn.Module):
    """Independent binary pixels; the parameters are their logits."""

    binary = True

    def __init__(self, config: FamilyConfig) -> None:
        super().__init__()
        self.outputs = config.channels

    def log_prob(self, x: Float[Tensor, "B C H W"], raw: Float[Tensor, "B outputs H W"]) -> Float[Tensor, " B"]:
        """Return sum x log p + (1 - x) log(1 - p) over each image, in nats."""
        return self.by_pixel(x, raw).flatten(1).sum(1)

    def by_pixel(self, x: Float[Tensor, "B C H W"], raw: Float[Tensor, "B outputs H W"]) -> Float[Tensor, "B H W"]:
        """Return the log-likelihood of each pixel, in nats."""
        return -F.binary_cross_entropy_with_logits(raw, x, reduction="none").sum(1)

    def mean(self, raw: Float[Tensor, "B outputs H W"]) -> Float[Tensor, "B C H W"]:
        """Return the probabilities of 1."""
        return torch.sigmoid(raw)


class Logistic(nn.Module):
    """A discretised logistic: a mean for each pixel, one learned scale for each channel.

    Source: Kingma et al. (2016), "Improving Variational Inference with Inverse Autoregressive Flow", whose code has one
    scale for all channels.
    """

    binary = False

    def __init__(self, config: FamilyConfig) -> None:
        super().__init__()
        self.outputs = config.channels
        self.log_scale = nn.Parameter(torch.full((config.channels, 1, 1), -2.0))

    def log_prob(self, x: Float[Tensor, "B C H W"], raw: Float[Tensor, "B outputs H W"]) -> Float[Tensor, " B"]:
        """Return the sum over each image of the log mass on its grey levels, in nats; 0 and 255 have the tails."""
        return level_mass(x, raw, self.log_scale).flatten(1).sum(1)

    def mean(self, raw: Float[Tensor, "B outputs H W"]) -> Float[Tensor, "B C H W"]:
        """Return the logistic's mean, clamped to the levels."""
        return (raw.clamp(-1, 1) + 1) * 127.5


class Gaussian(nn.Module):
    """A Gaussian density of grey levels: a mean for each pixel, one learned standard deviation for each channel.

    Log-likelihoods are those of levels 1 apart, whose density is about their mass where the deviation exceeds a level.
    With a deviation that stays as it is, this is the squared error.

    Source: Stojanovic (2021), "Variational Autoencoders with variance loss", equation 24.
    """

    binary = False

    def __init__(self, config: FamilyConfig) -> None:
        super().__init__()
        self.outputs = config.channels
        self.log_scale = nn.Parameter(torch.full((config.channels, 1, 1), -2.0))

    def log_prob(self, x: Float[Tensor, "B C H W"], raw: Float[Tensor, "B outputs H W"]) -> Float[Tensor, " B"]:
        """Return the sum of the log-densities over each image, in nats."""
        log_scale = self.log_scale.clamp(math.log(HALF), 4)  # deviations of half a level and more
        z = (x / 127.5 - 1 - raw) * torch.exp(-log_scale)
        density = -0.5 * z.square() - log_scale - math.log(127.5 * math.sqrt(2 * math.pi))
        return density.flatten(1).sum(1)

    def mean(self, raw: Float[Tensor, "B outputs H W"]) -> Float[Tensor, "B C H W"]:
        """Return the means, clamped to the levels."""
        return (raw.clamp(-1, 1) + 1) * 127.5


class Mixture(nn.Module):
    """A mixture of discretised logistics for each pixel; given the component, its channels are independent.

    Source: Salimans et al. (2017), "PixelCNN++".
    """

    binary = False

    def __init__(self, config: FamilyConfig) -> None:
        super().__init__()
        self.parts, self.channels = config.mixtures, config.channels
        self.outputs = self.parts * (1 + 2 * self.channels)
        spread = torch.linspace(-0.5, 0.5, self.parts) if self.parts > 1 else torch.zeros(1)
        self.register_buffer("spread", spread.view(1, -1, 1, 1, 1))
        self.spread: Tensor

    def _split(self, raw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return log-weights (B, M, H, W), means and log-scales (B, M, C, H, W)."""
        weights, rest = raw[:, : self.parts], raw[:, self.parts :]
        means, scales = rest.view(len(raw), 2, self.parts, self.channels, *raw.shape[2:]).unbind(1)
        return torch.log_softmax(weights, dim=1), means + self.spread, scales - 2

    def log_prob(self, x: Float[Tensor, "B C H W"], raw: Float[Tensor, "B outputs H W"]) -> Float[Tensor, " B"]:
        """Return the sum over each image of log sum_m w_m prod_c mass, in nats."""
        return self.by_pixel(x, raw).flatten(1).sum(1)

    def by_pixel(self, x: Float[Tensor, "B C H W"], raw: Float[Tensor, "B outputs H W"]) -> Float[Tensor, "B H W"]:
        """Return the log-likelihood of each pixel, in nats."""
        weights, means, scales = self._split(raw)
        mass = level_mass(x[:, None], means, scales).sum(2)
        return torch.logsumexp(weights + mass, dim=1)

    def mean(self, raw: Float[Tensor, "B outputs H W"]) -> Float[Tensor, "B C H W"]:
        """Return the mean of the clamped means, by the components' weights."""
        weights, means, _ = self._split(raw)
        return ((weights.exp()[:, :, None] * means.clamp(-1, 1)).sum(1) + 1) * 127.5


def level_mass(
    x: Float[Tensor, "*#shape"], mean: Float[Tensor, "*#shape"], log_scale: Float[Tensor, "*#shape"]
) -> Float[Tensor, "*#shape"]:
    """Return the logarithm of a logistic's mass on grey levels, in nats.

    With a and b the standardised edges, sigma(a) - sigma(b) = sigma(a) sigma(-b) (1 - e^(b - a)): no cancellation.

    Args:
        x: Grey levels, 0 to 255.
        mean: Means, on the scale where the levels span [-1, 1].
        log_scale: Logarithms of the scales on the same, clamped to [-7, 4].
    """
    log_scale = log_scale.clamp(-7, 4)
    centred, precision = x / 127.5 - 1 - mean, torch.exp(-log_scale)
    above, below = (centred + HALF) * precision, (centred - HALF) * precision
    left, right = F.logsigmoid(above), F.logsigmoid(-below)
    width = torch.log(-torch.expm1(-2 * HALF * precision))
    return torch.where(x <= 0, left, torch.where(x >= 255, right, left + right + width))


KINDS: dict[str, Callable[[FamilyConfig], Likelihood]] = {
    "bernoulli": Bernoulli,
    "logistic": Logistic,
    "gaussian": Gaussian,
    "mixture": Mixture,
    "neighbours": neighbours,
    "scales": lambda config: Scales(config, Bernoulli(config) if config.channels == 1 else Mixture(config)),
}
