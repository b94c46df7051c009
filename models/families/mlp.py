"""Multilayer perceptrons: a model's networks without convolutions (`network=mlp`).

All maps have one position, whose channels are the units of a layer: 1x1 convolutions are then dense maps, and weight
normalisation, grids and weights files are those of the convolutions. Between pixels and symbols there are one hidden
layer and `blocks` more, in each direction; two hidden layers of tanh, `width=200 blocks=1 block=tanh`, are the columns
marked ~ of Vahdat et al. (2018). A linear network (`block=linear`), their columns marked -, has no hidden layer: the
bottom-up chain is the pixels themselves and the top-down chain the parameters of the likelihood, so that one map leads
from pixels to scores and one from symbols to parameters.

A pixel that is black in nearly all images adds the same to every hidden unit, and each of an optimiser's steps turns
all units alike by it: within a hundred steps they forget the image. Maps of pixels therefore train on pixels less the
mean image of the data (`centred`), and the parameters start at those whose mean is that image, as in DVAE and DVAE++.

Source:
    Vahdat et al. (2018), "DVAE++", section 7.1 and tables 1 and 2; Willetts et al. (2021), appendix H.
"""

from __future__ import annotations

from torch import Tensor, nn

from ...shapes import Float
from .arithmetic import Arithmetic
from .config import FamilyConfig
from .nets import Activation, Chain, Conv, blocks

PIXEL_GAIN = 0.1
"""Standard deviation of the parameters of pixels around their mean image at the start. At 1 this noise costs more than
symbols can gain: the first steps silence it, and what pixels see of the symbols with it."""


class Flatten(nn.Module):
    """Puts all pixels of an image into the channels of one position, by channel, row and column."""

    def forward(self, x: Float[Tensor, "B C S S"]) -> Float[Tensor, "B C*S*S 1 1"]:
        return x.flatten(1)[:, :, None, None]


class PixelMap(nn.Module):
    """Maps the one position to the parameters of all pixels, by parameter, row and column.

    Args:
        config: The model's configuration.
        outputs: Number of parameters of a pixel.
        arithmetic: Integer or float arithmetic.
    """

    def __init__(self, config: FamilyConfig, outputs: int, arithmetic: Arithmetic) -> None:
        super().__init__()
        self.shape = (outputs, config.image, config.image)
        linear = config.block == "linear"
        pixels, gain = outputs * config.image**2, PIXEL_GAIN if config.centred else 1.0
        self.map = None if linear else Conv(config.width, pixels, arithmetic, kernel=1, gain=gain)

    def forward(self, h: Float[Tensor, "B C 1 1"]) -> Float[Tensor, "B outputs S S"]:
        mapped = h if self.map is None else self.map(h)
        return mapped.reshape(-1, *self.shape)


def stem(config: FamilyConfig, arithmetic: Arithmetic) -> nn.Sequential:
    """Return the network from pixels to the bottom-up chain: a map of all pixels; in a linear network, none."""
    if config.block == "linear":
        return nn.Sequential(Flatten())
    pixels = config.channels * config.image**2
    return nn.Sequential(Flatten(), Conv(pixels, config.width, arithmetic, kernel=1, centred=config.centred))


def sees_pixels(config: FamilyConfig, level: int) -> bool:
    """Tell whether a level's bottom-up head maps pixels, to which a linear network may have added symbols."""
    return config.block == "linear" and (level == 0 or config.hierarchy != "vae")


def synthesis(config: FamilyConfig, outputs: int, arithmetic: Arithmetic) -> Chain:
    """Return the network from the top-down chain to the parameters of the likelihood.

    Args:
        config: The model's configuration.
        outputs: Number of parameters of a pixel.
        arithmetic: Integer or float arithmetic.
    """
    last = PixelMap(config, outputs, arithmetic)
    if last.map is None:
        return Chain(last)
    hidden = blocks(config.blocks, config, arithmetic, config.dropout)
    return Chain(*hidden, Activation(config.activation, arithmetic), last)
