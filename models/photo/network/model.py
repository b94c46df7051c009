"""The photograph model: analysis, chain and synthesis put together (preset `rrvq`)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...configs import RRVQConfig
from .analysis_synthesis import STRIDES, BlockNet, Pyramid, crop_levels, pad_levels, reconstruction_levels
from .chain import KNOTS, Chain, tokens
from .lapped import across, border_matrix, inverse_border_matrix
from .postfilter import PostFilter
from .top_down import SymbolCosts, SymbolSource, Weights, run_photo_pass
from .transform import BLOCK

FINEST_CODE = 4096
"""Quality codes of the chain run from 0 (sigma_coarse) to 4096 (sigma_fine), linear in log sigma."""


@dataclass
class DecoderOutput:
    """What a walk leaves: the chain's last state, the canvas by stride in units of sigma, sigma (B,), size, quality."""

    state: Tensor
    reconstruction: dict[int, Tensor]
    sigma: Tensor
    size: tuple[int, int]
    quality: Tensor


class PhotoRRVQ(nn.Module):
    """RRVQ-VAE of photographs, conditioned on the quality. Pixels are (B, 3, H, W) floats in [0, 255]."""

    def __init__(self, config: RRVQConfig) -> None:
        super().__init__()
        self.config = config
        self.pyramid = Pyramid(config.transform)
        self.analysis = BlockNet(config.analysis_width, 1, 0, KNOTS, config.analysis_slope)
        self.chain = Chain(config)
        self.synthesis = BlockNet(config.synthesis_width, config.synthesis_blocks, config.widths[8], KNOTS)
        self.postfilter: PostFilter | None = None
        if config.postfilter_width:
            width, pairs = config.postfilter_width, config.postfilter_pairs
            self.postfilter = PostFilter(width, pairs, config.synthesis_width, KNOTS)

    @property
    def receptive_field(self) -> int:
        """How many pixels away from a block what is painted can change what is rendered there."""
        return self.synthesis.receptive_field + (0 if self.postfilter is None else self.postfilter.receptive_field)

    def sigma(self, quality: Tensor) -> Tensor:
        """The posterior's standard deviation for quality codes (B,), in grey levels."""
        span = math.log(self.config.sigma_fine / self.config.sigma_coarse)
        return torch.exp(span * quality.float() / FINEST_CODE).mul(self.config.sigma_coarse)

    def infer(self, pixels: Tensor, quality: Tensor, *, learned: bool = True) -> dict[int, Tensor]:
        """The bottom-up pass: coefficients in units of sigma by stride, tokens (B*H*W, channels)."""
        height, width = pixels.shape[2:]
        padding = (0, -width % 64, 0, -height % 64)
        x = F.pad(pixels - 128, padding, mode="replicate") / self.sigma(quality)[:, None, None, None]
        if learned:
            x = x + self.analysis(x, quality)
        return self._levels(x, (height, width))

    def coefficients(self, difference: Tensor, quality: Tensor) -> dict[int, Tensor]:
        """The transform of a difference of images (B, 3, H, W), by stride, units and tokens of `infer`."""
        height, width = difference.shape[2:]
        padded = F.pad(difference, (0, -width % 64, 0, -height % 64))
        return self._levels(padded / self.sigma(quality)[:, None, None, None], (height, width))

    def _levels(self, x: Tensor, size: tuple[int, int]) -> dict[int, Tensor]:
        """Coefficients by stride, tokens, of whole padded images in units of sigma, which are overwritten."""
        height, width = size
        if self.config.transform == "lapped":
            rows, columns = (BLOCK * n for n in grid_sizes((height, width))[BLOCK])
            coded = x[:, :, :rows, :columns]  # what lies beyond only fills the pyramid
            x[:, :, :rows, :columns] = across(coded, border_matrix())
        levels = crop_levels(self.pyramid(x), height, width)
        return {s: tokens(t) for s, t in levels.items()}

    def top_down_pass(
        self,
        size: tuple[int, int],
        quality: Tensor,
        source: SymbolSource,
        coefficients: dict[int, Tensor] | None = None,
        *,
        ahead: SymbolCosts | None = None,
        weights: Weights | None = None,
        grey: bool = False,
        stop: int | None = None,
    ) -> DecoderOutput:
        """The top-down walk for images of `size` (height, width)."""
        sizes, chain = grid_sizes(size), self.chain
        state, reconstruction = run_photo_pass(
            chain, sizes, quality, source, coefficients, ahead=ahead, weights=weights, grey=grey, stop=stop
        )
        return DecoderOutput(state, reconstruction, self.sigma(quality), size, quality)

    def render(self, decoded: DecoderOutput) -> Tensor:
        """Synthesis: the canvas's inverse transform plus the learned correction. (B, 3, H, W), not clamped."""
        reconstruction, added = self.drawn(decoded)
        return torch.add(self.in_grey_levels(reconstruction + added, decoded), 128)

    def drawn(self, decoded: DecoderOutput, *, through_filter: bool = True) -> tuple[Tensor, Tensor]:
        """The canvas's inverse transform and what the learned correction adds, whole blocks in units of sigma.

        `through_filter`: gradients pass through the post-filter; without, what it adds is a constant.
        """
        reconstruction = self._canvas(decoded)
        added, features = self._corrected(reconstruction, decoded)
        if self.postfilter is not None:
            with torch.set_grad_enabled(through_filter and torch.is_grad_enabled()):
                filtered = self.postfilter(reconstruction + added, features, decoded.quality)
            added = added + filtered
        return reconstruction, added

    def before_filter(self, decoded: DecoderOutput) -> tuple[Tensor, Tensor]:
        """What the post-filter sees: whole blocks in units of sigma, and the synthesis's features."""
        reconstruction = self._canvas(decoded)
        added, features = self._corrected(reconstruction, decoded)
        return reconstruction + added, features

    def _corrected(self, reconstruction: Tensor, decoded: DecoderOutput) -> tuple[Tensor, Tensor]:
        """What the synthesis adds at stride 8, and its features."""
        features = self.synthesis.features(reconstruction, decoded.quality, decoded.state)
        return self.synthesis.correction(features), features

    def in_grey_levels(self, blocks: Tensor, decoded: DecoderOutput) -> Tensor:
        """Whole blocks in units of sigma as grey levels of the image's size."""
        height, width = decoded.size
        return blocks[:, :, :height, :width] * decoded.sigma[:, None, None, None]

    def _canvas(self, decoded: DecoderOutput) -> Tensor:
        """The canvas's inverse transform in units of sigma, whole blocks."""
        sizes = grid_sizes(decoded.size)
        samples = self.pyramid.inverse(
            pad_levels(reconstruction_levels(decoded.reconstruction, sizes, decoded.quality.shape[0]))
        )
        rows, columns = sizes[BLOCK]
        x = F.pixel_shuffle(samples[:, :, :rows, :columns], BLOCK)
        if self.config.transform == "lapped":
            x = across(x, inverse_border_matrix())
        return x


def grid_sizes(size: tuple[int, int]) -> dict[int, tuple[int, int]]:
    """Rows and columns of positions of each stride: ceil(size / stride)."""
    return {s: (-(-size[0] // s), -(-size[1] // s)) for s in STRIDES}
