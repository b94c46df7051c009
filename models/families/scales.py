"""A likelihood p(x | z) of several scales: the pixels of a coarse grid first, then those between them, and so on.

    p(x | z) = p(x_0 | z) prod_i p(x_i | x_<i, z)

x_0 is every 8th pixel of every 8th row of an image of 28 or 32 pixels, and each x_i halves the distance. Pixels of a
scale are independent given z and those of the scales before; every pixel is modelled once.

Source:
    Vahdat et al. (2018), "DVAE++", section 6.1; Reed et al. (2017), "Parallel Multiscale Autoregressive Density
    Estimation". Grids hold pixels of the image itself, as in the latter: means of pixels would be modelled twice.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...shapes import Bool, Float
from .arithmetic import Arithmetic
from .config import FamilyConfig
from .nets import Block, Conv
from .scale_grids import known, strides


class ScaleNet(nn.Module):
    """The network of one scale, from features and known pixels to the parameters of its pixels.

    Args:
        config: The model's configuration.
        outputs: Number of parameters of a pixel.
        arithmetic: Integer or float arithmetic.
    """

    def __init__(self, config: FamilyConfig, outputs: int, arithmetic: Arithmetic) -> None:
        super().__init__()
        self.arithmetic, width = arithmetic, config.pixel_width
        self.first = Conv(config.pixel_features + config.channels + 1, width, arithmetic)
        self.block = Block(width, "elu", arithmetic)
        self.last = Conv(width, outputs, arithmetic)

    def forward(
        self, features: Float[Tensor, "B F h w"], pixels: Float[Tensor, "B C h w"], mask: Bool[Tensor, "h w"]
    ) -> Float[Tensor, "B outputs h w"]:
        seen = torch.where(mask, pixels, 0.0)
        shown = mask.to(pixels.dtype).expand(len(pixels), 1, -1, -1)
        h = self.block(self.first(self.arithmetic.inputs(torch.cat([features, seen, shown], 1))))
        mapped: Tensor = self.last(self.arithmetic.elu(h))
        return mapped


class Scales(nn.Module):
    """Models black and white pixels by Bernoulli distributions, or coloured ones by mixtures of logistics.

    Args:
        config: The model's configuration.
        pixels: The distribution of a pixel.
    """

    def __init__(self, config: FamilyConfig, pixels: nn.Module) -> None:
        super().__init__()
        self.outputs, self.binary, self.pixels = config.pixel_features, config.channels == 1, pixels
        arithmetic = Arithmetic(config.reversible, 0.0, config.weight_norm)
        self.strides = strides(config.image)
        count = int(pixels.outputs)  # type: ignore[arg-type]
        self.nets = nn.ModuleList(ScaleNet(config, count, arithmetic) for _ in self.strides)

    def _parameters_of(self, scale: int, x: Tensor, raw: Tensor) -> tuple[Tensor, Tensor]:
        """Return the parameters of a scale's pixels, and which of them are known from the scales before."""
        grid = slice(None, None, self.strides[scale])
        pixels = self.shown(x[:, :, grid, grid])
        mask = torch.from_numpy(known(scale, *pixels.shape[2:])).to(x.device)
        parameters: Tensor = self.nets[scale](raw[:, :, grid, grid], pixels, mask)
        return parameters, mask

    def shown(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h w"]:
        """Return pixels scaled for the networks."""
        return 2 * x - 1 if self.binary else (x - 128) / 16

    def log_prob(self, x: Float[Tensor, "B C H W"], raw: Float[Tensor, "B F H W"]) -> Float[Tensor, " B"]:
        """Return the sum over scales of log p(x_i | x_<i, z) of each image, in nats."""
        total = x.new_zeros(len(x))
        for scale, stride in enumerate(self.strides):
            parameters, mask = self._parameters_of(scale, x, raw)
            each = self.pixels.by_pixel(x[:, :, ::stride, ::stride], parameters)  # type: ignore[operator]
            total = total + torch.where(mask, 0.0, each).flatten(1).sum(1)
        return total

    @torch.no_grad()
    def mean(self, raw: Float[Tensor, "B F H W"]) -> Float[Tensor, "B C H W"]:
        """Return images whose pixels are the likelier ones, or the rounded means, given the scales before."""
        x = raw.new_zeros(len(raw), 1 if self.binary else 3, *raw.shape[2:])
        for scale, stride in enumerate(self.strides):
            parameters, mask = self._parameters_of(scale, x, raw)
            means = torch.floor(self.pixels.mean(parameters) + 0.5)  # type: ignore[operator]
            part = x[:, :, ::stride, ::stride]
            part.copy_(torch.where(mask, part, means))
        return x
