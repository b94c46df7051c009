"""RRVQ-VAE for photographs: the hierarchy's networks (Willetts et al. 2021, figure C.3).

    x --T--> coefficients / sigma --------------------+ e_q = T(x) - canvas - mean       (bottom-up, per layer)
                                                      v
    d --blocks--> head --> strap --> e_p --> p(k) --> [chooser] --> k --> canvas += mean + values_k
    ^                                                               |
    +--------------------------- ladder <---------------------------+                     (top-down chain)

The state is twofold. `d`, the deterministic top-down chain on exact grids, is all that a probability depends on. The
canvas, in float, is what the symbols have built: coefficients in units of sigma, the posterior's standard deviation,
which the quality sets. Who chooses the symbols (posterior, entropy decoder, prior) is the argument of the walk.
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...configs import RRVQConfig
from ...integer.grid import quantise, quantise_relu, quantise_residual, quantise_signed
from ...integer.linear import QuantConv, QuantLinear
from .checkerboard import SIDES, Half
from .latent import CONTEXT, PRIORS, LatentLayer
from .layout import LayerPlan, photo_plan
from .reconstruction import PieceReconstruction

KNOTS = 17
"""The quality enters the chain by linear interpolation between this many learned vectors."""


class Block(nn.Module):
    """Residual block of the chain: 3x3 to a ReLU, 1x1 back, all on grids. (B, C, H, W) -> (B, C, H, W)"""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.spatial = QuantConv(width, width, gain=1.4)
        self.point = QuantLinear(width, width, gain=0.3, input_limit=255)

    def forward(self, d: Tensor) -> Tensor:
        h = quantise_relu(self.spatial(quantise_signed(d)))
        return quantise_residual(d + from_tokens(self.point(tokens(h)), d))


class Stage(nn.Module):
    """Layers of one scale that share one spatial update of the chain; inside it, they see each other pointwise.

    With `neighbours`, they also see the four positions beside them.
    """

    def __init__(self, plans: list[LayerPlan], width: int, config: RRVQConfig, *, neighbours: bool) -> None:
        super().__init__()
        self.width, self.hidden = width, config.hidden
        self.quality = nn.Parameter(torch.randn(KNOTS, width) * 0.1)
        self.blocks = nn.ModuleList(Block(width) for _ in range(config.blocks))
        self.head = QuantLinear(width, config.hidden)
        kind = PRIORS[config.prior]
        self.layers = nn.ModuleList(kind(p, config.hidden, last=p is plans[-1], neighbours=neighbours) for p in plans)
        for layer in self.layers:
            layer.mean.requires_grad_(config.predictions)
        self.close = QuantLinear(sum(len(p.coefficients) + CONTEXT for p in plans), width, gain=0.15)

    @property
    def parts(self) -> list[StagedLayer]:
        """The layers in coding order."""
        return [StagedLayer(m) for m in self.layers if isinstance(m, LatentLayer)]

    def enter(self, state: Tensor, quality: Tensor) -> Tensor:
        """The spatial update: (B, C, H, W), quality codes (B,) in [0, 4096] -> (B, C, H, W)."""
        d = quantise_residual(state + interpolate(self.quality, quality)[:, :, None, None])
        for block in self.blocks:
            d = block(d)
        return d

    def features(self, state: Tensor) -> Tensor:
        """The positions' features (B*H*W, hidden)."""
        return quantise_residual(self.head(quantise_signed(tokens(state))))

    def leave(self, state: Tensor, codes: list[Tensor]) -> Tensor:
        """The state once the layers' means (B*H*W, D) have joined it."""
        return quantise_residual(state + from_tokens(self.close(torch.cat(codes, dim=1)), state))


class StagedLayer:
    """`arithmetic.LayerArithmetic` with gradients."""

    def __init__(self, layer: LatentLayer) -> None:
        self.layer = layer

    def heads(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The prior's embedding (n, D) and the canvas's prediction (n, v) from features (n, hidden)."""
        positive = quantise_relu(features)
        return self.layer.embedding(positive), self.layer.mean(positive) * MEAN_SCALE

    def values(self) -> Tensor:
        """What each symbol adds to the canvas. (K, v)"""
        return self.layer.reconstruction_values()

    def code(self, symbols: Tensor) -> Tensor:
        """The symbols' means as the ladder's input. (n, D)"""
        return F.embedding(symbols, self.layer.code_table())

    def follow(self, features: Tensor, rows: slice, code: Tensor) -> Tensor:
        """The features with the symbols' means added."""
        return (
            features
            if self.layer.symbol_embedding is None
            else quantise_residual(features + self.layer.symbol_embedding(code))
        )

    def propagate(self, features: Tensor, anchors: Half, non_anchors: Half, code: Tensor) -> Tensor:
        """The features with what a half's symbols say to its positions and to those beside them."""
        assert self.layer.neighbour_embedding is not None
        messages = quantise_residual(self.layer.neighbour_embedding(code))
        width = messages.shape[1] // SIDES
        lines = torch.cat(
            [messages.view(-1, width), messages.new_zeros(SIDES, width)]
        )  # (places and nobody's * SIDES, width)
        sides = torch.arange(SIDES, device=messages.device)[:, None]
        received = lines.index_select(0, (non_anchors.beside * SIDES + sides).flatten()).view(SIDES, -1, width).sum(0)
        if self.layer.symbol_embedding is None:
            return quantise_residual(features.index_add(0, non_anchors.positions, received))
        rows = torch.cat([anchors.positions, non_anchors.positions])
        return quantise_residual(features.index_add(0, rows, torch.cat([self.layer.symbol_embedding(code), received])))


class Grow(nn.Module):
    """From one scale of the chain to the next finer: 1x1 to four times the channels, then depth to space, cropped."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.point = QuantLinear(coarse, 4 * fine)

    def forward(self, d: Tensor, size: tuple[int, int]) -> Tensor:
        B, _, H, W = d.shape
        grown = self.point(tokens(quantise_signed(d))).view(B, H, W, -1).permute(0, 3, 1, 2)
        return quantise_residual(F.pixel_shuffle(grown, 2)[:, :, : size[0], : size[1]])


class Chain(nn.Module):
    """The top-down chain: everything that a probability depends on, and the canvas predictions that ride on it."""

    def __init__(self, config: RRVQConfig) -> None:
        super().__init__()
        plan = photo_plan(config.layout)
        self.strides = tuple(plan)
        count = itertools.count()
        self.stages = nn.ModuleList(
            nn.ModuleList(
                Stage(stage, config.widths[stride], config, neighbours=next(count) < config.neighbours)
                for stage in plan[stride]
            )
            for stride in plan
        )
        pairs = zip(self.strides, self.strides[1:], strict=False)
        self.grow = nn.ModuleList(Grow(config.widths[a], config.widths[b]) for a, b in pairs)
        self.top_width = config.widths[self.strides[0]]

    def scales(self) -> list[list[Stage]]:
        """The stages of each stride, coarse first."""
        return [[m for m in stages.children() if isinstance(m, Stage)] for stages in self.stages]

    def layers(self) -> list[LatentLayer]:
        """Every latent layer in coding order."""
        return [m for m in self.modules() if isinstance(m, LatentLayer)]

    def blank(self, batch: int, size: tuple[int, int], device: torch.device) -> Tensor:
        """The state before the first stage. (batch, C, H, W)"""
        return torch.zeros(batch, self.top_width, *size, device=device)

    def finer(self, scale: int, state: Tensor, size: tuple[int, int]) -> Tensor:
        """The state at scale `scale`, from the one before it."""
        grown: Tensor = self.grow[scale - 1](state, size)
        return grown

    def shown(self, state: Tensor) -> Tensor:
        """The state itself."""
        return state

    def reconstruction(
        self, counts: dict[int, int], coefficients: dict[int, Tensor] | None, device: torch.device
    ) -> PieceReconstruction:
        """An empty canvas."""
        return PieceReconstruction(counts, coefficients, device)

    def runs(self, layer: LatentLayer, count: int) -> list[slice]:
        """All of them at once."""
        return [slice(0, count)]


MEAN_SCALE = 4.0
"""A canvas prediction is its linear head times this, in units of sigma."""


def tokens(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (B*H*W, C), positions in raster order."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def from_tokens(t: Tensor, like: Tensor) -> Tensor:
    """(B*H*W, C) -> (B, C, H, W) with the batch and size of `like`."""
    B, _, H, W = like.shape
    return t.view(B, H, W, -1).permute(0, 3, 1, 2)


def interpolate(knots: Tensor, quality: Tensor) -> Tensor:
    """Linear interpolation on grids: knots (KNOTS, C) at codes 0, 256, ..., 4096; quality (B,) int64 -> (B, C)."""
    table = quantise(knots, 8).clamp(-8, 8)
    low = (quality >> 8).clamp(max=KNOTS - 2)
    part = (quality - (low << 8)).to(knots.dtype)[:, None] / 256
    return quantise(table[low] * (1 - part) + table[low + 1] * part, 8)


def interpolate_float(knots: Tensor, quality: Tensor) -> Tensor:
    """`interpolate` without grids, for the float networks."""
    low = (quality >> 8).clamp(max=KNOTS - 2)
    part = (quality - (low << 8)).to(knots.dtype)[:, None] / 256
    return knots[low] * (1 - part) + knots[low + 1] * part
