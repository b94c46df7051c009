"""The top-down pass in integers, to compress and decompress: the results of `TopDownChain` in less time and memory.

The chain's state counts steps of the residual stream's grid (2**-8), the inputs of products count steps of 2**-4, and
the weights are scaled to match, by powers of two: the sums are the same integers. What a symbol adds to the features
and to the next state is read from tables. Spatial updates run in bands of rows with a halo of one row, layers in
blocks of positions; neither changes a result.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ....shapes import Float, Int32, Int64, Integer
from ...integer.compiled import IntegerLinear, rounded
from ...integer.grid import ACTIVATION_BITS, RESIDUAL_BITS, RESIDUAL_LIMIT, quantise
from ...slices import slices
from ..network.chain import MEAN_SCALE, ChainBlock, ChainStage, TopDownChain, Upsample, interpolate
from ..network.checkerboard import SIDES, Half
from ..network.latent import CONTEXT, PhotoLatentLayer
from ..network.reconstruction import PlaneReconstruction

LIMIT = RESIDUAL_LIMIT * 2**RESIDUAL_BITS
"""Largest magnitude of the state in steps."""

RATIO = 2.0 ** (ACTIVATION_BITS - RESIDUAL_BITS)
"""Factor from steps of the residual stream to steps of a product's input."""

BAND_POSITIONS = 2048
"""Positions of a band: its temporaries stay in a processor's cache."""

BLOCK_ENTRIES = 2**18
"""Entries of the probability tables of one block of positions."""


class IntegerBlock:
    """A `ChainBlock` on states (B, H, W, C) in steps of the residual stream."""

    def __init__(self, block: ChainBlock) -> None:
        spatial = IntegerLinear(block.spatial, ACTIVATION_BITS)
        self.bias = spatial.bias
        self.taps = spatial.matrix.view(-1, 3, 3, len(self.bias)).permute(1, 2, 0, 3).contiguous()  # (3, 3, C, outputs)
        self.point = IntegerLinear(block.point, RESIDUAL_BITS)

    def __call__(self, d: Float[Tensor, "B H W C"], positions: int) -> Float[Tensor, "B H W C"]:
        """Return the state after the block, computed in bands of about `positions` positions."""
        out = torch.empty_like(d)
        for image, target in zip(d, out, strict=True):
            for rows in bands(d.shape[1], d.shape[2], positions):
                torch.add(image[rows], self._update(image, rows), out=target[rows])
                rounded(target[rows]).clamp_(-LIMIT, LIMIT)
        return out

    def _update(self, image: Tensor, rows: slice) -> Tensor:
        """Return the residual that the block adds to these rows, (h, W, C), not rounded.

        On a zero-padded band laid out as a list of positions, a shift is an offset: each tap of the convolution is one
        product with a contiguous range. The two surplus columns of each row are dropped.
        """
        height, width = rows.stop - rows.start, image.shape[1] + 2
        run = padded(image, rows)
        count = height * width
        sums = self.bias.expand(count, -1)
        for row in range(3):
            for column in range(3):
                offset = row * width + column
                out = sums if row or column else None
                sums = torch.addmm(sums, run[offset : offset + count], self.taps[row, column], out=out)
        hidden = rounded(sums).clamp_(0, 255)
        return self.point(hidden).view(height, width, -1)[:, :-2]


class IntegerLayer:
    """A latent layer, and tables of the products with its codewords."""

    def __init__(self, layer: PhotoLatentLayer, close: Tensor) -> None:
        """Compile a layer.

        Args:
            layer: The layer, with quantised weights.
            close: (width, D), the layer's columns of its stage's last map, on their grid.
        """
        self.layer = layer
        gain, bits, limit = (x.to(layer.values.device) for x in layer.grid())
        prior_head = IntegerLinear(layer.prior_head, bits + gain)
        mean, bias = layer.mean.weight.detach() * MEAN_SCALE, layer.mean.bias.detach() * MEAN_SCALE
        self.matrix = torch.cat([prior_head.matrix, mean.t() * 2.0**-ACTIVATION_BITS], dim=1)
        self.bias = torch.cat([prior_head.bias, bias])
        self.limit, self.step = limit * torch.exp2(bits.float()), torch.exp2(-bits.float())
        codewords = layer.codeword_table().detach()
        self.symbol_values = layer.reconstruction_values().detach()
        self.symbol_embedding = None  # (K, hidden); the last layer of a stage has none
        if layer.symbol_embedding is not None:
            self.symbol_embedding = (
                quantise(layer.symbol_embedding(codewords).detach(), RESIDUAL_BITS) * 2**RESIDUAL_BITS
            )
        self.neighbour_embedding = None  # (SIDES, K + 1, hidden); zeros for missing neighbours
        if layer.neighbour_embedding is not None:
            messages = (
                quantise(layer.neighbour_embedding(codewords).detach(), RESIDUAL_BITS, -RESIDUAL_LIMIT, RESIDUAL_LIMIT)
                * 2**RESIDUAL_BITS
            )
            sides = messages.view(len(messages), SIDES, -1).transpose(0, 1)
            self.neighbour_embedding = torch.cat([sides, torch.zeros_like(sides[:, :1])], dim=1).contiguous()
        self.close = codewords @ close.t() * 2**RESIDUAL_BITS  # (K, width)

    def heads(self, features: Float[Tensor, "n hidden"]) -> tuple[Float[Tensor, "n outputs"], Float[Tensor, "n v"]]:
        """Return the prior's embedding (n, D) and the prediction (n, v) of features (n, hidden) in steps."""
        positive = rounded(features * RATIO).clamp_(min=0)
        raw = torch.addmm(self.bias, positive, self.matrix)
        embedding = rounded(raw[:, : len(self.limit)]).clamp_(-self.limit, self.limit).mul_(self.step)
        return embedding, raw[:, len(self.limit) :]

    def values(self) -> Float[Tensor, "K v"]:
        """Return the coefficients that each symbol adds, (K, v) in units of sigma."""
        return self.symbol_values

    def codewords(self, symbols: Integer[Tensor, " n"]) -> Int32[Tensor, " n"]:
        """Return the symbols themselves, which index the tables."""
        return symbols.int()

    def follow(
        self, features: Float[Tensor, "N hidden"], rows: slice, codewords: Int32[Tensor, " n"]
    ) -> Float[Tensor, "N hidden"]:
        """Add the symbols' embeddings to some rows of the features, in place."""
        if self.symbol_embedding is not None:
            features[rows].add_(self.symbol_embedding.index_select(0, codewords)).clamp_(-LIMIT, LIMIT)
        return features

    def propagate(
        self, features: Float[Tensor, "N hidden"], anchors: Half, non_anchors: Half, codewords: Int32[Tensor, " n"]
    ) -> Float[Tensor, "N hidden"]:
        """Add messages from a half's symbols to its own and the neighbouring positions' features, in place."""
        assert self.neighbour_embedding is not None
        symbols = torch.cat(
            [codewords, codewords.new_full((1,), self.layer.symbols)]
        )  # the last is for missing neighbours
        for run in slices(len(non_anchors.positions), BAND_POSITIONS):
            sides = zip(self.neighbour_embedding, non_anchors.neighbours[:, run], strict=True)
            received = [table.index_select(0, symbols.index_select(0, beside)) for table, beside in sides]
            _join(features, non_anchors.positions[run], received)
        if self.symbol_embedding is not None:
            for run in slices(len(anchors.positions), BAND_POSITIONS):
                _join(features, anchors.positions[run], [self.symbol_embedding.index_select(0, codewords[run])])
        return features


def _join(features: Tensor, rows: Tensor, messages: list[Tensor]) -> None:
    """Add messages, (n, hidden) each, to some rows (n,) of the features, in place."""
    sums = features.index_select(0, rows)
    for part in messages:
        sums.add_(part)
    features.index_copy_(0, rows, sums.clamp_(-LIMIT, LIMIT))


class IntegerStage:
    """A `ChainStage` in integers."""

    def __init__(self, stage: ChainStage, positions: int) -> None:
        self.positions = positions
        self.quality = stage.quality.detach()
        self.blocks = [IntegerBlock(block) for block in stage.blocks]  # type: ignore[arg-type]
        self.head = IntegerLinear(stage.head, RESIDUAL_BITS)
        weight, bias = (x.detach() for x in stage.close.quantised())
        self.bias = bias * 2**RESIDUAL_BITS
        layers = [part.layer for part in stage.parts]
        columns = torch.split(weight, [len(m.coefficients) + CONTEXT for m in layers], dim=1)
        self.parts = [IntegerLayer(m, close) for m, close in zip(layers, columns, strict=True)]

    def enter(self, state: Float[Tensor, "B H W C"], quality: Int64[Tensor, " B"]) -> Float[Tensor, "B H W C"]:
        """Apply the spatial update to a state (B, H, W, C)."""
        shift = interpolate(self.quality, quality) * 2**RESIDUAL_BITS
        d: Tensor = (state + shift[:, None, None]).clamp_(-LIMIT, LIMIT)
        for block in self.blocks:
            d = block(d, self.positions)
        return d

    def features(self, state: Float[Tensor, "B H W C"]) -> Float[Tensor, "N hidden"]:
        """Return the features (N, hidden) of a state (B, H, W, C)."""
        flat = state.view(-1, state.shape[-1])
        parts = [
            rounded(self.head(inputs(flat[run]))).clamp_(-LIMIT, LIMIT) for run in slices(len(flat), self.positions)
        ]
        return torch.cat(parts)

    def leave(self, state: Float[Tensor, "B H W C"], codewords: list[Int32[Tensor, " N"]]) -> Float[Tensor, "B H W C"]:
        """Add the products with the codewords of the stage's symbols (N,) to the state, in place."""
        flat = state.view(-1, state.shape[-1])
        for run in slices(len(flat), self.positions):
            sums = self.bias
            for part, symbols in zip(self.parts, codewords, strict=True):
                sums = part.close.index_select(0, symbols[run]).add_(sums)
            rounded(flat[run].add_(sums)).clamp_(-LIMIT, LIMIT)
        return state


class IntegerUpsample:
    """An `Upsample` on states (B, H, W, C)."""

    def __init__(self, grow: Upsample) -> None:
        self.point = IntegerLinear(grow.point, RESIDUAL_BITS)

    def __call__(self, d: Float[Tensor, "B h w coarse"], size: tuple[int, int]) -> Float[Tensor, "B H W fine"]:
        """Return the state at the next finer scale, cropped to `size`."""
        B, H, W, C = d.shape
        grown = self.point(inputs(d.view(-1, C))).view(B, H, W, -1, 2, 2)
        shuffled = grown.permute(0, 1, 4, 2, 5, 3).reshape(B, 2 * H, 2 * W, -1)
        return rounded(shuffled[:, : size[0], : size[1]].contiguous()).clamp_(-LIMIT, LIMIT)


class IntegerChain:
    """A `TopDownChain` with quantised weights, compiled on its device.

    Args:
        chain: The chain.
        positions: Positions of a band; bounds temporaries only.
        entries: Entries of the probability tables of a block; bounds temporaries only.
    """

    def __init__(self, chain: TopDownChain, positions: int = BAND_POSITIONS, entries: int = BLOCK_ENTRIES) -> None:
        self.strides, self.top_width = chain.strides, chain.top_width
        self.stages = [[IntegerStage(stage, positions) for stage in stages] for stages in chain.scales()]
        self.grow = [IntegerUpsample(grow) for grow in chain.grow]  # type: ignore[arg-type]
        self.entries = entries

    def scales(self) -> list[list[IntegerStage]]:
        """Return the stages of each stride, the coarsest first."""
        return self.stages

    def initial_state(self, batch: int, size: tuple[int, int], device: torch.device) -> Float[Tensor, "B H W C"]:
        """Return the state before the first stage: zeros (batch, H, W, C)."""
        return torch.zeros(batch, *size, self.top_width, device=device)

    def upsample(
        self, scale: int, state: Float[Tensor, "B h w coarse"], size: tuple[int, int]
    ) -> Float[Tensor, "B H W fine"]:
        """Return the state at scale `scale`, from the state of the coarser scale before it."""
        return self.grow[scale - 1](state, size)

    def state_map(self, state: Float[Tensor, "B H W C"]) -> Float[Tensor, "B C H W"]:
        """Return the state as (B, C, H, W) in units of the residual stream."""
        return state.mul(2.0**-RESIDUAL_BITS).permute(0, 3, 1, 2)

    def reconstruction(
        self, counts: dict[int, int], coefficients: dict[int, Float[Tensor, "_ _"]] | None, device: torch.device
    ) -> PlaneReconstruction:
        """Return an empty reconstruction."""
        return PlaneReconstruction(counts, coefficients, device)

    def position_blocks(self, layer: PhotoLatentLayer, count: int) -> list[slice]:
        """Return blocks of positions that bound the memory of probability tables."""
        return slices(count, max(1, self.entries // layer.symbols))


def inputs(d: Float[Tensor, "*size"]) -> Float[Tensor, "*size"]:
    """Convert steps of the residual stream to the signed 8-bit input of a product."""
    return rounded(d * RATIO).clamp_(-127, 127)


def padded(image: Float[Tensor, "H W C"], rows: slice) -> Float[Tensor, "positions C"]:
    """Return the inputs of these rows of (H, W, C) with a halo of one position, zero outside the image, as a list.

    Returns:
        ((h + 2) * (W + 2) + 2, C): two more positions for the last taps.
    """
    H, W, C = image.shape
    top, bottom = max(rows.start - 1, 0), min(rows.stop + 1, H)
    count = (rows.stop - rows.start + 2) * (W + 2)
    run = image.new_zeros(count + 2, C)
    inner = run[:count].view(-1, W + 2, C)[top - rows.start + 1 : bottom - rows.start + 1, 1:-1]
    rounded(torch.mul(image[top:bottom], RATIO, out=inner)).clamp_(-127, 127)
    return run


def bands(height: int, width: int, positions: int) -> list[slice]:
    """Return slices of rows that have about `positions` positions each."""
    return slices(height, max(1, positions // width))
