"""From what a pass has built to pixels: inverse transform, synthesis, post-filter and adaptive filter, in windows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....progress import OnProgress, ignore, part
from ....shapes import Float32, UInt8
from ...configs import RRVQConfig
from ...interface.adaptive_filter import ImageFilter
from ...interface.photo import Region
from ...runtime.sizes import least_positions
from ..adaptive_filter.squares import RADIUS
from ..layout import BLOCK
from ..quality import FINEST_QUALITY
from .filter_terms import apply_filter
from .networks import BlockNetwork, RuntimePostFilter
from .transform import across_borders, inverse_border_matrix, synthesise
from .windows import PassResult, cropped, grid_sizes, padded_levels, whole, windows

SYNTHESIS_SHARE = 0.25
"""How much of the time of rendering the synthesis takes, about; the post-filter takes the rest."""


class Renderer:
    """The networks between the transform and the pixels.

    Args:
        config: Sizes of the model.
        tensors: All tensors of a weights file.

    Raises:
        ValueError: They do not fit.
    """

    def __init__(self, config: RRVQConfig, tensors: Any) -> None:
        self.config = config
        self.synthesis = BlockNetwork(
            tensors.below("synthesis"), config.synthesis_width, config.synthesis_blocks, config.widths[8]
        )
        self.postfilter = None
        if config.postfilter_width:
            sizes = config.postfilter_width, config.postfilter_pairs, config.synthesis_width
            self.postfilter = RuntimePostFilter(tensors.below("postfilter"), *sizes)

    def sigma(self, network_quality: int) -> np.float32:
        """Return sigma, the posterior's standard deviation in grey levels, at a network quality."""
        span = math.log(self.config.sigma_fine / self.config.sigma_coarse)
        return np.float32(self.config.sigma_coarse * math.exp(span * network_quality / FINEST_QUALITY))

    @property
    def receptive_field(self) -> int:
        """Pixels beyond a block whose reconstruction can change what is rendered there."""
        extra = 0 if self.postfilter is None else self.postfilter.receptive_field
        return self.synthesis.receptive_field + extra

    def inverse_transform(self, state: PassResult) -> Float32[NDArray[np.float32], "3 _ _"]:
        """Return whole blocks of samples in units of sigma."""
        rows, columns = grid_sizes(state.size)[BLOCK]
        levels = padded_levels(state.planes, state.size)
        levels[BLOCK] = levels[BLOCK][:, :rows, :columns]
        x = synthesise(levels, self.config.transform)
        if self.config.transform == "lapped":
            x = across_borders(x, inverse_border_matrix())
        return x

    def grey_levels(
        self, state: PassResult, *, filtered: bool = True, on_progress: OnProgress = ignore
    ) -> Float32[NDArray[np.float32], "3 H W"]:
        """Return grey levels, not clamped: inverse transform, synthesis and, if `filtered`, the post-filter."""
        x = self.inverse_transform(state)
        features, correction = self.synthesis(x, state.network_quality, state.chain_state[0])
        x = x + correction
        on_progress(SYNTHESIS_SHARE)
        if filtered and self.postfilter is not None:
            x += self.postfilter(x, features, state.network_quality, part(on_progress, SYNTHESIS_SHARE, 1.0))
        on_progress(1.0)
        return self.in_grey_levels(x, state)

    def in_grey_levels(
        self, blocks: Float32[NDArray[np.float32], "3 _ _"], state: PassResult
    ) -> Float32[NDArray[np.float32], "3 H W"]:
        """Return whole blocks in units of sigma as grey levels of the image's size."""
        height, width = state.size
        return np.asarray(blocks[:, :height, :width] * self.sigma(state.network_quality) + 128)


def rendered(
    renderer: Renderer, state: PassResult, region: Region | None = None, on_progress: OnProgress = ignore
) -> Iterator[tuple[Region, Region, Float32[NDArray[np.float32], "3 _ _"]]]:
    """Yield windows of a region (all if it is None), each without and with its halo, and the latter in grey levels."""
    area = whole(state.size) if region is None else region
    found = windows(area, state.size, renderer.receptive_field + RADIUS, least_positions())
    for index, (core, wide) in enumerate(found):
        own = part(on_progress, index / len(found), (index + 1) / len(found))
        yield core, wide, renderer.grey_levels(cropped(state, wide), on_progress=own)


def render(
    renderer: Renderer,
    state: PassResult,
    image_filter: ImageFilter | None,
    region: Region | None,
    on_progress: OnProgress = ignore,
) -> UInt8[NDArray[np.uint8], "H W 3"]:
    """Return the pixels of a state, or of a region of it; see `interface.photo.PhotoModel.render`."""
    rows, columns = whole(state.size) if region is None else region
    pixels = np.empty((rows.stop - rows.start, columns.stop - columns.start, 3), np.uint8)
    for core, wide, x in rendered(renderer, state, region, on_progress):
        shown = x[:, *inside(core, wide)] if image_filter is None else apply_filter(x, wide, core, image_filter)
        top = core[0].start - rows.start
        pixels[top : top + shown.shape[1]] = to_pixels(shown)
    return pixels


def inside(core: Region, wide: Region) -> Region:
    """Return where a window lies in one that holds it."""
    rows, columns = (
        slice(part.start - outer.start, part.stop - outer.start) for part, outer in zip(core, wide, strict=True)
    )
    return rows, columns


def to_pixels(grey_levels: Float32[NDArray[np.float32], "3 H W"]) -> UInt8[NDArray[np.uint8], "H W 3"]:
    """Round grey levels to pixels."""
    return np.asarray(np.rint(np.clip(grey_levels, 0, 255)).astype(np.uint8).transpose(1, 2, 0))
