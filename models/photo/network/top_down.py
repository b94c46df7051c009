"""A photograph's way down its chain: the bookkeeping of layers, stages and scales, whatever the arithmetic.

Two arithmetics serve it: `rrvq.Chain` with gradients, for training, and `frozen.IntegerChain` in integers, in place and
in bands, for coding. They give the same integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...top_down_pass import SymbolSource as AnySource
from ...top_down_pass import run_pass
from .arithmetic import ChainArithmetic, LayerArithmetic, StageArithmetic
from .checkerboard import Checkerboard, Half, Rows, checkerboard
from .latent import LatentLayer

Sizes = dict[int, tuple[int, int]]
"""Rows and columns of positions by stride."""


@dataclass
class Step:
    """A block of positions of one layer, as the walk hands it to the chooser."""

    index: int
    layer: LatentLayer
    embedding: Tensor  # e_p (n, D), exact grid
    residual: Tensor | None  # e_q (n, v), units of sigma; None where there is no evidence
    rows: Rows  # which positions of the layer
    base: Tensor  # (n, v), what the canvas shows here before the symbol: painted so far and predicted
    weight: Tensor | None = None  # (n, 1), how much distortion counts here; 1 where there is none
    importance: Tensor | None = None  # (v,), how much each coefficient counts; 1 where there is none
    ahead: Tensor | None = None  # (n, D), nats that a unit of the symbol's code costs further down
    probed: bool = False  # whether the chooser will differentiate by the code
    code: Tensor | None = None  # what joined the features for the symbols that were absorbed: (n, D) in `rrvq.Chain`
    relaxed: Tensor | None = None  # (n, v), zeros that a training chooser leaves: they carry a relaxation's gradient

    def costs(self) -> Tensor:
        """Each symbol's weighted distortion in nats, up to a constant of each position, and its cost ahead. (n, K)"""
        if self.residual is None:
            raise ValueError("a posterior needs evidence: the walk was given none")
        costs = self.layer.distortion(self.residual, self.importance)
        if self.weight is not None:
            costs = costs * self.weight
        return costs if self.ahead is None else costs + self.ahead.float() @ self.layer.code_table().t()


SymbolCosts = dict[int, Tensor]
"""By layer: the gradient, by what the networks see of each symbol, of all nats but the symbol's own (N, D)."""


@dataclass(frozen=True)
class Weights:
    """How much distortion counts, by stride: at each position (N, 1), and of each coefficient (C,)."""

    positions: dict[int, Tensor]
    coefficients: dict[int, Tensor]

    def of(self, layer: LatentLayer, rows: Rows) -> tuple[Tensor, Tensor]:
        """Those of some positions (n, 1) and of the layer's coefficients (v,)."""
        return self.positions[layer.stride][rows], self.coefficients[layer.stride][list(layer.coefficients)]


SymbolSource = AnySource[Step]
"""Decides a block of symbols: the posterior's mode, the entropy decoder, the prior."""


class PhotoPass:
    """Run a batch of photographs of one size; the result is the state (B, C, H, W) and the reconstruction by stride."""

    def __init__(
        self,
        chain: ChainArithmetic,
        sizes: Sizes,
        quality: Tensor,
        coefficients: dict[int, Tensor] | None = None,
        *,
        ahead: SymbolCosts | None = None,
        weights: Weights | None = None,
        grey: bool = False,
    ) -> None:
        self.chain, self.sizes, self.quality, self.grey = chain, sizes, quality, grey
        self.ahead, self.weights = ahead or {}, weights
        scales = chain.scales()
        self.order = [(i, stage, part) for i, stages in enumerate(scales) for stage in stages for part in stage.parts]
        batch, device = len(quality), quality.device
        self.counts = {s: batch * sizes[s][0] * sizes[s][1] for s in chain.strides}
        self.reconstruction = chain.reconstruction(self.counts, coefficients, device)
        self.state = chain.blank(batch, sizes[chain.strides[0]], device)
        self.scale = 0
        self.stage: StageArithmetic | None = None
        self.features = self.state  # of the stage that is entered
        self.codes: list[Tensor] = []  # of that stage's layers
        self.chosen: list[Tensor] = []  # of the layer, or its half, that is entered, by block
        self.checkerboards: dict[int, Checkerboard] = {}  # by stride, once a layer asks for one

    @property
    def depth(self) -> int:
        """How many layers there are."""
        return len(self.order)

    def blocks(self, index: int) -> Iterator[Step]:
        """The layer's blocks of positions; a grey image takes a chrominance layer's rest without asking."""
        scale, stage, part = self.order[index]
        self._enter(scale, stage)
        if part.layer.neighbour_embedding is None:
            yield from self._blocks(index, None)
            code = self._joined()
        else:
            board, codes = self._checkerboard(part.layer.stride), []
            for anchors, non_anchors in (board.halves, board.halves[::-1]):
                yield from self._blocks(index, anchors)
                codes.append(self._joined())
                if anchors is board.halves[0] or part.layer.symbol_embedding is not None:  # or nobody is left to listen
                    self.features = part.propagate(self.features, anchors, non_anchors, codes[-1])
            code = board.raster(torch.cat(codes))
        self.codes.append(code)

    def _blocks(self, index: int, half: Half | None) -> Iterator[Step]:
        """The blocks of a layer, or of one half of it."""
        part, self.chosen = self.order[index][2], []
        count = len(self.features) if half is None else len(half.positions)
        for run in self.chain.runs(part.layer, count):
            rows = run if half is None else half.positions[run]
            if count == 0 or (self.grey and part.layer.chroma):  # a single position leaves the other half empty
                self._take(part, rows, self._null_symbols(part, run.stop - run.start))
            else:
                yield self._step(index, part, rows)

    def _joined(self) -> Tensor:
        return self.chosen[0] if len(self.chosen) == 1 else torch.cat(self.chosen)

    def _checkerboard(self, stride: int) -> Checkerboard:
        if stride not in self.checkerboards:
            batch = len(self.quality)
            self.checkerboards[stride] = checkerboard(batch, self.sizes[stride], self.quality.device)
        return self.checkerboards[stride]

    def absorb(self, step: Step, choice: Tensor) -> None:
        """Paints the symbols (n,) and lets the features see them, those of a half once it is whole."""
        part = self.order[step.index][2]
        added = F.embedding(choice, part.values())
        if step.relaxed is not None:
            added = added + step.relaxed
        self.reconstruction.write(part.layer, step.rows, step.base + added)
        step.code = self._take(part, step.rows, choice, leaf=step.probed)

    def finish(self) -> tuple[Tensor, dict[int, Tensor]]:
        """The chain's last state and the canvas by stride, tokens (B*H*W, channels)."""
        self._leave()
        self._descend(len(self.chain.strides) - 1)
        return self.chain.shown(self.state), self.reconstruction.levels(self.counts)

    def _step(self, index: int, part: LayerArithmetic, rows: Rows) -> Step:
        embedding, prediction = part.heads(self.features[rows])
        base = prediction + self.reconstruction.read(part.layer, rows)
        target = self.reconstruction.known(part.layer, rows)
        residual = None if target is None else target - base
        step = Step(index, part.layer, embedding, residual, rows, base)
        if index in self.ahead:
            step.ahead = self.ahead[index][rows]
        if self.weights is not None:
            step.weight, step.importance = self.weights.of(part.layer, rows)
        return step

    def _take(self, part: LayerArithmetic, rows: Rows, symbols: Tensor, *, leaf: bool = False) -> Tensor:
        code = part.code(symbols)
        if leaf:
            code = code.detach().requires_grad_()
        if part.layer.neighbour_embedding is None:  # otherwise the half waits until it is whole
            assert isinstance(rows, slice)
            self.features = part.follow(self.features, rows, code)
        self.chosen.append(code)
        return code

    def _enter(self, scale: int, stage: StageArithmetic) -> None:
        if stage is self.stage:
            return
        self._leave()
        self._descend(scale)
        self.stage, self.state = stage, stage.enter(self.state, self.quality)
        self.features = stage.features(self.state)

    def _leave(self) -> None:
        """Closes the open stage; layers of it that were not visited take their rest."""
        if self.stage is not None:
            null_symbol = [
                part.code(self._null_symbols(part, len(self.features))) for part in self.stage.parts[len(self.codes) :]
            ]
            self.state = self.stage.leave(self.state, self.codes + null_symbol)
        self.stage, self.codes = None, []

    def _descend(self, scale: int) -> None:
        while self.scale < scale:
            self.scale += 1
            self.state = self.chain.finer(self.scale, self.state, self.sizes[self.chain.strides[self.scale]])

    def _null_symbols(self, part: LayerArithmetic, positions: int) -> Tensor:
        return torch.full((positions,), part.layer.null_symbol(), device=self.features.device)


def run_photo_pass(
    chain: ChainArithmetic,
    sizes: Sizes,
    quality: Tensor,
    source: SymbolSource,
    coefficients: dict[int, Tensor] | None = None,
    *,
    ahead: SymbolCosts | None = None,
    weights: Weights | None = None,
    grey: bool = False,
    stop: int | None = None,
) -> tuple[Tensor, dict[int, Tensor]]:
    """The walk down a photograph's chain.

    `quality`: codes (B,) int64 in [0, 4096]; `coefficients`: coefficients in units of sigma by stride, tokens
    (B*H*W, channels), or None where nothing is known; `ahead`: what choices cost further down
    (encoder.lookahead); `weights`: how much distortion counts where (encoder.perceptual_weights); `stop`: how many
    layers to visit. Returns the chain's last state (B, C, H, W) and the canvas by stride, tokens.
    """
    pass_ = PhotoPass(chain, sizes, quality, coefficients, ahead=ahead, weights=weights, grey=grey)
    return run_pass(pass_, source, stop)
