"""The transform between pixels and coefficients, and the float networks that correct it: analysis and synthesis.

Neither affects a probability of the decoder, so that both may round differently on each machine. The corrections start
at zero, so that analysis and synthesis start as the transform and its inverse.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ....shapes import Float, Int64
from ...integer.low_precision import in_bfloat16
from ..layout import COEFFICIENTS
from .chain import from_tokens, interpolate_float, tokens
from .lapped import analysis_basis, mean_scales, synthesis_basis
from .transform import BLOCK, CHANNELS, haar, precise_basis, unhaar

STRIDES = (64, 32, 16, 8)


class Pyramid(nn.Module):
    """The block transform, from pixels in [-128, 127] to coefficients by stride.

    It is orthonormal for independent blocks. The coefficients of a lapped transform are scaled, and its samples are
    mapped across the block borders before the transform and after its inverse (`lapped`).
    """

    def __init__(self, transform: str = "cosine") -> None:
        super().__init__()
        alone = transform == "cosine"
        self.register_buffer("basis", (precise_basis() if alone else analysis_basis()).float(), persistent=False)
        self.register_buffer("shapes", (precise_basis() if alone else synthesis_basis()).float(), persistent=False)
        for stride in STRIDES[:-1]:
            scale = torch.ones(COEFFICIENTS[stride]) if alone else mean_scales(stride).float()
            self.register_buffer(f"scale_{stride}", scale[:, None, None], persistent=False)
        self.basis: Tensor  # (192, 192), from samples (columns) to coefficients (rows)
        self.shapes: Tensor  # (192, 192), from coefficients (rows) to samples (columns)

    def forward(self, x: Float[Tensor, "B 3 H W"]) -> dict[int, Float[Tensor, "B _ _ _"]]:
        """Transform images whose sides are multiples of 64.

        Args:
            x: Images (B, 3, H, W).

        Returns:
            Coefficients (B, COEFFICIENTS[stride], H/stride, W/stride) by stride.
        """
        samples = F.pixel_unshuffle(x, BLOCK)
        coefficients = from_tokens(tokens(samples) @ self.basis.t(), samples)
        levels = {8: coefficients}
        means = coefficients[:, ::64]
        for stride in (16, 32, 64):
            means, levels[stride] = haar(means)
        levels[64] = torch.cat([levels[64], means], dim=1)
        return levels | {s: levels[s] * self.get_buffer(f"scale_{s}") for s in STRIDES[:-1]}

    def inverse(self, levels: dict[int, Float[Tensor, "B _ _ _"]]) -> Float[Tensor, "B 192 rows columns"]:
        """Return the samples of each block, (B, 192, H/8, W/8) in the order of pixel_unshuffle, from coefficients by
        stride.
        """
        coarse = {s: levels[s] / self.get_buffer(f"scale_{s}") for s in STRIDES[:-1]}
        means = coarse[64][:, 9:]
        for stride in STRIDES[:-1]:
            means = unhaar(means, coarse[stride][:, :9])
        coefficients = levels[8].clone()
        coefficients[:, ::64] = means
        return from_tokens(tokens(coefficients) @ self.shapes, coefficients)


class ResidualPair(nn.Module):
    """Two 3x3 convolutions, each after a leaky ReLU, added to the identity. (B, C, H, W) -> (B, C, H, W)"""

    def __init__(self, width: int, slope: float) -> None:
        super().__init__()
        self.slope = slope
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.normal_(self.second.weight, std=0.1 / (9 * width) ** 0.5)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """Return the map with the pair's change."""
        out: Tensor = x + self.second(F.leaky_relu(self.first(F.leaky_relu(x, self.slope)), self.slope))
        return out


class BlockNet(nn.Module):
    """A network at stride 8 that computes a correction of an image, in units of sigma; zero at the start.

    The image enters as companded contrast, 8x8 samples at a position, together with the extra channels; the quality
    enters as a learned vector.

    Args:
        width: Channels.
        blocks: Number of residual pairs.
        extra: Channels of a further input; 0 for none.
        knots: Number of learned quality vectors.
        slope: Slope of the activations below zero; with 0 small networks may stop learning after the first steps.
    """

    trains_in_bfloat16 = True
    """Whether training makes its products in bfloat16."""

    def __init__(self, width: int, blocks: int, extra: int, knots: int, slope: float = 0.0) -> None:
        super().__init__()
        self.slope = slope
        self.first = nn.Conv2d(CHANNELS, width, 3, padding=1)
        self.extra = nn.Conv2d(extra, width, 1) if extra else None
        self.quality = nn.Parameter(torch.zeros(knots, width))
        self.body = nn.ModuleList(ResidualPair(width, slope) for _ in range(blocks))
        self.last = nn.Conv2d(width, CHANNELS, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    @property
    def receptive_field(self) -> int:
        """Pixels beyond a block that its correction depends on: those of the 3x3 convolutions and of `contrast`."""
        return BLOCK * (2 * len(self.body) + 2) + CONTRAST_RADIUS

    def forward(
        self, x: Float[Tensor, "B 3 H W"], quality: Int64[Tensor, " B"], extra: Float[Tensor, "B _ _ _"] | None = None
    ) -> Float[Tensor, "B 3 H W"]:
        """Return the correction (B, 3, H, W) of an image.

        Args:
            x: Images (B, 3, H, W) in units of sigma, sides multiples of 8.
            quality: Network qualities (B,).
            extra: Further input (B, extra, H/8, W/8).
        """
        return self.correction(self.features(x, quality, extra))

    def features(
        self, x: Float[Tensor, "B 3 H W"], quality: Int64[Tensor, " B"], extra: Float[Tensor, "B _ _ _"] | None = None
    ) -> Float[Tensor, "B width _ _"]:
        """Return the inputs of the last convolution, (B, width, H/8, W/8)."""
        h: Tensor = (
            self.first(F.pixel_unshuffle(contrast(x), BLOCK))
            + interpolate_float(self.quality, quality)[:, :, None, None]
        )
        if self.extra is not None and extra is not None:
            h = h + self.extra(extra / 4)
        with torch.autocast(h.device.type, torch.bfloat16, enabled=in_bfloat16(self)):
            for block in self.body:
                h = block(h)
            return F.leaky_relu(h, self.slope)

    def correction(self, features: Float[Tensor, "B width _ _"]) -> Float[Tensor, "B 3 _ _"]:
        """Return the correction (B, 3, H, W) of features (B, width, H/8, W/8)."""
        with torch.autocast(features.device.type, torch.bfloat16, enabled=in_bfloat16(self)):
            out: Tensor = self.last(features)
        return F.pixel_shuffle(out.float(), BLOCK)


CONTRAST_RADIUS = 2 * BLOCK
"""Pixels beyond a block that `contrast` depends on."""


def contrast(x: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 3 H W"]:
    """Return the difference of an image from a smooth version, companded to about unit size."""
    means = F.avg_pool2d(x, BLOCK)
    smooth = F.avg_pool2d(F.pad(means, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    detail = x - F.interpolate(smooth, scale_factor=float(BLOCK), mode="bilinear", align_corners=False)
    return detail / (4 + detail.abs() / 4)


def crop_levels(
    levels: dict[int, Float[Tensor, "B _ _ _"]], height: int, width: int
) -> dict[int, Float[Tensor, "B _ _ _"]]:
    """Cut each stride's coefficients to the ceil(size / stride) positions that are coded."""
    return {s: x[:, :, : -(-height // s), : -(-width // s)] for s, x in levels.items()}


def pad_levels(levels: dict[int, Float[Tensor, "B _ _ _"]]) -> dict[int, Float[Tensor, "B _ _ _"]]:
    """Pad each stride's coefficients with zeros to the whole blocks of stride 64."""
    rows, columns = levels[64].shape[2:]
    return {
        s: F.pad(x, (0, columns * (64 // s) - x.shape[3], 0, rows * (64 // s) - x.shape[2])) for s, x in levels.items()
    }


def reconstruction_levels(
    reconstruction: dict[int, Float[Tensor, "_ _"]], sizes: dict[int, tuple[int, int]], batch: int
) -> dict[int, Float[Tensor, "_ _ _ _"]]:
    """Reshape a reconstruction's tokens (B*H*W, C) by stride to maps (B, C, H, W) by stride."""
    return {s: t.view(batch, *sizes[s], COEFFICIENTS[s]).permute(0, 3, 1, 2) for s, t in reconstruction.items()}
