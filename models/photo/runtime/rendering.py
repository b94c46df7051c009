"""From what a pass has built to pixels: inverse transform, synthesis, post-filter and adaptive filter, in bands."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....progress import OnProgress, ignore
from ....shapes import Float32, UInt8
from ...configs import RRVQConfig
from ...interface.adaptive_filter import ImageFilter
from ...interface.photo import Region
from ...runtime.sizes import least_positions
from ...slices import slices
from ..adaptive_filter.squares import RADIUS, parts
from ..halo import with_halo
from ..layout import BLOCK
from ..quality import FINEST_QUALITY
from .filter_terms import apply_filter
from .networks import BlockNetwork, RuntimePostFilter, contrast_of
from .row_buffer import Maps, RowBuffer
from .transform import across_borders, inverse_border_matrix, synthesise
from .windows import GROUP, PassResult, cropped, grid_sizes, padded_levels, whole, window_of

BAND_BLOCKS = 5 * 2**13
"""Blocks of a band that is synthesised at once, without its halo: each takes about 6 kB."""
TILE_BLOCKS, TILE_ROWS = 2**13, 64
"""Blocks that are filtered at once, without their halo, and rows of them where an image is wide. The network takes
about 15 kB a block; smaller tiles would repeat more of their borders.
"""


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
        """Return whole blocks of samples in units of sigma; in strips, to spare memory."""
        height, columns = state.size[0], slice(0, state.size[1])
        blocks = grid_sizes(state.size)[BLOCK]
        x = np.empty((3, BLOCK * blocks[0], BLOCK * blocks[1]), np.float32)
        for rows in slices(height, GROUP):
            x[:, rows.start : BLOCK * -(-rows.stop // BLOCK)] = self._samples(cropped(state, (rows, columns)))
        if self.config.transform == "lapped":
            x = across_borders(x, inverse_border_matrix())
        return x

    def _samples(self, state: PassResult) -> Float32[NDArray[np.float32], "3 _ _"]:
        rows, columns = grid_sizes(state.size)[BLOCK]
        levels = padded_levels(state.planes, state.size)
        levels[BLOCK] = levels[BLOCK][:, :rows, :columns]
        return synthesise(levels, self.config.transform)

    def synthesised(self, state: PassResult) -> Iterator[Maps]:
        """Yield bands of whole blocks from top to bottom: samples in units of sigma, and features at stride 8."""
        (height, width), (rows, columns) = state.size, grid_sizes(state.size)[BLOCK]
        overlap = BLOCK if self.config.transform == "lapped" else 0
        halo = _whole_groups(self.synthesis.receptive_field + overlap)
        count = -(-rows * columns // BAND_BLOCKS)
        for core, wide in with_halo(rows, _whole_groups(BLOCK * -(-rows // count)), halo):
            seen = slice(BLOCK * wide.start, min(BLOCK * wide.stop, height))
            x = self.inverse_transform(cropped(state, (seen, slice(0, width))))
            features = self.synthesis(x, state.network_quality, state.chain_state[0][:, wide])
            inside = slice(core.start - wide.start, core.stop - wide.start)
            yield x[:, BLOCK * inside.start : BLOCK * inside.stop], features[:, inside]
            del x, features  # before the next band is made

    def grey_levels(self, state: PassResult, on_progress: OnProgress = ignore) -> Iterator[Maps]:
        """Yield rows of grey levels from top to bottom, (3, rows, W), not clamped: synthesis and post-filter."""
        made = self.synthesised(state)
        strips = ((x,) for x, _ in made) if self.postfilter is None else self._filtered(self.postfilter, made, state)
        rows, done = state.size[0], 0
        for (x,) in strips:
            shown = self.in_grey_levels(x[:, : rows - done], state)
            done += shown.shape[1]
            on_progress(done / rows)
            yield (shown,)

    def _filtered(self, postfilter: RuntimePostFilter, made: Iterator[Maps], state: PassResult) -> Iterator[Maps]:
        """Yield rows of whole blocks in units of sigma with what the post-filter adds."""
        rows, columns = grid_sizes(state.size)[BLOCK]
        buffer, margin = RowBuffer(made, (BLOCK, 1)), postfilter.receptive_field // BLOCK
        for core, wide in with_halo(rows, max(TILE_ROWS, TILE_BLOCKS // columns), margin):
            x, features = buffer.take(wide)
            inside = slice(core.start - wide.start, core.stop - wide.start)
            strip = filtered_strip(postfilter, x, features, inside, state.network_quality)
            del x, features  # the buffer may forget them
            yield (strip,)

    def in_grey_levels(
        self, x: Float32[NDArray[np.float32], "3 H _"], state: PassResult
    ) -> Float32[NDArray[np.float32], "3 H W"]:
        """Return rows in units of sigma as grey levels of the image's width."""
        return np.asarray(x[:, :, : state.size[1]] * self.sigma(state.network_quality) + 128)


def _whole_groups(pixels: int) -> int:
    """Return the blocks of as many pixels, or more: the transform works on whole blocks of stride 64."""
    return -(-pixels // GROUP) * (GROUP // BLOCK)


def filtered_strip(
    postfilter: RuntimePostFilter,
    x: Float32[NDArray[np.float32], "3 H W"],
    features: Float32[NDArray[np.float32], "C rows columns"],
    inside: slice,
    quality: int,
) -> Float32[NDArray[np.float32], "3 _ W"]:
    """Return some rows of blocks of a strip with what the post-filter adds to them, tile by tile.

    Args:
        postfilter: The post-filter.
        x: The strip in units of sigma.
        features: Features of the synthesis there.
        inside: Rows of blocks that are wanted.
        quality: The network quality.
    """
    rows, columns = features.shape[1:]
    out = x[:, BLOCK * inside.start : BLOCK * inside.stop].copy()
    high = slice(max(inside.start - postfilter.halo, 0), min(inside.stop + postfilter.halo, rows))
    count = -(-columns * (inside.stop - inside.start) // TILE_BLOCKS)
    for core, wide in with_halo(columns, -(-columns // count), postfilter.halo):
        seen = contrast_of(x, high, wide)
        added = postfilter(seen, features[:, high, wide], quality, last=core.stop == columns)
        top, left = BLOCK * (inside.start - high.start), BLOCK * (core.start - wide.start)
        width = BLOCK * (core.stop - core.start)
        out[:, :, BLOCK * core.start : BLOCK * core.stop] += added[:, top : top + out.shape[1], left : left + width]
    return out


def rendered(
    renderer: Renderer, state: PassResult, region: Region | None = None, on_progress: OnProgress = ignore
) -> Iterator[tuple[Region, Region, Float32[NDArray[np.float32], "3 _ _"]]]:
    """Yield bands of a region (all if it is None), each without and with a margin, and the latter in grey levels.

    Bands end on multiples of SIDE. Margins are those of the adaptive filter, as far as the image extends.
    """
    area, window, part = whole(state.size), whole(state.size), state
    if region is not None and region != area:
        area, window = region, window_of(region, state.size, renderer.receptive_field + RADIUS, least_positions())
        part = cropped(state, window)
    top = window[0].start
    buffer = RowBuffer(renderer.grey_levels(part, on_progress))
    for rows in parts(area[0]):
        wide = slice(max(rows.start - RADIUS, top), min(rows.stop + RADIUS, window[0].stop))
        (x,) = buffer.take(slice(wide.start - top, wide.stop - top))
        yield (rows, area[1]), (wide, window[1]), x


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
