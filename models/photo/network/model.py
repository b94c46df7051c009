"""The photograph model: analysis, top-down chain and synthesis (preset `rrvq`)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ....shapes import Float, Int64
from ...configs import RRVQConfig
from ..quality import FINEST_QUALITY
from .analysis_synthesis import STRIDES, BlockNet, Pyramid, crop_levels, pad_levels, reconstruction_levels
from .chain import KNOTS, TopDownChain, tokens
from .lapped import across, border_matrix, inverse_border_matrix
from .postfilter import PostFilter
from .top_down import DistortionWeights, PhotoSymbolSource, SymbolCosts, run_photo_pass
from .transform import BLOCK


@dataclass
class DecoderOutput:
    """The result of a top-down pass.

    Args:
        state: The chain's last state (B, C, H/8, W/8).
        reconstruction: Coefficients by stride in units of sigma, tokens (B*H*W, channels).
        sigma: (B,) in grey levels.
        size: Height and width of the images in pixels.
        quality: Network qualities (B,).
    """

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
        self.chain = TopDownChain(config)
        self.synthesis = BlockNet(config.synthesis_width, config.synthesis_blocks, config.widths[8], KNOTS)
        self.postfilter: PostFilter | None = None
        if config.postfilter_width:
            width, pairs = config.postfilter_width, config.postfilter_pairs
            self.postfilter = PostFilter(width, pairs, config.synthesis_width, KNOTS)

    @property
    def receptive_field(self) -> int:
        """Pixels beyond a block whose reconstruction can change what is rendered there."""
        return self.synthesis.receptive_field + (0 if self.postfilter is None else self.postfilter.receptive_field)

    def sigma(self, quality: Int64[Tensor, " B"]) -> Float[Tensor, " B"]:
        """Return the posterior's standard deviation in grey levels, (B,), of network qualities (B,)."""
        span = math.log(self.config.sigma_fine / self.config.sigma_coarse)
        return torch.exp(span * quality.float() / FINEST_QUALITY).mul(self.config.sigma_coarse)

    def infer(
        self, pixels: Float[Tensor, "B 3 H W"], quality: Int64[Tensor, " B"], *, learned: bool = True
    ) -> dict[int, Float[Tensor, "_ _"]]:
        """Run the bottom-up pass: return the coefficients of images in units of sigma.

        Args:
            pixels: (B, 3, H, W).
            quality: Network qualities (B,).
            learned: Whether the analysis network's correction is included.

        Returns:
            Tokens (B*H*W, channels) by stride.
        """
        height, width = pixels.shape[2:]
        padding = (0, -width % 64, 0, -height % 64)
        x = F.pad(pixels - 128, padding, mode="replicate") / self.sigma(quality)[:, None, None, None]
        if learned:
            x = x + self.analysis(x, quality)
        return self._levels(x, (height, width))

    def coefficients(
        self, difference: Float[Tensor, "B 3 H W"], quality: Int64[Tensor, " B"]
    ) -> dict[int, Float[Tensor, "_ _"]]:
        """Return the transform of a difference of images (B, 3, H, W), in the units and tokens of `infer`."""
        height, width = difference.shape[2:]
        padded = F.pad(difference, (0, -width % 64, 0, -height % 64))
        return self._levels(padded / self.sigma(quality)[:, None, None, None], (height, width))

    def _levels(self, x: Tensor, size: tuple[int, int]) -> dict[int, Tensor]:
        """Return tokens by stride of whole padded images in units of sigma, which are overwritten."""
        height, width = size
        if self.config.transform == "lapped":
            rows, columns = (BLOCK * n for n in grid_sizes((height, width))[BLOCK])
            coded = x[:, :, :rows, :columns]  # the rest only fills the pyramid
            x[:, :, :rows, :columns] = across(coded, border_matrix())
        levels = crop_levels(self.pyramid(x), height, width)
        return {s: tokens(t) for s, t in levels.items()}

    def top_down_pass(
        self,
        size: tuple[int, int],
        quality: Int64[Tensor, " B"],
        source: PhotoSymbolSource,
        coefficients: dict[int, Float[Tensor, "_ _"]] | None = None,
        *,
        lookahead_costs: SymbolCosts | None = None,
        weights: DistortionWeights | None = None,
        grey: bool = False,
        stop: int | None = None,
    ) -> DecoderOutput:
        """Run the top-down pass for images of one size.

        Args:
            size: Height and width in pixels.
            quality: Network qualities (B,).
            source: The source of the symbols.
            coefficients: What `infer` returned; None in a decoder.
            lookahead_costs: Costs of choices in later layers (encoder.lookahead).
            weights: Weights of the distortion (encoder.perceptual_weights).
            grey: Whether the layers that carry only colour are left out.
            stop: Number of layers to visit; all if it is None.

        Returns:
            The chain's last state, and the decoded coefficients in units of sigma.
        """
        sizes, chain = grid_sizes(size), self.chain
        state, reconstruction = run_photo_pass(
            chain,
            sizes,
            quality,
            source,
            coefficients,
            lookahead_costs=lookahead_costs,
            weights=weights,
            grey=grey,
            stop=stop,
        )
        return DecoderOutput(state, reconstruction, self.sigma(quality), size, quality)

    def render(self, decoded: DecoderOutput) -> Float[Tensor, "B 3 H W"]:
        """Return the images (B, 3, H, W), not clamped: inverse transform plus learned correction."""
        reconstruction, added = self.synthesise(decoded)
        return torch.add(self.in_grey_levels(reconstruction + added, decoded), 128)

    def render_unfiltered(self, decoded: DecoderOutput, *, corrected: bool) -> Float[Tensor, "B 3 H W"]:
        """Return the images without the post-filter and, unless `corrected`, without the synthesis, not clamped."""
        x = self._inverse_transform(decoded)
        if corrected:
            x = x + self._correction(x, decoded)[0]
        return torch.add(self.in_grey_levels(x, decoded), 128)

    def synthesise(
        self, decoded: DecoderOutput, *, through_filter: bool = True
    ) -> tuple[Float[Tensor, "B 3 H W"], Float[Tensor, "B 3 H W"]]:
        """Return the inverse transform of the reconstruction, and the learned correction of it.

        Args:
            decoded: The result of a pass.
            through_filter: Whether gradients pass through the post-filter; if not, its correction is a constant.

        Returns:
            Whole blocks in units of sigma, (B, 3, H, W) each.
        """
        reconstruction = self._inverse_transform(decoded)
        added, features = self._correction(reconstruction, decoded)
        if self.postfilter is not None:
            with torch.set_grad_enabled(through_filter and torch.is_grad_enabled()):
                filtered = self.postfilter(reconstruction + added, features, decoded.quality)
            added = added + filtered
        return reconstruction, added

    def postfilter_inputs(self, decoded: DecoderOutput) -> tuple[Float[Tensor, "B 3 _ _"], Float[Tensor, "B _ _ _"]]:
        """Return the inputs of the post-filter: whole blocks in units of sigma, and the synthesis's features."""
        reconstruction = self._inverse_transform(decoded)
        added, features = self._correction(reconstruction, decoded)
        return reconstruction + added, features

    def _correction(self, reconstruction: Tensor, decoded: DecoderOutput) -> tuple[Tensor, Tensor]:
        """Return the correction of the synthesis at stride 8, and its features."""
        features = self.synthesis.features(reconstruction, decoded.quality, decoded.state)
        return self.synthesis.correction(features), features

    def in_grey_levels(self, blocks: Float[Tensor, "B 3 _ _"], decoded: DecoderOutput) -> Float[Tensor, "B 3 _ _"]:
        """Convert whole blocks in units of sigma to grey levels, and crop them to the image's size."""
        height, width = decoded.size
        return blocks[:, :, :height, :width] * decoded.sigma[:, None, None, None]

    def _inverse_transform(self, decoded: DecoderOutput) -> Tensor:
        """Return the reconstruction's inverse transform in units of sigma, whole blocks."""
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
    """Return the rows and columns of positions of each stride: ceil(size / stride)."""
    return {s: (-(-size[0] // s), -(-size[1] // s)) for s in STRIDES}
