"""The exact reconstruction, for lossless files: coefficients and pixels that are the same on every machine.

Lossy files compute the reconstruction in floats, which may round differently on each machine. Here the layers'
predictions are sums of float16 weights times integers, exact in float64; the coefficients lie on a grid; the inverse
transform is one of integers; and sigma is a fixed-point number. The learned correction of the synthesis is left out:
the model of the pixels takes its place.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....shapes import Float, Float64, Int32, Integer, UInt8
from ...integer.compiled import rounded
from ...integer.grid import ACTIVATION_BITS
from ..network.analysis_synthesis import STRIDES, pad_levels, reconstruction_levels
from ..network.chain import MEAN_SCALE
from ..network.checkerboard import Half
from ..network.lapped import across, inverse_border_matrix, mean_scales, synthesis_basis
from ..network.latent import PhotoLatentLayer
from ..network.model import grid_sizes
from ..network.reconstruction import PlaneReconstruction
from ..network.transform import BLOCK, precise_basis, unhaar
from ..runtime.exact import fixed_sigma as fixed_sigma
from .chain import RATIO, IntegerChain, IntegerLayer, IntegerStage

RECONSTRUCTION_BITS = 6
"""Coefficients lie on the grid 2**-6 sigma; float32 holds it exactly below 2**18 sigma."""
PREDICTION_LIMIT = 2.0**14
"""Largest magnitude of a prediction, in sigma."""
RECONSTRUCTION_LIMIT = 2.0**18
"""Bound of the sum of predictions and symbols, in sigma."""
BASIS_BITS = 12
SIGMA_BITS = 8
SAMPLE_BITS = 6
BAND_BLOCKS = 64
"""Rows of blocks of a band of the inverse transform."""


class ExactReconstructionLayer:
    """An `IntegerLayer` with an exact prediction.

    Raises:
        ValueError: The weights of the prediction are too large to be exact.
    """

    def __init__(self, inner: IntegerLayer) -> None:
        self.inner, self.layer = inner, inner.layer
        scale = MEAN_SCALE * 2.0**-ACTIVATION_BITS
        self.matrix = inner.layer.mean.weight.detach().double().t() * scale
        self.bias = inner.layer.mean.bias.detach().double() * MEAN_SCALE
        if float((self.matrix.abs().sum(0) * 255 + self.bias.abs()).max()) >= 2**20:
            raise ValueError(f"the predictions of its layer {self.layer.name!r} are too large to be exact")

    def heads(self, features: Float[Tensor, "n hidden"]) -> tuple[Float[Tensor, "n outputs"], Float[Tensor, "n v"]]:
        """Return the prior's embedding (n, D), and the prediction (n, v) on the grid of the coefficients."""
        embedding, _ = self.inner.heads(features)
        positive = rounded(features * RATIO).clamp_(min=0).double()
        raw = torch.addmm(self.bias, positive, self.matrix)
        grid = rounded(raw.mul_(2**RECONSTRUCTION_BITS)).mul_(2.0**-RECONSTRUCTION_BITS)
        return embedding, grid.clamp_(-PREDICTION_LIMIT, PREDICTION_LIMIT).float()

    def values(self) -> Float[Tensor, "K v"]:
        """Return the coefficients that each symbol adds, (K, v) in units of sigma."""
        return self.inner.values()

    def codewords(self, symbols: Integer[Tensor, " n"]) -> Int32[Tensor, " n"]:
        """Return the symbols themselves."""
        return self.inner.codewords(symbols)

    def follow(
        self, features: Float[Tensor, "N hidden"], rows: slice, codewords: Int32[Tensor, " n"]
    ) -> Float[Tensor, "N hidden"]:
        """Add the symbols' embeddings to some rows of the features, in place."""
        return self.inner.follow(features, rows, codewords)

    def propagate(
        self, features: Float[Tensor, "N hidden"], anchors: Half, non_anchors: Half, codewords: Int32[Tensor, " n"]
    ) -> Float[Tensor, "N hidden"]:
        """Add messages from a half's symbols to its own and the neighbouring positions' features, in place."""
        return self.inner.propagate(features, anchors, non_anchors, codewords)


class ExactReconstructionStage:
    """An `IntegerStage` of layers with exact predictions."""

    def __init__(self, inner: IntegerStage) -> None:
        self.parts = [ExactReconstructionLayer(part) for part in inner.parts]
        self.enter, self.features, self.leave = inner.enter, inner.features, inner.leave


class ExactReconstructionChain:
    """An `IntegerChain` whose reconstruction is exact.

    Raises:
        ValueError: Its weights are too large for that.
    """

    def __init__(self, inner: IntegerChain) -> None:
        self.strides, self.inner = inner.strides, inner
        self.stages = [[ExactReconstructionStage(stage) for stage in stages] for stages in inner.scales()]
        _check_values([part.layer for stages in self.stages for stage in stages for part in stage.parts])
        self.initial_state, self.upsample, self.state_map, self.position_blocks = (
            inner.initial_state,
            inner.upsample,
            inner.state_map,
            inner.position_blocks,
        )

    def scales(self) -> list[list[ExactReconstructionStage]]:
        """Return the stages of each stride, the coarsest first."""
        return self.stages

    def reconstruction(
        self, counts: dict[int, int], coefficients: dict[int, Float[Tensor, "_ _"]] | None, device: torch.device
    ) -> PlaneReconstruction:
        """Return an empty reconstruction."""
        return self.inner.reconstruction(counts, coefficients, device)


def _check_values(layers: list[PhotoLatentLayer]) -> None:
    """Check that the sums of a coefficient's symbols stay within the 24 bits of its grid. ValueError if not."""
    largest_sum: dict[tuple[int, int], float] = {}
    for layer in layers:
        largest = layer.reconstruction_values().detach().abs().amax(0).tolist()
        for coefficient, most in zip(layer.coefficients, largest, strict=True):
            key = layer.stride, coefficient
            largest_sum[key] = largest_sum.get(key, 0.0) + most + PREDICTION_LIMIT
    if max(largest_sum.values()) >= RECONSTRUCTION_LIMIT:
        raise ValueError("the values of its codebooks are too large to be exact")


@lru_cache(maxsize=2)
def integer_basis(transform: str = "cosine") -> Float64[Tensor, "192 192"]:
    """Return round(2**12 basis), from coefficients to samples of a block: (192, 192) float64 of whole numbers."""
    basis = precise_basis() if transform == "cosine" else synthesis_basis()
    return torch.floor(basis * 2**BASIS_BITS + 0.5)


@lru_cache(maxsize=1)
def integer_borders() -> Float64[Tensor, "8 8"]:
    """Return round(2**12 inverse border matrix) of lapped blocks: (8, 8) float64 of whole numbers."""
    return torch.floor(inverse_border_matrix() * 2**BASIS_BITS + 0.5)


def image_of(
    reconstruction: dict[int, Float[Tensor, "_ _"]], size: tuple[int, int], sigma: int, transform: str
) -> UInt8[NDArray[np.uint8], "H W 3"]:
    """Return the pixels (H, W, 3) of an exact reconstruction.

    Args:
        reconstruction: Tokens (N, channels) by stride.
        size: Height and width in pixels.
        sigma: In steps of 2**-8 grey levels.
        transform: "cosine" or "lapped".
    """
    sizes = grid_sizes(size)
    levels = pad_levels(reconstruction_levels(reconstruction, sizes, 1))
    coarse = {s: _unscaled(levels[s].double(), s, transform) for s in STRIDES[:-1]}
    means = coarse[64][:, 9:]
    for stride in STRIDES[:-1]:
        means = unhaar(means, coarse[stride][:, :9])
    rows, columns = sizes[BLOCK]
    pixels = np.empty((*size, 3), np.uint8)
    for first in range(0, rows, BAND_BLOCKS):
        wide = slice(max(first - 1, 0), min(first + BAND_BLOCKS + 1, rows))  # lapped blocks need one more
        steps = _samples(levels[BLOCK][0, :, wide, :columns], means[0, :, wide, :columns], transform)
        top = BLOCK * first
        part = pixels[top : top + BLOCK * BAND_BLOCKS]
        part[:] = _to_pixels(steps[:, top - BLOCK * wide.start :][:, : len(part), : size[1]], sigma)
    return pixels


def _unscaled(level: Tensor, stride: int, transform: str) -> Tensor:
    """Undo the scale of lapped blocks in coefficients (1, C, h, w) of the block means' pyramid."""
    if transform != "lapped":
        return level
    factors = _round_half_up(2.0**BASIS_BITS / mean_scales(stride)).to(level.device)[:, None, None]
    return _round_half_up(level * factors * 2.0 ** (RECONSTRUCTION_BITS - BASIS_BITS)) * 2.0**-RECONSTRUCTION_BITS


def _samples(coefficients: Tensor, means: Tensor, transform: str) -> Tensor:
    """Return samples in steps of 2**-6 sigma.

    Args:
        coefficients: (192, h, w).
        means: DCs (3, h, w).
        transform: "cosine" or "lapped".

    Returns:
        (3, 8h, 8w).
    """
    _, h, w = coefficients.shape
    wide = coefficients.double()
    wide[::64] = means
    flat = wide.reshape(192, -1).t() @ integer_basis(transform).to(wide.device)
    steps = _round_half_up(flat * 2.0 ** (SAMPLE_BITS - BASIS_BITS))
    steps = steps.view(h, w, 3, BLOCK, BLOCK).permute(2, 0, 3, 1, 4).reshape(3, BLOCK * h, BLOCK * w)
    if transform == "lapped":
        steps = across(steps, integer_borders(), lambda x: _round_half_up(x * 2.0**-BASIS_BITS))
    return steps


def _to_pixels(steps: Tensor, sigma: int) -> NDArray[np.uint8]:
    """Convert samples (3, H, W) to pixels (H, W, 3)."""
    grey = torch.floor(steps * sigma * 2.0 ** -(SAMPLE_BITS + SIGMA_BITS) + 128.5).clamp_(0, 255)
    return np.asarray(grey.to(torch.uint8).permute(1, 2, 0).cpu())


def _round_half_up(x: Tensor) -> Tensor:
    """Return floor(x + 1/2)."""
    return torch.floor(x + 0.5)
