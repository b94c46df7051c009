"""The canvas and what it shows in exact arithmetic, for lossless files: the same integers on every machine.

Lossy files leave the canvas to floats, which may round as a machine likes. Here the layers' predictions are sums of
float16 weights times integers, exact in float64; the canvas lies on a grid; the inverse transform is one of integers;
and sigma is a fixed-point number. The learned correction of the synthesis is left to the pixels' own model.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...configs import RRVQConfig
from ...integer.compiled import rounded
from ...integer.grid import ACTIVATION_BITS
from ..network.analysis_synthesis import STRIDES, pad_levels, reconstruction_levels
from ..network.chain import MEAN_SCALE
from ..network.checkerboard import Half
from ..network.lapped import across, inverse_border_matrix, mean_scales, synthesis_basis
from ..network.latent import LatentLayer
from ..network.model import FINEST_CODE, grid_sizes
from ..network.reconstruction import PlaneReconstruction
from ..network.transform import BLOCK, precise_basis, unhaar
from .chain import RATIO, IntegerChain, IntegerLayer, IntegerStage

CANVAS_BITS = 6
"""The canvas lies on the grid 2**-6 sigma; float32 holds it exactly below 2**18 sigma."""
PREDICTION_LIMIT = 2.0**14
CANVAS_LIMIT = 2.0**18
"""Most that predictions and symbols may add up to, in sigma."""
BASIS_BITS = 12
SIGMA_BITS = 8
SAMPLE_BITS = 6
BAND_BLOCKS = 64
"""Rows of blocks of a band of the inverse transform."""


class ExactReconstructionLayer:
    """A `IntegerLayer` whose canvas prediction is exact."""

    def __init__(self, inner: IntegerLayer) -> None:
        self.inner, self.layer = inner, inner.layer
        scale = MEAN_SCALE * 2.0**-ACTIVATION_BITS
        self.matrix = inner.layer.mean.weight.detach().double().t() * scale
        self.bias = inner.layer.mean.bias.detach().double() * MEAN_SCALE
        if float((self.matrix.abs().sum(0) * 255 + self.bias.abs()).max()) >= 2**20:
            raise ValueError(f"the predictions of its layer {self.layer.name!r} are too large to be exact")

    def heads(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The prior's embedding (n, D), and the canvas's prediction (n, v) on the canvas's grid."""
        embedding, _ = self.inner.heads(features)
        positive = rounded(features * RATIO).clamp_(min=0).double()
        raw = torch.addmm(self.bias, positive, self.matrix)
        grid = rounded(raw.mul_(2**CANVAS_BITS)).mul_(2.0**-CANVAS_BITS)
        return embedding, grid.clamp_(-PREDICTION_LIMIT, PREDICTION_LIMIT).float()

    def values(self) -> Tensor:
        """What each symbol adds to the canvas. (K, v)"""
        return self.inner.values()

    def code(self, symbols: Tensor) -> Tensor:
        """The symbols themselves."""
        return self.inner.code(symbols)

    def follow(self, features: Tensor, rows: slice, code: Tensor) -> Tensor:
        """The features with what the symbols add."""
        return self.inner.follow(features, rows, code)

    def propagate(self, features: Tensor, anchors: Half, non_anchors: Half, code: Tensor) -> Tensor:
        """The features with what a half's symbols say."""
        return self.inner.propagate(features, anchors, non_anchors, code)


class ExactReconstructionStage:
    """A `IntegerStage` of such layers."""

    def __init__(self, inner: IntegerStage) -> None:
        self.parts = [ExactReconstructionLayer(part) for part in inner.parts]
        self.enter, self.features, self.leave = inner.enter, inner.features, inner.leave


class ExactReconstructionChain:
    """A `IntegerChain` that paints an exact canvas. ValueError if its weights are too large for that."""

    def __init__(self, inner: IntegerChain) -> None:
        self.strides, self.inner = inner.strides, inner
        self.stages = [[ExactReconstructionStage(stage) for stage in stages] for stages in inner.scales()]
        _check_values([part.layer for stages in self.stages for stage in stages for part in stage.parts])
        self.blank, self.finer, self.shown, self.runs = inner.blank, inner.finer, inner.shown, inner.runs

    def scales(self) -> list[list[ExactReconstructionStage]]:
        """The stages of each stride, coarse first."""
        return self.stages

    def reconstruction(
        self, counts: dict[int, int], coefficients: dict[int, Tensor] | None, device: torch.device
    ) -> PlaneReconstruction:
        """An empty canvas."""
        return self.inner.reconstruction(counts, coefficients, device)


def _check_values(layers: list[LatentLayer]) -> None:
    """What the symbols of a coefficient add up to must stay on the grid's 24 bits."""
    receptive_field: dict[tuple[int, int], float] = {}
    for layer in layers:
        largest = layer.reconstruction_values().detach().abs().amax(0).tolist()
        for coefficient, most in zip(layer.coefficients, largest, strict=True):
            key = layer.stride, coefficient
            receptive_field[key] = receptive_field.get(key, 0.0) + most + PREDICTION_LIMIT
    if max(receptive_field.values()) >= CANVAS_LIMIT:
        raise ValueError("the values of its codebooks are too large to be exact")


@lru_cache(maxsize=2)
def integer_basis(transform: str = "cosine") -> Tensor:
    """round(2**12 basis): coefficients to samples of a block, (192, 192) whole float64."""
    basis = precise_basis() if transform == "cosine" else synthesis_basis()
    return torch.floor(basis * 2**BASIS_BITS + 0.5)


@lru_cache(maxsize=1)
def integer_borders() -> Tensor:
    """round(2**12 inverse border matrix) of lapped blocks, (8, 8) whole float64."""
    return torch.floor(inverse_border_matrix() * 2**BASIS_BITS + 0.5)


def fixed_sigma(config: RRVQConfig, code: int) -> int:
    """round(2**8 sigma) at a quality code: coarse (fine / coarse)^(code / 4096), in grey levels."""
    with localcontext() as context:
        context.prec = 40
        coarse, fine = Decimal(config.sigma_coarse), Decimal(config.sigma_fine)
        sigma = coarse * ((fine / coarse).ln() * code / FINEST_CODE).exp()
        return int((sigma * 2**SIGMA_BITS).to_integral_value())


def image_of(reconstruction: dict[int, Tensor], size: tuple[int, int], sigma: int, transform: str) -> NDArray[np.uint8]:
    """What an exact canvas (tokens by stride) shows at `sigma`, a multiple of 2**-8: (H, W, 3) pixels."""
    sizes = grid_sizes(size)
    levels = pad_levels(reconstruction_levels(reconstruction, sizes, 1))
    coarse = {s: _unscaled(levels[s].double(), s, transform) for s in STRIDES[:-1]}
    means = coarse[64][:, 9:]
    for stride in STRIDES[:-1]:
        means = unhaar(means, coarse[stride][:, :9])
    rows, columns = sizes[BLOCK]
    pixels = np.empty((*size, 3), np.uint8)
    for first in range(0, rows, BAND_BLOCKS):
        wide = slice(max(first - 1, 0), min(first + BAND_BLOCKS + 1, rows))  # a block more for lapped ones
        steps = _samples(levels[BLOCK][0, :, wide, :columns], means[0, :, wide, :columns], transform)
        top = BLOCK * first
        part = pixels[top : top + BLOCK * BAND_BLOCKS]
        part[:] = _shown(steps[:, top - BLOCK * wide.start :][:, : len(part), : size[1]], sigma)
    return pixels


def _unscaled(level: Tensor, stride: int, transform: str) -> Tensor:
    """Coefficients (1, C, h, w) of the block means' pyramid, on their grid, without the scale of lapped blocks."""
    if transform != "lapped":
        return level
    factors = _whole(2.0**BASIS_BITS / mean_scales(stride)).to(level.device)[:, None, None]
    return _whole(level * factors * 2.0 ** (CANVAS_BITS - BASIS_BITS)) * 2.0**-CANVAS_BITS


def _samples(coefficients: Tensor, means: Tensor, transform: str) -> Tensor:
    """The samples (3, 8h, 8w) of coefficients (192, h, w) whose DCs are `means` (3, h, w), in steps of 2**-6 sigma."""
    _, h, w = coefficients.shape
    wide = coefficients.double()
    wide[::64] = means
    flat = wide.reshape(192, -1).t() @ integer_basis(transform).to(wide.device)
    steps = _whole(flat * 2.0 ** (SAMPLE_BITS - BASIS_BITS))
    steps = steps.view(h, w, 3, BLOCK, BLOCK).permute(2, 0, 3, 1, 4).reshape(3, BLOCK * h, BLOCK * w)
    if transform == "lapped":
        steps = across(steps, integer_borders(), lambda x: _whole(x * 2.0**-BASIS_BITS))
    return steps


def _shown(steps: Tensor, sigma: int) -> NDArray[np.uint8]:
    """Samples (3, H, W) as pixels (H, W, 3)."""
    grey = torch.floor(steps * sigma * 2.0 ** -(SAMPLE_BITS + SIGMA_BITS) + 128.5).clamp_(0, 255)
    return np.asarray(grey.to(torch.uint8).permute(1, 2, 0).cpu())


def _whole(x: Tensor) -> Tensor:
    """floor(x + 1/2)"""
    return torch.floor(x + 0.5)
