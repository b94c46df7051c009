"""Look-ahead over an image of any size in tiles, which bounds the memory of the gradients.

Each tile is coded as if it were an image. Near its borders the estimate is less accurate, which costs 0.1 % of the
objective at a side of 256 (four photographs of 512x512; a margin of 64 pixels would avoid it).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....shapes import Float, Float16, Int64, UInt8
from ..network.model import PhotoRRVQ, grid_sizes
from ..network.top_down import SymbolCosts
from ..network.transform import BLOCK
from .lookahead import lookahead

GROUP = 64
"""Tiles begin on multiples of the coarsest stride, in pixels."""

SIDE = 384
"""Largest side of a tile in pixels: a pass with gradients over it takes about 400 MiB."""

LARGEST = 2.0**15
"""Bound of costs, in nats for a unit of a codeword, which half precision can hold."""

Tile = tuple[slice, slice]
"""Rows and columns."""


def tiles(size: tuple[int, int]) -> Iterator[Tile]:
    """Yield the tiles of an image of `size` (height, width), in pixels."""
    yield from product(_parts(size[0]), _parts(size[1]))


def _parts(length: int) -> list[slice]:
    """Cut a length into nearly equal parts of at most SIDE, each but the last a multiple of GROUP."""
    groups, parts = -(-length // GROUP), -(-length // (SIDE // GROUP * GROUP))
    cuts = [min(groups * part // parts * GROUP, length) for part in range(parts + 1)]
    return [slice(first, last) for first, last in pairwise(cuts)]


def lookahead_in_tiles(
    model: PhotoRRVQ,
    pixels: UInt8[NDArray[np.uint8], "H W 3"],
    quality: Int64[Tensor, " 1"],
    passes: int,
    *,
    grey: bool,
    blocks: Float[Tensor, "rows columns"] | None = None,
) -> tuple[Float16[NDArray[np.float16], "H W 3"], SymbolCosts]:
    """Run `lookahead` over one image.

    Args:
        model: The model.
        pixels: (H, W, 3).
        quality: Network quality (1,).
        passes: Number of passes.
        grey: Whether the layers that carry only colour are left out.
        blocks: Weights (rows, columns) of the distortion of 8x8 blocks.

    Returns:
        The correction (H, W, 3) in grey levels and the costs by layer (N, D) in nats, both in half precision.
    """
    size = (pixels.shape[0], pixels.shape[1])
    correction, maps = np.empty(pixels.shape, np.float16), dict[int, Tensor]()
    layers = model.chain.layers()
    for tile in tiles(size):
        x = torch.tensor(pixels[tile]).to(quality.device).permute(2, 0, 1)[None].float()
        seen = None if blocks is None else blocks[positions(tile, BLOCK)]
        added, lookahead_costs = lookahead(model, x, quality, passes, grey=grey, blocks=seen)
        correction[tile] = added[0].permute(1, 2, 0).half().cpu().numpy()
        for index, costs in lookahead_costs.items():
            stride, width = layers[index].stride, costs.shape[1]
            if index not in maps:
                maps[index] = costs.new_empty(*grid_sizes(size)[stride], width, dtype=torch.float16)
            costs = costs.clamp_(-LARGEST, LARGEST)
            maps[index][positions(tile, stride)] = costs.view(*grid_sizes((x.shape[2], x.shape[3]))[stride], width)
    return correction, {index: costs.flatten(0, 1) for index, costs in maps.items()}


def positions(tile: Tile, stride: int) -> Tile:
    """Return the rows and columns of positions of rows and columns of pixels."""
    rows, columns = (slice(part.start // stride, -(-part.stop // stride)) for part in tile)
    return rows, columns
