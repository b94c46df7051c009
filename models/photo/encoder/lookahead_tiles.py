"""Looking ahead over an image of any size, tile after tile, so that memory does not grow with what gradients need.

Each tile is walked as if it were an image: near its borders the estimate is a little less true, which costs 0.1 %
of the objective at a side of 256 (four photographs of 512x512; a margin of 64 pixels would mend it).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..network.model import PhotoRRVQ, grid_sizes
from ..network.top_down import SymbolCosts
from ..network.transform import BLOCK
from .lookahead import lookahead

GROUP = 64
"""Tiles begin on multiples of the coarsest stride."""

SIDE = 384
"""The largest side of a tile: its walk with gradients takes some 400 MiB."""

LARGEST = 2.0**15
"""Bound of costs, in nats a unit of a code: half precision holds it."""

Tile = tuple[slice, slice]
"""Rows and columns."""


def tiles(size: tuple[int, int]) -> Iterator[Tile]:
    """The tiles of an image of `size` (height, width), in pixels."""
    yield from product(_parts(size[0]), _parts(size[1]))


def _parts(length: int) -> list[slice]:
    """A length in nearly equal parts of at most SIDE, each but the last a multiple of GROUP."""
    groups, parts = -(-length // GROUP), -(-length // (SIDE // GROUP * GROUP))
    cuts = [min(groups * part // parts * GROUP, length) for part in range(parts + 1)]
    return [slice(first, last) for first, last in pairwise(cuts)]


def lookahead_in_tiles(
    model: PhotoRRVQ,
    pixels: NDArray[np.uint8],
    quality: Tensor,
    passes: int,
    *,
    grey: bool,
    blocks: Tensor | None = None,
) -> tuple[NDArray[np.float16], SymbolCosts]:
    """`foresight.lookahead` of (H, W, 3) pixels: correction (H, W, 3) and costs by layer (N, D), in half precision."""
    size = (pixels.shape[0], pixels.shape[1])
    correction, maps = np.empty(pixels.shape, np.float16), dict[int, Tensor]()
    layers = model.chain.layers()
    for tile in tiles(size):
        x = torch.tensor(pixels[tile]).to(quality.device).permute(2, 0, 1)[None].float()
        seen = None if blocks is None else blocks[positions(tile, BLOCK)]
        added, ahead = lookahead(model, x, quality, passes, grey=grey, blocks=seen)
        correction[tile] = added[0].permute(1, 2, 0).half().cpu().numpy()
        for index, costs in ahead.items():
            stride, width = layers[index].stride, costs.shape[1]
            if index not in maps:
                maps[index] = costs.new_empty(*grid_sizes(size)[stride], width, dtype=torch.float16)
            costs = costs.clamp_(-LARGEST, LARGEST)
            maps[index][positions(tile, stride)] = costs.view(*grid_sizes((x.shape[2], x.shape[3]))[stride], width)
    return correction, {index: costs.flatten(0, 1) for index, costs in maps.items()}


def positions(tile: Tile, stride: int) -> Tile:
    """Rows and columns of positions for rows and columns of pixels."""
    rows, columns = (slice(part.start // stride, -(-part.stop // stride)) for part in tile)
    return rows, columns
