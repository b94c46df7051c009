"""The float networks in horizontal bands of pixels, so that memory does not grow with the image.

Each band has a halo as deep as the networks' receptive field, so that the results are those of the whole image up to
the rounding of float sums.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...shapes import Float, Float16, Int64, UInt8
from ..interface.adaptive_filter import ImageFilter
from .adaptive_filter.apply import apply_filter, moments
from .adaptive_filter.fit import Grid, fitted
from .adaptive_filter.squares import RADIUS
from .halo import with_halo
from .layout import COEFFICIENTS
from .network.analysis_synthesis import STRIDES
from .network.model import DecoderOutput, PhotoRRVQ, grid_sizes
from .reduction import CORRECTED, square_means

GROUP = 64
"""Bands begin on multiples of the coarsest stride, in pixels."""

BAND_PIXELS = 6 * 2**20
"""Pixels of a band without its halo."""


def infer_bands(
    model: PhotoRRVQ,
    pixels: UInt8[NDArray[np.uint8], "H W 3"],
    quality: Int64[Tensor, " 1"],
    rows: int | None = None,
    correction: Float16[NDArray[np.float16], "H W 3"] | None = None,
) -> dict[int, Float[Tensor, "_ _"]]:
    """Run `PhotoRRVQ.infer` on one image.

    Args:
        model: The model.
        pixels: (H, W, 3).
        quality: Network quality (1,).
        rows: Rows of pixels of a band; None for the default.
        correction: Grey levels (H, W, 3) that are subtracted first.

    Returns:
        Coefficients by stride, tokens (N, channels) in channel-major memory.
    """
    height, width = pixels.shape[:2]
    sizes = grid_sizes((height, width))
    targets = {s: torch.empty(COEFFICIENTS[s], *sizes[s], device=quality.device) for s in STRIDES}
    for core, wide in bands((height, width), model.analysis.receptive_field, rows):
        x = _image(pixels[wide], quality)
        known = model.infer(x if correction is None else x - _image(correction[wide], quality), quality)
        for s, tokens in known.items():
            maps = tokens.t().view(COEFFICIENTS[s], -1, sizes[s][1])[:, (core.start - wide.start) // s :]
            first, last = core.start // s, -(-core.stop // s)
            targets[s][:, first:last] = maps[:, : last - first]
    return {s: maps.view(COEFFICIENTS[s], -1).t() for s, maps in targets.items()}


def render_bands(
    model: PhotoRRVQ, decoded: DecoderOutput, rows: int | None = None, image_filter: ImageFilter | None = None
) -> UInt8[NDArray[np.uint8], "H W 3"]:
    """Render one image, filter it if there is a filter, and round it to pixels (H, W, 3)."""
    pixels = np.empty((*decoded.size, 3), np.uint8)
    for core, wide, x in _rendered(model, decoded, rows):
        if image_filter is None:
            x = x[:, core.start - wide.start : core.stop - wide.start]
        else:
            x = apply_filter(x, wide, core, image_filter)
        pixels[core] = x.clamp_(0, 255).round_().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return pixels


def reduced_bands(model: PhotoRRVQ, decoded: DecoderOutput, denominator: int) -> UInt8[NDArray[np.uint8], "h w 3"]:
    """Render one image at 1/denominator of its size (`models.photo.reduction`)."""
    corrected, parts = denominator <= CORRECTED, []
    for core, wide in bands(decoded.size, model.synthesis.receptive_field if corrected else GROUP):
        x = model.render_unfiltered(crop(decoded, wide), corrected=corrected)[0].cpu().numpy()
        parts.append(square_means(x[:, core.start - wide.start : core.stop - wide.start], denominator))
    means = np.concatenate(parts, axis=1)
    return np.asarray(np.rint(np.clip(means, 0, 255)).astype(np.uint8).transpose(1, 2, 0))


def fit_bands(
    model: PhotoRRVQ, decoded: DecoderOutput, pixels: UInt8[NDArray[np.uint8], "H W 3"], rows: int | None = None
) -> ImageFilter | None:
    """Return the adaptive filter for the original pixels (H, W, 3) of one image; None if none saves bits."""
    grid, image = Grid(), torch.tensor(pixels).to(decoded.sigma.device).permute(2, 0, 1)
    for core, wide, x in _rendered(model, decoded, rows):
        for place, found in moments(x, wide, core, image):
            grid[place] = grid[place] + found if place in grid else found
    return fitted(grid, float(decoded.sigma))


def _rendered(model: PhotoRRVQ, decoded: DecoderOutput, rows: int | None) -> Iterator[tuple[slice, slice, Tensor]]:
    """Yield the rows of each band without and with its halo, and the latter rendered, (3, rows, W)."""
    for core, wide in bands(decoded.size, model.receptive_field + RADIUS, rows):
        yield core, wide, model.render(crop(decoded, wide))[0]


def _image(values: NDArray[np.uint8] | NDArray[np.float16], quality: Tensor) -> Tensor:
    """Convert (H, W, 3) to (1, 3, H, W) floats on the device of the quality."""
    return torch.tensor(values).to(quality.device).permute(2, 0, 1)[None].float()


def crop(decoded: DecoderOutput, rows: slice) -> DecoderOutput:
    """Return the decoder output of some rows of pixels of one image, which begin on a multiple of 64."""
    sizes = grid_sizes(decoded.size)
    reconstruction = {}
    for s, tokens in decoded.reconstruction.items():
        columns = sizes[s][1]
        reconstruction[s] = tokens[rows.start // s * columns : -(-rows.stop // s) * columns]
    state = decoded.state[:, :, rows.start // 8 : -(-rows.stop // 8)]
    return DecoderOutput(
        state, reconstruction, decoded.sigma, (rows.stop - rows.start, decoded.size[1]), decoded.quality
    )


def bands(size: tuple[int, int], receptive_field: int, rows: int | None = None) -> list[tuple[slice, slice]]:
    """Return bands of about `rows` rows of an image, each without and with its halo.

    Args:
        size: Height and width in pixels.
        receptive_field: Pixels that the halo must cover.
        rows: Rows of a band; None for the default.
    """
    height, width = size
    step = max(1, (rows or BAND_PIXELS // width) // GROUP) * GROUP
    return with_halo(height, step, -(-receptive_field // GROUP) * GROUP)
