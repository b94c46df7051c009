"""Pixels given z and their neighbours before them, as they are coded (see `families.neighbours`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Int32, UInt8
from ...interface.hierarchy import PixelSource, PixelStep, Residuals
from ...pixels import colours
from ...pixels.bilevel.config import BilevelConfig
from ...pixels.bilevel.integer import IntegerBilevelNet
from ...pixels.bilevel.raster_pass import BilevelPass, LikelierValue
from ...pixels.bilevel.tokens import BilevelTokens
from ...pixels.causal import ReceptiveField
from ...pixels.distributions import checked
from ...pixels.raster_config import RasterConfig
from ...pixels.raster_pass import IntegerRasterNet, RasterPass
from ...pixels.tokens import CONTEXTS, TOKENS, ResidualTokens
from ...runtime.linear import FLOAT32_LIMIT
from ...top_down_pass import run_pass
from ..config import FamilyConfig
from .nets import Map

TRANSFORM = 0
"""The colour transform: YCoCg-R."""


class BilevelPixels:
    """Black and white pixels.

    Args:
        config: Sizes of the model.
        tensors: Tensors of the likelihood.
        limit: Bound of sums in steps of their grid.

    Raises:
        ValueError: The tensors do not fit, or a sum could reach the limit.
    """

    def __init__(self, config: FamilyConfig, tensors: Any, limit: float = FLOAT32_LIMIT) -> None:
        self.outputs = config.pixel_features
        self._net = IntegerBilevelNet(bilevel_config(config), tensors.below("net"), limit)
        self.tokens: Residuals = BilevelTokens()

    def code(
        self, raw: Map, source: PixelSource, samples: UInt8[NDArray[np.uint8], "B H W"] | None
    ) -> UInt8[NDArray[np.uint8], "B H W"]:
        """Run the pass over the pixels of images in integers, and return them.

        Args:
            raw: Parameters of the likelihood.
            source: The source of the pixels.
            samples: The images to encode, of 0 and 255; None for a decoder.
        """
        wanted = None if samples is None else (samples > 0).astype(np.float32)
        found = run_pass(BilevelPass(self._net, self._net.lift(raw.transpose(0, 3, 1, 2)), wanted), source)
        return (found * 255).astype(np.uint8)

    def mean(self, raw: Map) -> Float32[NDArray[np.float32], "B H W 1"]:
        """Return images whose every pixel is the likelier one given those before it: a mean has no closed form."""
        return self.code(raw, LikelierValue(), None)[..., None].astype(np.float32)


class ColourPixels:
    """Pixels of red, green and blue; see `BilevelPixels` for the arguments."""

    def __init__(self, config: FamilyConfig, tensors: Any, limit: float = FLOAT32_LIMIT) -> None:
        self.outputs = config.pixel_features
        self._net = IntegerRasterNet(raster_config(config), tensors.below("net"), limit)
        tables = checked(tensors.take("tables", np.int32, (CONTEXTS, TOKENS)))
        self.tokens: Residuals = ResidualTokens(tables.astype(np.float32))

    def code(
        self, raw: Map, source: PixelSource, samples: UInt8[NDArray[np.uint8], "B H W 3"] | None
    ) -> UInt8[NDArray[np.uint8], "B H W 3"]:
        """Run the pass over the pixels of images in integers, and return them; see `BilevelPixels.code`."""
        wanted = None
        if samples is not None:
            wanted = colours.split(samples.transpose(0, 3, 1, 2).astype(np.float32), TRANSFORM)
        planes = run_pass(RasterPass(self._net, raw.transpose(0, 3, 1, 2), wanted), source)
        levels = np.clip(colours.join(planes, TRANSFORM), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(levels.transpose(0, 2, 3, 1))

    def mean(self, raw: Map) -> Float32[NDArray[np.float32], "B H W 3"]:
        """Return images whose every pixel is its distribution's rounded mean: their own mean has no closed form."""
        return self.code(raw, _RoundedMeans(), None).astype(np.float32)


class _RoundedMeans:
    """Takes every pixel's rounded mean, whose residual is 0."""

    def next(self, step: PixelStep) -> Int32[NDArray[np.int32], " n"]:
        """Return residuals of 0."""
        return np.zeros(len(step.contexts), np.int32)


def bilevel_config(config: FamilyConfig) -> BilevelConfig:
    """Return the sizes of the network of black and white pixels."""
    return BilevelConfig(ReceptiveField(*config.reach), config.pixel_features, config.pixel_width)


def raster_config(config: FamilyConfig) -> RasterConfig:
    """Return the sizes of the network of colour pixels."""
    return RasterConfig(ReceptiveField(*config.reach), config.pixel_features, config.pixel_width, config.pixel_head)


def neighbours(config: FamilyConfig, tensors: Any) -> BilevelPixels | ColourPixels:
    """Return the likelihood for the configuration's number of channels, 1 or 3. Raises as these do."""
    return BilevelPixels(config, tensors) if config.channels == 1 else ColourPixels(config, tensors)
