"""p(x | z): what the synthesis's last map means. Log-likelihoods are in nats, summed over an image.

Images are integer levels 0..255 as floats, binary images 0 or 1, (B, C, H, W).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import FamilyConfig
from .neighbours import neighbours

HALF = 1 / 255
"""Half a grey level where 0..255 is [-1, 1]."""


class Likelihood(Protocol):
    """A likelihood over maps of parameters (B, `outputs`, H, W)."""

    outputs: int
    binary: bool

    def log_prob(self, x: Tensor, raw: Tensor) -> Tensor:
        """log p(x | z) by image. (B,)"""
        ...

    def mean(self, raw: Tensor) -> Tensor:
        """E[x | z] on the scale of x. (B, C, H, W)"""
        ...


class Bernoulli(nn.Module):
    """Binary pixels; the parameters are logits."""

    binary = True

    def __init__(self, config: FamilyConfig) -> None:
        super().__init__()
        self.outputs = config.channels

    def log_prob(self, x: Tensor, raw: Tensor) -> Tensor:
        """sum x log p + (1 - x) log(1 - p)."""
        return -F.binary_cross_entropy_with_logits(raw, x, reduction="none").flatten(1).sum(1)

    def mean(self, raw: Tensor) -> Tensor:
        """Probabilities."""
        return torch.sigmoid(raw)


class Logistic(nn.Module):
    """The discretised logistic of Kingma et al. (2016): a mean a pixel, one learnt scale a channel."""

    binary = False

    def __init__(self, config: FamilyConfig) -> None:
        super().__init__()
        self.outputs = config.channels
        self.log_scale = nn.Parameter(torch.full((config.channels, 1, 1), -2.0))

    def log_prob(self, x: Tensor, raw: Tensor) -> Tensor:
        """The logistic's mass on each grey level, the tails at 0 and 255."""
        return level_mass(x, raw, self.log_scale).flatten(1).sum(1)

    def mean(self, raw: Tensor) -> Tensor:
        """The logistic's mean, clamped to the levels."""
        return (raw.clamp(-1, 1) + 1) * 127.5


class Mixture(nn.Module):
    """Discretised logistics mixed pixel by pixel (Salimans et al. 2017), a part's channels independent."""

    binary = False

    def __init__(self, config: FamilyConfig) -> None:
        super().__init__()
        self.parts, self.channels = config.mixtures, config.channels
        self.outputs = self.parts * (1 + 2 * self.channels)
        spread = torch.linspace(-0.5, 0.5, self.parts) if self.parts > 1 else torch.zeros(1)
        self.register_buffer("spread", spread.view(1, -1, 1, 1, 1))
        self.spread: Tensor

    def _split(self, raw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log-weights (B, M, H, W), means and log-scales (B, M, C, H, W)."""
        weights, rest = raw[:, : self.parts], raw[:, self.parts :]
        means, scales = rest.view(len(raw), 2, self.parts, self.channels, *raw.shape[2:]).unbind(1)
        return torch.log_softmax(weights, dim=1), means + self.spread, scales - 2

    def log_prob(self, x: Tensor, raw: Tensor) -> Tensor:
        """log sum_m w_m prod_c mass."""
        weights, means, scales = self._split(raw)
        mass = level_mass(x[:, None], means, scales).sum(2)
        return torch.logsumexp(weights + mass, dim=1).flatten(1).sum(1)

    def mean(self, raw: Tensor) -> Tensor:
        """The mixture of the clamped means."""
        weights, means, _ = self._split(raw)
        return ((weights.exp()[:, :, None] * means.clamp(-1, 1)).sum(1) + 1) * 127.5


def level_mass(x: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
    """log of a logistic's mass on the grey level x in 0..255; `mean` and scale where the levels span [-1, 1].

    With a and b the standardised edges, sigma(a) - sigma(b) = sigma(a) sigma(-b) (1 - e^(b - a)): no cancellation.
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
    "mixture": Mixture,
    "neighbours": neighbours,
}
