"""Between pixels and the canvas: the bottom-up analysis and the top-down synthesis, both float and learned.

Neither touches a probability of the decoder, so both may round as the machine likes. Both start as the orthonormal
transform and its inverse (zero-initialised corrections).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .chain import from_tokens, interpolate_float, tokens
from .lapped import analysis_basis, mean_scales, synthesis_basis
from .layout import COEFFICIENTS
from .transform import BLOCK, CHANNELS, haar, precise_basis, unhaar

STRIDES = (64, 32, 16, 8)


class Pyramid(nn.Module):
    """The blocks' transform: (B, 3, H, W) in [-128, 127], sides multiples of 64, to coefficients by stride.

    Orthonormal where blocks stand by themselves. Those of a lapped transform are scaled; their samples have been, or
    are still to be, mapped across the borders (see lapped).
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

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        """(B, 3, H, W) -> {stride: (B, COEFFICIENTS[stride], H/stride, W/stride)}."""
        samples = F.pixel_unshuffle(x, BLOCK)
        coefficients = from_tokens(tokens(samples) @ self.basis.t(), samples)
        levels = {8: coefficients}
        means = coefficients[:, ::64]
        for stride in (16, 32, 64):
            means, levels[stride] = haar(means)
        levels[64] = torch.cat([levels[64], means], dim=1)
        return levels | {s: levels[s] * self.get_buffer(f"scale_{s}") for s in STRIDES[:-1]}

    def inverse(self, levels: dict[int, Tensor]) -> Tensor:
        """Coefficients by stride -> samples of each block (B, 192, H/8, W/8), the layout of pixel_unshuffle."""
        coarse = {s: levels[s] / self.get_buffer(f"scale_{s}") for s in STRIDES[:-1]}
        means = coarse[64][:, 9:]
        for stride in STRIDES[:-1]:
            means = unhaar(means, coarse[stride][:, :9])
        coefficients = levels[8].clone()
        coefficients[:, ::64] = means
        return from_tokens(tokens(coefficients) @ self.shapes, coefficients)


class ResidualPair(nn.Module):
    """Two 3x3 convolutions around a leaky ReLU beside the identity. (B, C, H, W) -> (B, C, H, W)"""

    def __init__(self, width: int, slope: float) -> None:
        super().__init__()
        self.slope = slope
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.normal_(self.second.weight, std=0.1 / (9 * width) ** 0.5)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.second(F.leaky_relu(self.first(F.leaky_relu(x, self.slope)), self.slope))
        return out


class BlockNet(nn.Module):
    """A network at stride 8 from an image to a correction of it, in units of sigma; zero at the start.

    The image enters as companded contrast, 8x8 samples a position, beside `extra` channels; the quality enters as a
    learned vector. `slope` is the activations' below zero; with 0 a small network may die of its first steps.
    """

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
        """How many pixels away from a block an input can change its correction: 3x3 convolutions and `contrast`."""
        return BLOCK * (2 * len(self.body) + 2) + CONTRAST_REACH

    def forward(self, x: Tensor, quality: Tensor, extra: Tensor | None = None) -> Tensor:
        """x (B, 3, H, W) in units of sigma, sides multiples of 8; quality codes (B,) -> correction (B, 3, H, W)."""
        return self.correction(self.features(x, quality, extra))

    def features(self, x: Tensor, quality: Tensor, extra: Tensor | None = None) -> Tensor:
        """What the last map sees. (B, width, H/8, W/8)"""
        h: Tensor = (
            self.first(F.pixel_unshuffle(contrast(x), BLOCK))
            + interpolate_float(self.quality, quality)[:, :, None, None]
        )
        if self.extra is not None and extra is not None:
            h = h + self.extra(extra / 4)
        with torch.autocast(h.device.type, torch.bfloat16, enabled=self.training):
            for block in self.body:
                h = block(h)
            return F.leaky_relu(h, self.slope)

    def correction(self, features: Tensor) -> Tensor:
        """The last map's pixels (B, 3, H, W)."""
        with torch.autocast(features.device.type, torch.bfloat16, enabled=self.training):
            out: Tensor = self.last(features)
        return F.pixel_shuffle(out.float(), BLOCK)


CONTRAST_REACH = 2 * BLOCK
"""How many pixels away from a block `contrast` looks."""


def contrast(x: Tensor) -> Tensor:
    """What the float networks see of an image: its difference from a smooth version, companded to about unit size."""
    means = F.avg_pool2d(x, BLOCK)
    smooth = F.avg_pool2d(F.pad(means, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    detail = x - F.interpolate(smooth, scale_factor=float(BLOCK), mode="bilinear", align_corners=False)
    return detail / (4 + detail.abs() / 4)


def crop_levels(levels: dict[int, Tensor], height: int, width: int) -> dict[int, Tensor]:
    """Cuts each stride's coefficients to the ceil(height / stride) x ceil(width / stride) positions that are coded."""
    return {s: x[:, :, : -(-height // s), : -(-width // s)] for s, x in levels.items()}


def pad_levels(levels: dict[int, Tensor]) -> dict[int, Tensor]:
    """Zero-pads each stride's coefficients to the whole blocks of stride 64."""
    rows, columns = levels[64].shape[2:]
    return {
        s: F.pad(x, (0, columns * (64 // s) - x.shape[3], 0, rows * (64 // s) - x.shape[2])) for s, x in levels.items()
    }


def reconstruction_levels(
    reconstruction: dict[int, Tensor], sizes: dict[int, tuple[int, int]], batch: int
) -> dict[int, Tensor]:
    """Canvas tokens by stride -> maps by stride."""
    return {s: t.view(batch, *sizes[s], COEFFICIENTS[s]).permute(0, 3, 1, 2) for s, t in reconstruction.items()}
