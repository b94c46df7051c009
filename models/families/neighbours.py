"""Likelihoods p(x | z) whose pixels depend on z and on their neighbours before them, so that z has less to carry.

`coding` returns a likelihood as it is coded, in integers (`runtime.neighbours`).

Source:
    Chen et al. (2017), "Variational Lossy Autoencoder", whose decoder sees a small neighbourhood.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from ...shapes import Float
from ..integer.packing import pack_linears
from ..integer.weights_file import Tensors
from ..pixels import colour_tensors, distributions
from ..pixels.bilevel.net import BilevelNet, log_prob
from ..pixels.likelihood import cost
from ..pixels.raster import RasterNet
from .config import FamilyConfig
from .runtime.neighbours import TRANSFORM, BilevelPixels, ColourPixels, bilevel_config, raster_config


class Bilevel(nn.Module):
    """Models black and white pixels, 0 and 1, each given its neighbours before it and the synthesis's features."""

    binary = True

    def __init__(self, config: FamilyConfig) -> None:
        super().__init__()
        self.config, self.outputs = config, config.pixel_features
        self.net = BilevelNet(bilevel_config(config))

    def log_prob(self, x: Float[Tensor, "B 1 H W"], raw: Float[Tensor, "B F H W"]) -> Float[Tensor, " B"]:
        """Return sum log p(pixel | neighbours, z) over each image, in nats."""
        return log_prob(self.net(x[:, 0], raw), x[:, 0]).flatten(1).sum(1)

    def mean(self, raw: Float[Tensor, "B F H W"]) -> Float[Tensor, "B 1 H W"]:
        """Return images whose every pixel is the likelier one given those before it: a mean has no closed form."""
        return _mean(self.coding(), raw) / 255

    def coding(self) -> BilevelPixels:
        """Return the likelihood as it is coded."""
        return BilevelPixels(self.config, Tensors(_integers(self)), math.inf)


class Colour(nn.Module):
    """Models pixels of red, green and blue, 0 to 255, each given its neighbours before it and the features."""

    binary = False

    def __init__(self, config: FamilyConfig) -> None:
        super().__init__()
        self.config, self.outputs = config, config.pixel_features
        self.net = RasterNet(raster_config(config))
        self.register_buffer("tables", torch.from_numpy(distributions.tables()))
        self.tables: Tensor

    def log_prob(self, x: Float[Tensor, "B 3 H W"], raw: Float[Tensor, "B F H W"]) -> Float[Tensor, " B"]:
        """Return sum log p(pixel | neighbours, z) over each image, in nats."""
        planes = colour_tensors.split(x.round(), TRANSFORM)
        bits = sum(cost(*pair).view(len(x), -1).sum(1) for pair in self.net(planes, raw))
        return torch.as_tensor(bits) * -math.log(2)

    def mean(self, raw: Float[Tensor, "B F H W"]) -> Float[Tensor, "B 3 H W"]:
        """Return images whose every pixel is its distribution's rounded mean: their own mean has no closed form."""
        return _mean(self.coding(), raw)

    def coding(self) -> ColourPixels:
        """Return the likelihood as it is coded."""
        return ColourPixels(self.config, Tensors({**_integers(self), "tables": self.tables.cpu().numpy()}), math.inf)


def _mean(coding: BilevelPixels | ColourPixels, raw: Float[Tensor, "B F H W"]) -> Float[Tensor, "B channels H W"]:
    """Return estimates of images in grey levels."""
    levels = coding.mean(np.asarray(raw.detach().permute(0, 2, 3, 1).float().cpu()))
    return torch.from_numpy(levels).permute(0, 3, 1, 2).to(raw.device)


def _integers(likelihood: nn.Module) -> dict[str, np.ndarray]:
    """Return the integers of a network. Sums may round while it trains: files are checked when they are written."""
    return {name: value.cpu().numpy() for name, value in pack_linears(likelihood, math.inf).items()}


def neighbours(config: FamilyConfig) -> Bilevel | Colour:
    """Return the likelihood for the configuration's number of channels, 1 or 3."""
    return Bilevel(config) if config.channels == 1 else Colour(config)
