"""Per-image least-squares colour filter, sent in the file.

Where coding leaves little of the finest chrominance, much of it can be predicted from luminance, but the relation
differs from image to image: shading scales all channels alike, edges of objects change them in other ways. An encoder
regresses the remaining error on terms that decoders can compute from the decoded pixels, keeps those that save more
bits than they cost (`fit`), and writes their coefficients into the file.

The terms of a pixel, in grey levels. Planes are the rotated colours (`transform.colour_rotation`); for each plane i and
window w there are the mean over w x w pixels, m = mean / 128, and the detail d_i, the plane less its mean:

    for w in 3, 5, 17:   d_i (3),   d_i m_j (9),   d_0 m_i m_j, i <= j (6)
    and the eight 3x3 products of (1 2 1) / 4, (-1 0 1) / 2, (-1 2 -1) / 4 over plane 0, but the first

The filter works in floats after the synthesis: no probability depends on it.

Source:
    Compare the cross-component adaptive loop filter (CC-ALF) of VVC, which is linear in luminance; here details are
    also multiplied by the colour around them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from ....shapes import Float, Shaped
from ...interface.adaptive_filter import ImageFilter
from ..network.transform import colour_rotation
from .fit import Moments
from .squares import PAIRS, PLANES, RADIUS, SIDE, WINDOWS, squares
from .squares import TERMS as TERMS

MEAN_SCALE = 128.0


def with_border(x: Float[Tensor, "3 H W"], rows: slice, core: slice) -> Float[Tensor, "3 _ _"]:
    """Return the pixels of `core` and RADIUS more on all sides, repeating the image's border.

    Rows of `x` around `core` are used, so that bands give the results of the whole image.

    Args:
        x: (3, H, W), the pixels of `rows`.
        rows: Rows of the image that `x` holds.
        core: Rows of the image that are wanted.
    """
    above, below = min(RADIUS, core.start - rows.start), min(RADIUS, rows.stop - core.stop)
    part = x[None, :, core.start - rows.start - above : core.stop - rows.start + below]
    return F.pad(part, (RADIUS, RADIUS, RADIUS - above, RADIUS - below), mode="replicate")[0]


def terms(x: Float[Tensor, "3 _ _"]) -> Float[Tensor, "terms H W"]:
    """Return the terms of pixels.

    Args:
        x: (3, H + 2 RADIUS, W + 2 RADIUS) in grey levels about 0.

    Returns:
        (TERMS, H, W).
    """
    planes = (_rotation().to(x.device) @ x.flatten(1)).view_as(x)
    height, width = (side - 2 * RADIUS for side in x.shape[1:])
    centre = planes[:, RADIUS : RADIUS + height, RADIUS : RADIUS + width]
    found = [term for window in WINDOWS for term in _of_window(planes, centre, window)]
    near = planes[None, :1, RADIUS - 1 : RADIUS + height + 1, RADIUS - 1 : RADIUS + width + 1]
    return torch.cat([*found, F.conv2d(near, _shapes().to(x.device))[0]])


def _of_window(planes: Tensor, centre: Tensor, window: int) -> Iterator[Tensor]:
    """Yield the terms of one window: (n, H, W) each."""
    cut = RADIUS - window // 2
    wide = planes[None, :, cut : planes.shape[1] - cut, cut : planes.shape[2] - cut]
    mean = F.avg_pool2d(F.avg_pool2d(wide, (window, 1), 1), (1, window), 1)[0]
    detail, scaled = centre - mean, mean / MEAN_SCALE
    yield detail
    for plane in detail:
        yield plane * scaled
    yield torch.stack([detail[0] * scaled[i] * scaled[j] for i, j in PAIRS])


@lru_cache(maxsize=1)
def _rotation() -> Tensor:
    return colour_rotation().float()


@lru_cache(maxsize=1)
def _shapes() -> Tensor:
    """Return the eight 3x3 kernels, rows before columns. (8, 1, 3, 3)"""
    lines = torch.tensor([[1.0, 2.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 2.0, -1.0]]) / 4
    return torch.stack([torch.outer(a, b) for a in lines for b in lines][1:])[:, None]


def apply_filter(
    x: Float[Tensor, "3 H W"], rows: slice, core: slice, image_filter: ImageFilter
) -> Float[Tensor, "3 _ W"]:
    """Return the filtered pixels of `core`, (3, rows of core, W).

    Args:
        x: (3, H, W) in grey levels, the pixels of `rows`.
        rows: Rows of the image that `x` holds.
        core: Rows of the image that are wanted.
        image_filter: The filter.
    """
    seen = with_border(x - 128, rows, core)
    out = x[:, core.start - rows.start : core.stop - rows.start].clone()
    for high, wide in squares(core, slice(0, x.shape[2])):
        known = image_filter.of(high.start, wide.start)
        if not known.any():
            continue
        weights = torch.from_numpy(known).to(x.device)
        top, height = high.start - core.start, high.stop - high.start
        added = _rotation().to(x.device).t() @ weights @ _of_square(seen, top, high, wide)
        out[:, top : top + height, wide] += added.view(PLANES, height, -1)
    return out


def _of_square(seen: Tensor, top: int, high: slice, wide: slice) -> Tensor:
    """Return the terms (TERMS, n) of a square of pixels, whose first row is `top` rows below the first of `seen`."""
    height = high.stop - high.start
    part = seen[:, top : top + height + 2 * RADIUS, wide.start : wide.stop + 2 * RADIUS]
    return terms(part).flatten(1)


def moments(
    x: Float[Tensor, "3 _ W"], rows: slice, core: slice, pixels: Shaped[Tensor, "3 _ W"]
) -> Iterator[tuple[tuple[int, int], Moments]]:
    """Yield the moments that the fit needs, by row and column of the smallest regions; those of bands can be added.

    Args:
        x: (3, H, W) in grey levels, the decoded pixels of `rows`.
        rows: Rows of the image that `x` holds.
        core: Rows of the image that count.
        pixels: The whole original image, (3, H, W).
    """
    seen, rotation = with_border(x - 128, rows, core), _rotation().to(x.device)
    for high, wide in squares(core, slice(0, x.shape[2])):
        shown = x[:, high.start - rows.start : high.stop - rows.start, wide]
        found = _of_square(seen, high.start - core.start, high, wide)
        missing = rotation @ (pixels[:, high, wide].float() - shown).flatten(1)
        products = (found @ torch.cat([found, missing]).t()).double().cpu().numpy()
        yield (high.start // SIDE, wide.start // SIDE), Moments(products[:, :TERMS], products[:, TERMS:])
