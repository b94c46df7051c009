"""The light photograph model: transform, top-down networks and post-filter put together (preset `rrvq-light`)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...shapes import Float
from ..photo.network.chain import KNOTS
from .coefficients import Coefficients, CoefficientTransform
from .conditioning import Conditioning
from .config import LightConfig
from .post_filter import LightPostFilter
from .top_down import GroupSymbolSource, LightPass, LightTopDown


class LightPhotoModel(nn.Module):
    """A photograph model for every quality and tuning. Pixels are (B, 3, H, W) floats in [0, 255].

    Args:
        config: its sizes.
    """

    def __init__(self, config: LightConfig) -> None:
        super().__init__()
        self.config = config
        self.transform = CoefficientTransform(config)
        self.top_down = LightTopDown(config)
        self.postfilter = (
            LightPostFilter(config.postfilter_width, config.postfilter_pairs) if config.postfilter_width else None
        )
        self.register_buffer("log_ratio", torch.zeros(KNOTS))
        self.register_buffer("counted", torch.zeros(KNOTS))
        self.log_ratio: Tensor
        """Training's running mean, by quality, of ln(weighted squared error / perceptual distance)."""
        self.counted: Tensor
        """How many crops that mean has seen."""

    def sigma(self, conditioning: Conditioning) -> Float[Tensor, " b"]:
        """Return the likelihood's standard deviation of each image in grey levels, (B,)."""
        return self.transform.sigma(conditioning)

    def infer(self, pixels: Float[Tensor, "b 3 h w"], conditioning: Conditioning) -> Coefficients:
        """Return the coefficients to code, by stride, as tokens (B*h*w, channels), scaled for the tuning."""
        return self.transform.coefficients(pixels, conditioning)

    def top_down_pass(self, size: tuple[int, int], conditioning: Conditioning, source: GroupSymbolSource) -> LightPass:
        """Return the pass over images of `size` (height, width), whose symbols the source chooses."""
        out: LightPass = self.top_down(size, conditioning, source)
        return out

    def render(self, decoded: LightPass, size: tuple[int, int], conditioning: Conditioning) -> Float[Tensor, "b 3 h w"]:
        """Return the images of a pass, not clamped: inverse transform and post-filter."""
        x = self.transform.blocks(decoded.reconstruction, size, conditioning)
        if self.postfilter is not None:
            x = x + self.postfilter(x, conditioning)
        height, width = size
        return x[:, :, :height, :width] * self.sigma(conditioning)[:, None, None, None] + 128
