"""The float networks in horizontal bands of pixels, so that memory does not grow with the image.

Each band carries a halo as deep as the network reaches, so that the results are those of the whole image, up to the
rounding of float sums.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..interface.adaptive_filter import ImageFilter
from .adaptive_filter.apply import REACH, apply_filter, moments
from .adaptive_filter.fit import Grid, fitted
from .network.analysis_synthesis import STRIDES
from .network.halo import with_halo
from .network.layout import COEFFICIENTS
from .network.model import DecoderOutput, PhotoRRVQ, grid_sizes

GROUP = 64
"""Bands begin on multiples of the coarsest stride."""

BAND_PIXELS = 6 * 2**20
"""Pixels of a band, its halo not counted."""


def infer_bands(
    model: PhotoRRVQ,
    pixels: NDArray[np.uint8],
    quality: Tensor,
    rows: int | None = None,
    less: NDArray[np.float16] | None = None,
) -> dict[int, Tensor]:
    """`PhotoRRVQ.infer` of (H, W, 3) pixels: evidence by stride, tokens (N, channels) of channel-major memory.

    `less`: grey levels (H, W, 3) to take off before.
    """
    height, width = pixels.shape[:2]
    sizes = grid_sizes((height, width))
    targets = {s: torch.empty(COEFFICIENTS[s], *sizes[s], device=quality.device) for s in STRIDES}
    for core, wide in bands((height, width), model.analysis.receptive_field, rows):
        x = _image(pixels[wide], quality)
        known = model.infer(x if less is None else x - _image(less[wide], quality), quality)
        for s, tokens in known.items():
            maps = tokens.t().view(COEFFICIENTS[s], -1, sizes[s][1])[:, (core.start - wide.start) // s :]
            first, last = core.start // s, -(-core.stop // s)
            targets[s][:, first:last] = maps[:, : last - first]
    return {s: maps.view(COEFFICIENTS[s], -1).t() for s, maps in targets.items()}


def render_bands(
    model: PhotoRRVQ, decoded: DecoderOutput, rows: int | None = None, image_filter: ImageFilter | None = None
) -> NDArray[np.uint8]:
    """`PhotoRRVQ.render` of one image, filtered, clamped and rounded: (H, W, 3)."""
    pixels = np.empty((*decoded.size, 3), np.uint8)
    for core, wide, x in _rendered(model, decoded, rows):
        if image_filter is None:
            x = x[:, core.start - wide.start : core.stop - wide.start]
        else:
            x = apply_filter(x, wide, core, image_filter)
        pixels[core] = x.clamp_(0, 255).round_().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return pixels


def fit_bands(
    model: PhotoRRVQ, decoded: DecoderOutput, pixels: NDArray[np.uint8], rows: int | None = None
) -> ImageFilter | None:
    """The filter for what is painted of (H, W, 3) pixels; None where none pays."""
    grid, image = Grid(), torch.tensor(pixels).to(decoded.sigma.device).permute(2, 0, 1)
    for core, wide, x in _rendered(model, decoded, rows):
        for place, found in moments(x, wide, core, image):
            grid[place] = grid[place] + found if place in grid else found
    return fitted(grid, float(decoded.sigma))


def _rendered(model: PhotoRRVQ, decoded: DecoderOutput, rows: int | None) -> Iterator[tuple[slice, slice, Tensor]]:
    """Bands alone and with their halo, and what is rendered of these, (3, rows, W) floats."""
    for core, wide in bands(decoded.size, model.receptive_field + REACH, rows):
        yield core, wide, model.render(cut(decoded, wide))[0]


def _image(values: NDArray[np.uint8] | NDArray[np.float16], quality: Tensor) -> Tensor:
    """(H, W, 3) as (1, 3, H, W) floats beside the quality."""
    return torch.tensor(values).to(quality.device).permute(2, 0, 1)[None].float()


def cut(decoded: DecoderOutput, rows: slice) -> DecoderOutput:
    """What is painted at these rows of pixels of one image; they begin on a multiple of 64."""
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
    """Bands of about `rows` rows of an image of `size`, each alone and with the halo that a network's reach needs."""
    height, width = size
    step = max(1, (rows or BAND_PIXELS // width) // GROUP) * GROUP
    return with_halo(height, step, -(-receptive_field // GROUP) * GROUP)
