"""The lapped transform between pixels and coefficients, in units of sigma over the root of the sensitivities.

At tuning 1, a squared error of these coefficients is the perceptually weighted error.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...shapes import Float
from ..photo.network.analysis_synthesis import Pyramid, crop_levels, pad_levels, reconstruction_levels
from ..photo.network.chain import tokens
from ..photo.network.lapped import across, border_matrix, inverse_border_matrix
from ..photo.network.model import grid_sizes
from ..photo.network.transform import BLOCK
from ..photo.quality import FINEST_QUALITY
from .conditioning import Conditioning
from .config import STRIDES, LightConfig
from .sensitivity import log_sensitivities

Coefficients = dict[int, Float[Tensor, "_ _"]]
"""Coefficients by stride, tokens (B*H*W, COEFFICIENTS[stride]) with positions in raster order."""


class CoefficientTransform(nn.Module):
    """The transform of images to the coefficients that the model codes, and its inverse.

    Args:
        config: sizes of the model.
    """

    def __init__(self, config: LightConfig) -> None:
        super().__init__()
        self.config = config
        self.pyramid = Pyramid("lapped")
        self.register_buffer("lap", border_matrix().float(), persistent=False)
        self.register_buffer("unlap", inverse_border_matrix().float(), persistent=False)
        for stride in STRIDES:
            self.register_buffer(
                f"log_root_{stride}", torch.from_numpy(log_sensitivities(stride)).float() / 2, persistent=False
            )

    def sigma(self, conditioning: Conditioning) -> Float[Tensor, " b"]:
        """Return the likelihood's standard deviation of each image in grey levels, (B,)."""
        span = math.log(self.config.sigma_fine / self.config.sigma_coarse)
        return torch.exp(span * conditioning.quality.float() / FINEST_QUALITY) * self.config.sigma_coarse

    def coefficients(self, pixels: Float[Tensor, "b 3 h w"], conditioning: Conditioning) -> Coefficients:
        """Return the coefficients of images.

        Args:
            pixels: (B, 3, H, W) of levels 0 to 255.
            conditioning: settings of the images.
        """
        height, width = pixels.shape[2:]
        x = F.pad(pixels - 128, (0, -width % 64, 0, -height % 64), mode="replicate")
        x = x / self.sigma(conditioning)[:, None, None, None]
        rows, columns = (BLOCK * n for n in grid_sizes((height, width))[BLOCK])
        lapped = across(x[:, :, :rows, :columns], self.get_buffer("lap"))
        lapped = F.pad(lapped, (0, x.shape[3] - columns, 0, x.shape[2] - rows))
        levels = crop_levels(self.pyramid(self._beyond(x, lapped, rows, columns)), height, width)
        return self._scaled({s: tokens(t) for s, t in levels.items()}, conditioning, 1)

    @staticmethod
    def _beyond(x: Tensor, lapped: Tensor, rows: int, columns: int) -> Tensor:
        """Return `lapped`, with the padding of `x` where no block is coded: it only fills the pyramid."""
        if x.shape[2:] == (rows, columns):
            return lapped
        inside = torch.zeros(x.shape[2:], dtype=torch.bool, device=x.device)
        inside[:rows, :columns] = True
        return torch.where(inside, lapped, x)

    def blocks(
        self, coefficients: Coefficients, size: tuple[int, int], conditioning: Conditioning
    ) -> Float[Tensor, "b 3 _ _"]:
        """Return the images of coefficients in units of sigma, whole blocks (B, 3, 8h, 8w).

        Args:
            coefficients: those of `coefficients`.
            size: height and width of the images in pixels.
            conditioning: settings of the images.
        """
        sizes = grid_sizes(size)
        plain = self._scaled(coefficients, conditioning, -1)
        levels = reconstruction_levels(plain, sizes, conditioning.batch)
        rows, columns = sizes[BLOCK]
        samples = self.pyramid.inverse(pad_levels(levels))[:, :, :rows, :columns]
        return across(F.pixel_shuffle(samples, BLOCK), self.get_buffer("unlap"))

    def _scaled(self, coefficients: Coefficients, conditioning: Conditioning, power: int) -> Coefficients:
        scaled = {}
        for stride, t in coefficients.items():
            root = torch.exp(power * conditioning.tuning[:, None] * self.get_buffer(f"log_root_{stride}"))
            scaled[stride] = (t.view(conditioning.batch, -1, t.shape[1]) * root[:, None]).flatten(0, 1)
        return scaled
