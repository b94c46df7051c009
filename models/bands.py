"""The float networks in horizontal bands of pixels, so that memory does not grow with the image.

Each band carries a halo as deep as the network reaches, so that the results are those of the whole image, up to the
rounding of float sums.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .halo import with_halo
from .layout import COEFFICIENTS
from .photo import Painted, PhotoRRVQ, grid_sizes
from .pixels import STRIDES

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
    evidence = {s: torch.empty(COEFFICIENTS[s], *sizes[s], device=quality.device) for s in STRIDES}
    for core, wide in bands((height, width), model.analysis.reach, rows):
        x = _image(pixels[wide], quality)
        known = model.infer(x if less is None else x - _image(less[wide], quality), quality)
        for s, tokens in known.items():
            maps = tokens.t().view(COEFFICIENTS[s], -1, sizes[s][1])[:, (core.start - wide.start) // s :]
            first, last = core.start // s, -(-core.stop // s)
            evidence[s][:, first:last] = maps[:, : last - first]
    return {s: maps.view(COEFFICIENTS[s], -1).t() for s, maps in evidence.items()}


def render_bands(model: PhotoRRVQ, painted: Painted, rows: int | None = None) -> NDArray[np.uint8]:
    """`PhotoRRVQ.render` of one image, clamped and rounded: (H, W, 3)."""
    pixels = np.empty((*painted.size, 3), np.uint8)
    for core, wide in bands(painted.size, model.reach, rows):
        x = model.render(cut(painted, wide))[0, :, core.start - wide.start : core.stop - wide.start]
        pixels[core] = x.clamp_(0, 255).round_().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return pixels


def _image(values: NDArray[np.uint8] | NDArray[np.float16], quality: Tensor) -> Tensor:
    """(H, W, 3) as (1, 3, H, W) floats beside the quality."""
    return torch.tensor(values).to(quality.device).permute(2, 0, 1)[None].float()


def cut(painted: Painted, rows: slice) -> Painted:
    """What is painted at these rows of pixels of one image; they begin on a multiple of 64."""
    sizes = grid_sizes(painted.size)
    canvas = {}
    for s, tokens in painted.canvas.items():
        columns = sizes[s][1]
        canvas[s] = tokens[rows.start // s * columns : -(-rows.stop // s) * columns]
    state = painted.state[:, :, rows.start // 8 : -(-rows.stop // 8)]
    return Painted(state, canvas, painted.sigma, (rows.stop - rows.start, painted.size[1]), painted.quality)


def bands(size: tuple[int, int], reach: int, rows: int | None = None) -> list[tuple[slice, slice]]:
    """Bands of about `rows` rows of an image of `size`, each alone and with the halo that a network's reach needs."""
    height, width = size
    step = max(1, (rows or BAND_PIXELS // width) // GROUP) * GROUP
    return with_halo(height, step, -(-reach // GROUP) * GROUP)
