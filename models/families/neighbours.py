"""Likelihoods p(x | z) whose pixels depend on z and on their neighbours before them, so that z has less to carry.

These likelihoods can be coded: `start_pass` passes over the pixels in integer arithmetic.

Source:
    Chen et al. (2017), "Variational Lossy Autoencoder", whose decoder sees a small neighbourhood.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from ..interface import hierarchy as interface
from ..pixels import colours, distributions
from ..pixels.bilevel.net import BilevelConfig, BilevelNet, log_prob
from ..pixels.bilevel.raster_pass import BilevelPass, IntegerBilevelNet, LikelierValue
from ..pixels.bilevel.tokens import BilevelTokens
from ..pixels.causal import ReceptiveField
from ..pixels.raster import RasterConfig, RasterNet
from ..pixels.raster_pass import IntegerRasterNet, RasterPass
from ..pixels.tokens import ResidualTokens
from ..top_down_pass import run_pass
from .config import FamilyConfig

TRANSFORM = 0
"""The colour transform: YCoCg-R."""


class Bilevel(nn.Module):
    """Models black and white pixels, 0 and 1, each given its neighbours before it and the synthesis's features."""

    binary = True

    def __init__(self, config: FamilyConfig) -> None:
        super().__init__()
        self.outputs = config.pixel_features
        self.net = BilevelNet(BilevelConfig(ReceptiveField(*config.reach), config.pixel_features, config.pixel_width))

    def log_prob(self, x: Float[Tensor, "B 1 H W"], raw: Float[Tensor, "B F H W"]) -> Float[Tensor, " B"]:
        """Return sum log p(pixel | neighbours, z) over each image, in nats."""
        return log_prob(self.net(x[:, 0], raw), x[:, 0]).flatten(1).sum(1)

    def mean(self, raw: Float[Tensor, "B F H W"]) -> Float[Tensor, "B 1 H W"]:
        """Return images whose every pixel is the likelier one given those before it: a mean has no closed form."""
        return run_pass(self.start_pass(raw.float(), None), LikelierValue())[:, None]

    def start_pass(self, raw: Float[Tensor, "B F H W"], x: Float[Tensor, "B 1 H W"] | None) -> BilevelPass:
        """Return a pass over the pixels in integers.

        Args:
            raw: The features.
            x: The images to encode; None for a decoder.
        """
        net = IntegerBilevelNet(self.net)
        return BilevelPass(net, net.lift(raw), None if x is None else x[:, 0])

    def images(self, found: Float[Tensor, "B H W"]) -> Float[Tensor, "B 1 H W"]:
        """Return the result of a pass, of 0 and 1, as grey levels 0 and 255."""
        return found[:, None] * 255

    def tokens(self) -> interface.Residuals:
        """Return the tokens that pixels are coded as, with their distributions."""
        return BilevelTokens()


class Colour(nn.Module):
    """Models pixels of red, green and blue, 0 to 255, each given its neighbours before it and the features."""

    binary = False

    def __init__(self, config: FamilyConfig) -> None:
        super().__init__()
        self.outputs = config.pixel_features
        receptive_field = ReceptiveField(*config.reach)
        self.net = RasterNet(
            RasterConfig(receptive_field, config.pixel_features, config.pixel_width, config.pixel_head)
        )
        self.register_buffer("tables", torch.from_numpy(distributions.tables()))
        self.tables: Tensor

    def log_prob(self, x: Float[Tensor, "B 3 H W"], raw: Float[Tensor, "B F H W"]) -> Float[Tensor, " B"]:
        """Return sum log p(pixel | neighbours, z) over each image, in nats."""
        bits = sum(distributions.cost(*pair).view(len(x), -1).sum(1) for pair in self.net(_planes(x), raw))
        return torch.as_tensor(bits) * -math.log(2)

    def mean(self, raw: Float[Tensor, "B F H W"]) -> Float[Tensor, "B 3 H W"]:
        """Return images whose every pixel is its distribution's rounded mean: their own mean has no closed form."""
        return self.images(run_pass(self.start_pass(raw.float(), None), _MeanPixels()))

    def start_pass(self, raw: Float[Tensor, "B F H W"], x: Float[Tensor, "B 3 H W"] | None) -> RasterPass:
        """Return a pass over the pixels in integers.

        Args:
            raw: The features.
            x: The images to encode; None for a decoder.
        """
        return RasterPass(IntegerRasterNet(self.net), raw, None if x is None else _planes(x))

    def images(self, found: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 3 H W"]:
        """Return the result of a pass, planes of YCoCg-R, as levels of red, green and blue."""
        return colours.join(found, TRANSFORM).clamp(0, 255)

    def tokens(self) -> interface.Residuals:
        """Return the tokens that pixels are coded as, with their distributions."""
        return ResidualTokens(self.tables.numpy().astype(np.float32))


class _MeanPixels:
    """Takes every pixel's rounded mean, whose residual is 0."""

    def next(self, step: interface.PixelStep) -> Tensor:
        """Return residuals of 0, (n,)."""
        none: NDArray[np.int32] = np.zeros(len(step.contexts), np.int32)
        return torch.from_numpy(none)


def _planes(x: Tensor) -> Tensor:
    return colours.split(x.round(), TRANSFORM)


def neighbours(config: FamilyConfig) -> Bilevel | Colour:
    """Return the likelihood for the configuration's number of channels, 1 or 3."""
    return Bilevel(config) if config.channels == 1 else Colour(config)
