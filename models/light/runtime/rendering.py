"""From what a pass has built to pixels, the same on every machine: inverse transform and post-filter.

Every step is computed in strips of rows and kept for all rows in small integers, so that no value is computed twice but
at the strips' borders. All are integers: a part of an image has the values of the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....progress import OnProgress, ignore
from ....shapes import Int16, UInt8
from ...interface.adaptive_filter import ImageFilter
from ...interface.photo import Region
from ...photo.adaptive_filter.squares import RADIUS
from ...photo.layout import BLOCK
from ...photo.runtime.transform import samples_of
from ...slices import slices
from ..config import STRIDES, LightConfig
from ..grids import SAMPLE_BITS
from .integer_constants import SIGMA_BITS
from .integer_filter import filtered, levels
from .inverse import SymbolValues, block_means, block_samples, contrasts
from .networks import PostFilterMaps, strip_rows
from .top_down import LightState

CONTRAST_HALO = 2
"""Blocks beyond a block that its contrasts depend on."""
INVERTED = 0.2
"""Share of the time of rendering after the inverse transform, about."""


class LightRenderer:
    """Turns symbols into pixels.

    Args:
        config: sizes.
        tensors: all tensors of a weights file.

    Raises:
        ValueError: they do not fit.
    """

    def __init__(self, config: LightConfig, tensors: Any) -> None:
        self.values = [
            SymbolValues({stride: tensors.below(f"values.{stride}.{tuning}") for stride in STRIDES})
            for tuning in (0, 1)
        ]
        self.postfilter = PostFilterMaps(tensors.below("postfilter"), config) if config.postfilter_width else None
        self.halo = 0 if self.postfilter is None else self.postfilter.halo + CONTRAST_HALO

    def samples(self, state: LightState, rows: slice) -> NDArray[np.int16]:
        """Return the samples of rows of blocks, (192, rows, columns), before the networks."""
        values = self.values[state.perceptual]
        means = block_means(state, values)
        out = np.empty((3 * BLOCK**2, rows.stop - rows.start, means.shape[2]), np.int16)
        for core in _strips(out.shape[1], 2 * out.shape[2]):
            out[:, core] = block_samples(state, values, means, slice(rows.start + core.start, rows.start + core.stop))
        return out

    def pixels(
        self,
        state: LightState,
        sigma: int,
        image_filter: ImageFilter | None = None,
        region: Region | None = None,
        on_progress: OnProgress = ignore,
    ) -> UInt8[NDArray[np.uint8], "H W 3"]:
        """Return the pixels of a region, or of the whole image if it is None.

        Args:
            state: what a pass has built.
            sigma: in steps of 2**-8 grey levels.
            image_filter: the adaptive filter of the image.
            region: rows and columns of pixels.
            on_progress: called after each step.
        """
        height, width = state.size
        region = (slice(0, height), slice(0, width)) if region is None else region
        if image_filter is not None:
            first, last = max(region[0].start - RADIUS, 0), min(region[0].stop + RADIUS, height)
            return filtered(self.levels(state, sigma, slice(first, last), on_progress), first, region, image_filter)
        out = np.empty((region[0].stop - region[0].start, region[1].stop - region[1].start, 3), np.uint8)
        for rows, shown in self._rows(state, region[0], on_progress):
            out[rows] = to_pixels(shown[:, :, region[1]], sigma)
        return out

    def levels(
        self, state: LightState, sigma: int, rows: slice, on_progress: OnProgress = ignore
    ) -> Int16[NDArray[np.int16], "3 H W"]:
        """Return rows of an image as the adaptive filter takes them."""
        width = state.size[1]
        out = np.empty((3, rows.stop - rows.start, width), np.int16)
        for part, shown in self._rows(state, rows, on_progress):
            out[:, part] = levels(shown[:, :, :width], sigma, SAMPLE_BITS + SIGMA_BITS)
        return out

    def _rows(
        self, state: LightState, wanted: slice, on_progress: OnProgress
    ) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Yield strips of some rows of an image, counted from the first of them, and their samples (3, H, W)."""
        blocks = slice(wanted.start // BLOCK, -(-wanted.stop // BLOCK))
        for first, shown in self._filtered(state, blocks, on_progress):
            top = BLOCK * first - wanted.start
            part = slice(max(top, 0), min(top + shown.shape[1], wanted.stop - wanted.start))
            yield part, shown[:, part.start - top : part.stop - top]

    def _filtered(
        self, state: LightState, blocks: slice, on_progress: OnProgress
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield strips of some rows of blocks: the first row, and the samples (3, H, W) after the post-filter."""
        rows = slice(max(blocks.start - self.halo, 0), min(blocks.stop + self.halo, -(-state.size[0] // BLOCK)))
        x = self.samples(state, rows)
        on_progress(INVERTED)
        strips = _strips(blocks.stop - blocks.start, x.shape[2])
        for part in strips:
            core = slice(blocks.start - rows.start + part.start, blocks.start - rows.start + part.stop)
            yield (
                blocks.start + part.start,
                self._corrected(state, x, core, last=part is strips[-1] and len(strips) > 1),
            )
            on_progress(INVERTED + (1 - INVERTED) * part.stop / (blocks.stop - blocks.start))

    def _corrected(
        self, state: LightState, x: Int16[NDArray[np.int16], "192 _ _"], core: slice, *, last: bool
    ) -> NDArray[np.float32]:
        """Return the samples (3, H, W) of rows of blocks after the post-filter; their neighbours are in `x`."""
        own = samples_of(x[:, core]).astype(np.float32)
        if self.postfilter is None:
            return own
        count, halo = x.shape[1], self.postfilter.halo
        wide = slice(max(core.start - halo, 0), min(core.stop + halo, count))
        seen = slice(max(wide.start - CONTRAST_HALO, 0), min(wide.stop + CONTRAST_HALO, count))
        near = contrasts(x[:, seen])[:, wide.start - seen.start : wide.stop - seen.start]
        ends = wide.start > 0, wide.stop < count
        added = self.postfilter(near[None], state.quality, state.perceptual, open_ends=ends, last=last)[0]
        first = BLOCK * (core.start - wide.start)
        own += added[:, first : first + own.shape[1]]
        return own


def _strips(count: int, columns: int) -> list[slice]:
    """Cut rows of blocks into strips."""
    return slices(count, strip_rows(columns, 0))


def to_pixels(samples: Any, sigma: int) -> UInt8[NDArray[np.uint8], "H W 3"]:
    """Convert samples (3, H, W) in steps of 2**-8 sigma to pixels.

    Args:
        samples: whole numbers.
        sigma: in steps of 2**-8 grey levels.
    """
    grey = samples.astype(np.float64) * sigma
    grey *= 2.0 ** -(SAMPLE_BITS + SIGMA_BITS)
    grey += 128.5
    np.floor(grey, out=grey)
    return np.ascontiguousarray(np.clip(grey, 0, 255, out=grey).astype(np.uint8).transpose(1, 2, 0))
