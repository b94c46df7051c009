"""The top-down pass of photographs: the bookkeeping of layers, stages and scales for any arithmetic.

Two arithmetics are used: `chain.TopDownChain` with gradients, for training, and `integer.chain.IntegerChain`, in place
and in bands, for coding. Both give the same integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ....shapes import Float, Int64, Integer
from ...top_down_pass import TensorSymbolSource, run_pass
from .arithmetic import ChainArithmetic, LayerArithmetic, StageArithmetic
from .checkerboard import Checkerboard, Half, Rows, checkerboard
from .latent import PhotoLatentLayer

Sizes = dict[int, tuple[int, int]]
"""Rows and columns of positions by stride."""


@dataclass
class PhotoStep:
    """One step of a pass: a block of positions of one layer, whose symbols the source gives."""

    index: int
    layer: PhotoLatentLayer
    embedding: Tensor  # e_p (n, D), exact grid
    residual: Tensor | None  # e_q (n, v), units of sigma; None in a decoder
    rows: Rows  # which positions of the layer
    base: Tensor  # (n, v), the reconstruction before the symbol, with the prediction
    weight: Tensor | None = None  # (n, 1), weight of the distortion; None for 1
    importance: Tensor | None = None  # (v,), weight of each coefficient; None for 1
    lookahead_costs: Tensor | None = None  # (n, D), nats in later layers for a unit of the symbol's codeword
    needs_gradient: bool = False  # whether the source differentiates by the codewords
    codewords: Tensor | None = None  # codewords of the absorbed symbols: (n, D) in `TopDownChain`
    relaxed: Tensor | None = None  # (n, v), zeros that carry the gradient of a relaxation in training

    def costs(self) -> Float[Tensor, "n K"]:
        """Return each symbol's weighted distortion and look-ahead cost in nats, up to a constant of each position.

        Returns:
            (n, K).

        Raises:
            ValueError: The pass was given no coefficients of an image.
        """
        if self.residual is None:
            raise ValueError("the posterior needs an image's coefficients, and this pass has none")
        costs = self.layer.distortion(self.residual, self.importance)
        if self.weight is not None:
            costs = costs * self.weight
        if self.lookahead_costs is not None:
            costs = costs + self.lookahead_costs.float() @ self.layer.codeword_table().t()
        return costs


SymbolCosts = dict[int, Tensor]
"""Look-ahead costs by layer: gradients (N, D), in nats, of the loss without the symbol's own rate and distortion, with
respect to each symbol's codeword.
"""


@dataclass(frozen=True)
class DistortionWeights:
    """Weights of the distortion by stride: of each position (N, 1), and of each coefficient (C,)."""

    positions: dict[int, Tensor]
    coefficients: dict[int, Tensor]

    def of(self, layer: PhotoLatentLayer, rows: Rows) -> tuple[Float[Tensor, "n 1"], Float[Tensor, " v"]]:
        """Return the weights of some positions (n, 1) and of the layer's coefficients (v,)."""
        return self.positions[layer.stride][rows], self.coefficients[layer.stride][list(layer.coefficients)]


PhotoSymbolSource = TensorSymbolSource[PhotoStep]
"""Gives the symbols of one step after the other: the posterior's mode, the entropy decoder, or the prior."""


class PhotoPass:
    """The top-down pass of a batch of photographs of one size. Arguments are those of `run_photo_pass`."""

    def __init__(
        self,
        chain: ChainArithmetic,
        sizes: Sizes,
        quality: Tensor,
        coefficients: dict[int, Float[Tensor, "_ _"]] | None = None,
        *,
        lookahead_costs: SymbolCosts | None = None,
        weights: DistortionWeights | None = None,
        grey: bool = False,
    ) -> None:
        self.chain, self.sizes, self.quality, self.grey = chain, sizes, quality, grey
        self.lookahead_costs, self.weights = lookahead_costs or {}, weights
        scales = chain.scales()
        self.order = [(i, stage, part) for i, stages in enumerate(scales) for stage in stages for part in stage.parts]
        batch, device = len(quality), quality.device
        self.counts = {s: batch * sizes[s][0] * sizes[s][1] for s in chain.strides}
        self.reconstruction = chain.reconstruction(self.counts, coefficients, device)
        self.state = chain.initial_state(batch, sizes[chain.strides[0]], device)
        self.scale = 0
        self.stage: StageArithmetic | None = None
        self.features = self.state  # of the open stage
        self.codewords: list[Tensor] = []  # of the open stage's layers
        self.block_codewords: list[Tensor] = []  # of the open layer, or its half, by block
        self.checkerboards: dict[int, Checkerboard] = {}  # by stride, once a layer asks for one

    @property
    def depth(self) -> int:
        """Number of layers."""
        return len(self.order)

    def blocks(self, index: int) -> Iterator[PhotoStep]:
        """Yield the layer's blocks of positions; grey images take a colour layer's null symbol without a step."""
        scale, stage, part = self.order[index]
        self._enter_stage(scale, stage)
        if part.layer.neighbour_embedding is None:
            yield from self._blocks(index, None)
            codewords = self._layer_codewords()
        else:
            board, halves = self._checkerboard(part.layer.stride), []
            for anchors, non_anchors in (board.halves, board.halves[::-1]):
                yield from self._blocks(index, anchors)
                halves.append(self._layer_codewords())
                if anchors is board.halves[0] or part.layer.symbol_embedding is not None:
                    self.features = part.propagate(self.features, anchors, non_anchors, halves[-1])
            codewords = board.raster(torch.cat(halves))
        self.codewords.append(codewords)

    def _blocks(self, index: int, half: Half | None) -> Iterator[PhotoStep]:
        """Yield the blocks of a layer, or of one half of it."""
        part, self.block_codewords = self.order[index][2], []
        count = len(self.features) if half is None else len(half.positions)
        for block in self.chain.position_blocks(part.layer, count):
            rows = block if half is None else half.positions[block]
            if count == 0 or (self.grey and part.layer.chroma):  # a single position leaves the other half empty
                self._add_symbols(part, rows, self._null_symbols(part, block.stop - block.start))
            else:
                yield self._step(index, part, rows)

    def _layer_codewords(self) -> Tensor:
        return self.block_codewords[0] if len(self.block_codewords) == 1 else torch.cat(self.block_codewords)

    def _checkerboard(self, stride: int) -> Checkerboard:
        if stride not in self.checkerboards:
            batch = len(self.quality)
            self.checkerboards[stride] = checkerboard(batch, self.sizes[stride], self.quality.device)
        return self.checkerboards[stride]

    def absorb(self, step: PhotoStep, symbols: Integer[Tensor, " n"]) -> None:
        """Add the symbols (n,) to the reconstruction and the features (of a half, when it is complete)."""
        part = self.order[step.index][2]
        added = F.embedding(symbols, part.values())
        if step.relaxed is not None:
            added = added + step.relaxed
        self.reconstruction.write(part.layer, step.rows, step.base + added)
        step.codewords = self._add_symbols(part, step.rows, symbols, needs_gradient=step.needs_gradient)

    def finish(self) -> tuple[Float[Tensor, "B C H W"], dict[int, Float[Tensor, "_ _"]]]:
        """Return the chain's last state (B, C, H, W) and the reconstruction by stride, tokens (B*H*W, channels)."""
        self._leave_stage()
        self._upsample_to(len(self.chain.strides) - 1)
        return self.chain.state_map(self.state), self.reconstruction.levels(self.counts)

    def _step(self, index: int, part: LayerArithmetic, rows: Rows) -> PhotoStep:
        embedding, prediction = part.heads(self.features[rows])
        base = prediction + self.reconstruction.read(part.layer, rows)
        target = self.reconstruction.known(part.layer, rows)
        residual = None if target is None else target - base
        step = PhotoStep(index, part.layer, embedding, residual, rows, base)
        if index in self.lookahead_costs:
            step.lookahead_costs = self.lookahead_costs[index][rows]
        if self.weights is not None:
            step.weight, step.importance = self.weights.of(part.layer, rows)
        return step

    def _add_symbols(
        self, part: LayerArithmetic, rows: Rows, symbols: Tensor, *, needs_gradient: bool = False
    ) -> Tensor:
        codewords = part.codewords(symbols)
        if needs_gradient:
            codewords = codewords.detach().requires_grad_()
        if part.layer.neighbour_embedding is None:  # otherwise `propagate` adds the complete half
            assert isinstance(rows, slice)
            self.features = part.follow(self.features, rows, codewords)
        self.block_codewords.append(codewords)
        return codewords

    def _enter_stage(self, scale: int, stage: StageArithmetic) -> None:
        if stage is self.stage:
            return
        self._leave_stage()
        self._upsample_to(scale)
        self.stage, self.state = stage, stage.enter(self.state, self.quality)
        self.features = stage.features(self.state)

    def _leave_stage(self) -> None:
        """Close the open stage; its layers that were not visited take their null symbols."""
        if self.stage is not None:
            missing = self.stage.parts[len(self.codewords) :]
            null_codewords = [part.codewords(self._null_symbols(part, len(self.features))) for part in missing]
            self.state = self.stage.leave(self.state, self.codewords + null_codewords)
        self.stage, self.codewords = None, []

    def _upsample_to(self, scale: int) -> None:
        while self.scale < scale:
            self.scale += 1
            self.state = self.chain.upsample(self.scale, self.state, self.sizes[self.chain.strides[self.scale]])

    def _null_symbols(self, part: LayerArithmetic, positions: int) -> Tensor:
        return torch.full((positions,), part.layer.null_symbol(), device=self.features.device)


def run_photo_pass(
    chain: ChainArithmetic,
    sizes: Sizes,
    quality: Int64[Tensor, " B"],
    source: PhotoSymbolSource,
    coefficients: dict[int, Float[Tensor, "_ _"]] | None = None,
    *,
    lookahead_costs: SymbolCosts | None = None,
    weights: DistortionWeights | None = None,
    grey: bool = False,
    stop: int | None = None,
) -> tuple[Float[Tensor, "B _ _ _"], dict[int, Float[Tensor, "_ _"]]]:
    """Run the top-down pass of photographs.

    Args:
        chain: The arithmetic.
        sizes: Rows and columns of positions by stride.
        quality: Network qualities (B,) int64, 0 to 4096.
        source: The source of the symbols.
        coefficients: An encoder's coefficients in units of sigma by stride, tokens (B*H*W, channels); None in a
            decoder.
        lookahead_costs: Costs of choices in later layers (encoder.lookahead).
        weights: Weights of the distortion (encoder.perceptual_weights).
        grey: Whether the layers that carry only colour are left out.
        stop: Number of layers to visit; all if it is None.

    Returns:
        The chain's last state (B, C, H, W) and the reconstruction by stride, tokens.
    """
    top_down = PhotoPass(
        chain, sizes, quality, coefficients, lookahead_costs=lookahead_costs, weights=weights, grey=grey
    )
    return run_pass(top_down, source, stop)
