"""p(x | z) of pixels that see z and their neighbours before them: z is left with what these do not tell.

After the variational lossy autoencoder of Chen et al. (2017), whose decoder sees a small neighbourhood. These
likelihoods can be coded: `start_pass` passes over the pixels in integer arithmetic.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..interface import hierarchy as interface
from ..pixels import colours, distributions
from ..pixels.bilevel.net import BilevelConfig, BilevelNet, log_prob
from ..pixels.bilevel.raster_pass import BilevelPass, IntegerBilevelNet, LikelierValue
from ..pixels.bilevel.tokens import BilevelTokens
from ..pixels.causal import Reach
from ..pixels.raster import RasterConfig, RasterNet
from ..pixels.raster_pass import IntegerRasterNet, RasterPass
from ..pixels.tokens import ResidualTokens
from ..top_down_pass import run_pass
from .config import FamilyConfig

TRANSFORM = 0
"""The colour transform: YCoCg-R."""


class Bilevel(nn.Module):
    """Black and white pixels, 0 and 1."""

    binary = True

    def __init__(self, config: FamilyConfig) -> None:
        super().__init__()
        self.outputs = config.pixel_features
        self.net = BilevelNet(BilevelConfig(Reach(*config.reach), config.pixel_features, config.pixel_width))

    def log_prob(self, x: Tensor, raw: Tensor) -> Tensor:
        """sum log p(pixel | neighbours, z)."""
        return log_prob(self.net(x[:, 0], raw), x[:, 0]).flatten(1).sum(1)

    def mean(self, raw: Tensor) -> Tensor:
        """Not the mean, which has no closed form, but the picture whose every pixel is the likelier one."""
        return run_pass(self.start_pass(raw.float(), None), LikelierValue())[:, None]

    def start_pass(self, raw: Tensor, x: Tensor | None) -> BilevelPass:
        """The way over the pixels, as x (B, 1, H, W) says."""
        net = IntegerBilevelNet(self.net)
        return BilevelPass(net, net.lift(raw), None if x is None else x[:, 0])

    def images(self, found: Tensor) -> Tensor:
        """What the way over the pixels found, as grey levels. (B, H, W) -> (B, 1, H, W)"""
        return found[:, None] * 255

    def tokens(self) -> interface.Residuals:
        """What pixels are coded as."""
        return BilevelTokens()


class Colour(nn.Module):
    """Pixels of red, green and blue, 0 to 255."""

    binary = False

    def __init__(self, config: FamilyConfig) -> None:
        super().__init__()
        self.outputs = config.pixel_features
        reach = Reach(*config.reach)
        self.net = RasterNet(RasterConfig(reach, config.pixel_features, config.pixel_width, config.pixel_head))
        self.register_buffer("tables", torch.from_numpy(distributions.tables()))
        self.tables: Tensor

    def log_prob(self, x: Tensor, raw: Tensor) -> Tensor:
        """sum log p(pixel | neighbours, z)."""
        bits = sum(distributions.cost(*pair).view(len(x), -1).sum(1) for pair in self.net(_planes(x), raw))
        return torch.as_tensor(bits) * -math.log(2)

    def mean(self, raw: Tensor) -> Tensor:
        """Not the mean, which has no closed form, but the picture whose every pixel is its distribution's middle."""
        return self.images(run_pass(self.start_pass(raw.float(), None), _MeanPixels()))

    def start_pass(self, raw: Tensor, x: Tensor | None) -> RasterPass:
        """The way over the pixels, as x (B, 3, H, W) says."""
        return RasterPass(IntegerRasterNet(self.net), raw, None if x is None else _planes(x))

    def images(self, found: Tensor) -> Tensor:
        """What the way over the pixels found, as levels of red, green and blue. (B, 3, H, W)"""
        return colours.join(found, TRANSFORM).clamp(0, 255)

    def tokens(self) -> interface.Residuals:
        """What pixels are coded as."""
        return ResidualTokens(self.tables.numpy().astype(np.float32))


class _MeanPixels:
    """Takes every pixel's rounded mean."""

    def next(self, step: interface.PixelStep) -> Tensor:
        """No residuals."""
        none: NDArray[np.int32] = np.zeros(len(step.contexts), np.int32)
        return torch.from_numpy(none)


def _planes(x: Tensor) -> Tensor:
    return colours.split(x.round(), TRANSFORM)


def neighbours(config: FamilyConfig) -> Bilevel | Colour:
    """The likelihood for images of so many channels."""
    return Bilevel(config) if config.channels == 1 else Colour(config)
