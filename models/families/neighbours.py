"""Likelihoods p(x | z) whose pixels depend on z and on their neighbours before them, so that z has less to carry.

These likelihoods can be coded: `start_pass` passes over the pixels in integer arithmetic.

Source:
    Chen et al. (2017), "Variational Lossy Autoencoder", whose decoder sees a small neighbourhood.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float, Float32, Int32
from numpy.typing import NDArray
from torch import Tensor, nn

from ..integer.packing import pack_linears
from ..integer.weights_file import Tensors
from ..interface import hierarchy as interface
from ..pixels import colour_tensors, colours, distributions
from ..pixels.bilevel.config import BilevelConfig
from ..pixels.bilevel.integer import IntegerBilevelNet
from ..pixels.bilevel.net import BilevelNet, log_prob
from ..pixels.bilevel.raster_pass import BilevelPass, LikelierValue
from ..pixels.bilevel.tokens import BilevelTokens
from ..pixels.causal import ReceptiveField
from ..pixels.likelihood import cost
from ..pixels.raster import RasterNet
from ..pixels.raster_config import RasterConfig
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
        return torch.from_numpy(run_pass(self.start_pass(raw, None), LikelierValue())[:, None]).to(raw.device)

    def start_pass(self, raw: Float[Tensor, "B F H W"], x: Float[Tensor, "B 1 H W"] | None) -> BilevelPass:
        """Return a pass over the pixels in integers.

        Args:
            raw: The features.
            x: The images to encode; None for a decoder.
        """
        net = IntegerBilevelNet(self.net.config, _integers(self.net), math.inf)
        return BilevelPass(net, net.lift(_array(raw)), None if x is None else _array(x[:, 0]))

    def code(
        self, raw: Float[Tensor, "B F H W"], x: Float[Tensor, "B 1 H W"] | None, source: interface.PixelSource
    ) -> Float32[NDArray[np.float32], "B 1 H W"]:
        """Run a pass over the pixels and return the images in grey levels.

        Args:
            raw: The features.
            x: The images to encode; None for a decoder.
            source: The source of the pixels.
        """
        return self.images(run_pass(self.start_pass(raw, x), source))

    def images(self, found: Float32[NDArray[np.float32], "B H W"]) -> Float32[NDArray[np.float32], "B 1 H W"]:
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
        bits = sum(cost(*pair).view(len(x), -1).sum(1) for pair in self.net(_planes(x), raw))
        return torch.as_tensor(bits) * -math.log(2)

    def mean(self, raw: Float[Tensor, "B F H W"]) -> Float[Tensor, "B 3 H W"]:
        """Return images whose every pixel is its distribution's rounded mean: their own mean has no closed form."""
        return torch.from_numpy(self.code(raw, None, _MeanPixels())).to(raw.device)

    def start_pass(self, raw: Float[Tensor, "B F H W"], x: Float[Tensor, "B 3 H W"] | None) -> RasterPass:
        """Return a pass over the pixels in integers.

        Args:
            raw: The features.
            x: The images to encode; None for a decoder.
        """
        net = IntegerRasterNet(self.net.config, _integers(self.net), math.inf)
        return RasterPass(net, _array(raw), None if x is None else _array(_planes(x)))

    def code(
        self, raw: Float[Tensor, "B F H W"], x: Float[Tensor, "B 3 H W"] | None, source: interface.PixelSource
    ) -> Float32[NDArray[np.float32], "B 3 H W"]:
        """Run a pass over the pixels and return the images in grey levels.

        Args:
            raw: The features.
            x: The images to encode; None for a decoder.
            source: The source of the pixels.
        """
        return self.images(run_pass(self.start_pass(raw, x), source))

    def images(self, found: Float32[NDArray[np.float32], "B 3 H W"]) -> Float32[NDArray[np.float32], "B 3 H W"]:
        """Return the result of a pass, planes of YCoCg-R, as levels of red, green and blue."""
        rgb: NDArray[np.float32] = np.clip(colours.join(found, TRANSFORM), 0, 255)
        return rgb

    def tokens(self) -> interface.Residuals:
        """Return the tokens that pixels are coded as, with their distributions."""
        return ResidualTokens(self.tables.numpy().astype(np.float32))


class _MeanPixels:
    """Takes every pixel's rounded mean, whose residual is 0."""

    def next(self, step: interface.PixelStep) -> Int32[NDArray[np.int32], " n"]:
        """Return residuals of 0, (n,)."""
        return np.zeros(len(step.contexts), np.int32)


def _planes(x: Tensor) -> Tensor:
    return colour_tensors.split(x.round(), TRANSFORM)


def _array(x: Tensor) -> NDArray[np.float32]:
    """Return a tensor for a pass, which runs on the CPU."""
    found: NDArray[np.float32] = x.detach().float().cpu().numpy()
    return found


def _integers(net: nn.Module) -> Tensors:
    """Return the integers of a network. Sums may round while it trains: files are checked when they are written."""
    return Tensors({name: value.cpu().numpy() for name, value in pack_linears(net, math.inf).items()})


def neighbours(config: FamilyConfig) -> Bilevel | Colour:
    """Return the likelihood for the configuration's number of channels, 1 or 3."""
    return Bilevel(config) if config.channels == 1 else Colour(config)
