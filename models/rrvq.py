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

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .configs import RRVQConfig
from .exact import GridConv, GridLinear, on_grid, rectified, signed, stream
from .latent import CONTEXT, PRIORS, LatentLayer
from .layout import LayerPlan, photo_plan

KNOTS = 17
"""The quality enters the chain by linear interpolation between this many learned vectors."""


class Block(nn.Module):
    """Residual block of the chain: 3x3 to a ReLU, 1x1 back, all on grids. (B, C, H, W) -> (B, C, H, W)"""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.spatial = GridConv(width, width, gain=1.4)
        self.point = GridLinear(width, width, gain=0.3, input_limit=255)

    def forward(self, d: Tensor) -> Tensor:
        h = rectified(self.spatial(signed(d)))
        return stream(d + from_tokens(self.point(tokens(h)), d))


class Stage(nn.Module):
    """Layers of one scale that share one spatial update of the chain; inside it, they see each other pointwise."""

    def __init__(self, plans: list[LayerPlan], width: int, config: RRVQConfig) -> None:
        super().__init__()
        self.width, self.hidden = width, config.hidden
        self.quality = nn.Parameter(torch.randn(KNOTS, width) * 0.1)
        self.blocks = nn.ModuleList(Block(width) for _ in range(config.blocks))
        self.head = GridLinear(width, config.hidden)
        kind = PRIORS[config.prior]
        self.layers = nn.ModuleList(kind(p, config.hidden, last=p is plans[-1]) for p in plans)
        for layer in self.layers:
            layer.mean.requires_grad_(config.predictions)
        self.close = GridLinear(sum(len(p.coefficients) + CONTEXT for p in plans), width, gain=0.15)

    @property
    def parts(self) -> list[StagedLayer]:
        """The layers in coding order."""
        return [StagedLayer(m) for m in self.layers if isinstance(m, LatentLayer)]

    def enter(self, state: Tensor, quality: Tensor) -> Tensor:
        """The spatial update: (B, C, H, W), quality codes (B,) in [0, 4096] -> (B, C, H, W)."""
        d = stream(state + interpolate(self.quality, quality)[:, :, None, None])
        for block in self.blocks:
            d = block(d)
        return d

    def features(self, state: Tensor) -> Tensor:
        """The positions' features (B*H*W, hidden)."""
        return stream(self.head(signed(tokens(state))))

    def leave(self, state: Tensor, codes: list[Tensor]) -> Tensor:
        """The state once the layers' means (B*H*W, D) have joined it."""
        return stream(state + from_tokens(self.close(torch.cat(codes, dim=1)), state))


class StagedLayer:
    """`descent.LayerArithmetic` with gradients, over all positions at once."""

    def __init__(self, layer: LatentLayer) -> None:
        self.layer = layer

    def heads(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The prior's embedding (n, D) and the canvas's prediction (n, v) from features (n, hidden)."""
        positive = rectified(features)
        return self.layer.embedding(positive), self.layer.mean(positive) * MEAN_SCALE

    def values(self) -> Tensor:
        """What each symbol adds to the canvas. (K, v)"""
        return self.layer.canvas_values()

    def code(self, symbols: Tensor) -> Tensor:
        """The symbols' means as the ladder's input. (n, D)"""
        return F.embedding(symbols, self.layer.code_table())

    def follow(self, features: Tensor, rows: slice, code: Tensor) -> Tensor:
        """The features with the symbols' means added."""
        return features if self.layer.ladder is None else stream(features + self.layer.ladder(code))


class Grow(nn.Module):
    """From one scale of the chain to the next finer: 1x1 to four times the channels, then depth to space, cropped."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.point = GridLinear(coarse, 4 * fine)

    def forward(self, d: Tensor, size: tuple[int, int]) -> Tensor:
        B, _, H, W = d.shape
        grown = self.point(tokens(signed(d))).view(B, H, W, -1).permute(0, 3, 1, 2)
        return stream(F.pixel_shuffle(grown, 2)[:, :, : size[0], : size[1]])


class Chain(nn.Module):
    """The top-down chain: everything that a probability depends on, and the canvas predictions that ride on it."""

    def __init__(self, config: RRVQConfig) -> None:
        super().__init__()
        plan = photo_plan(config.layout)
        self.strides = tuple(plan)
        self.stages = nn.ModuleList(
            nn.ModuleList(Stage(stage, config.widths[stride], config) for stage in plan[stride]) for stride in plan
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

    def canvas(self, counts: dict[int, int], evidence: dict[int, Tensor] | None, device: torch.device) -> PieceCanvas:
        """An empty canvas."""
        return PieceCanvas(evidence, device)

    def runs(self, layer: LatentLayer, count: int) -> list[slice]:
        """All positions at once."""
        return [slice(0, count)]


COEFFICIENTS = {64: 12, 32: 9, 16: 9, 8: 192}
"""Coefficients of a position, by stride: Haar details of three colours (and means at the top), DCT at stride 8."""


class PieceCanvas:
    """`descent.Canvas` with gradients: a piece (N, v) for every layer's coefficients, put together at the end."""

    def __init__(self, evidence: dict[int, Tensor] | None, device: torch.device) -> None:
        self.evidence = None if evidence is None else {s: t.unbind(1) for s, t in evidence.items()}
        self.device = device
        self.pieces: dict[tuple[int, tuple[int, ...]], Tensor] = {}  # (stride, coefficients) -> (N, v)

    def known(self, layer: LatentLayer, rows: slice) -> Tensor | None:
        """The layer's coefficients of the evidence (N, v)."""
        if self.evidence is None:
            return None
        return torch.stack([self.evidence[layer.stride][c] for c in layer.coefficients], dim=1)

    def read(self, layer: LatentLayer, rows: slice) -> Tensor | float:
        """The layer's coefficients as painted so far (N, v), or zero."""
        return self.pieces.get((layer.stride, layer.coefficients), 0.0)

    def write(self, layer: LatentLayer, rows: slice, painted: Tensor) -> None:
        """Replaces the layer's coefficients."""
        self.pieces[layer.stride, layer.coefficients] = painted

    def levels(self, counts: dict[int, int]) -> dict[int, Tensor]:
        """All coefficients by stride."""
        return {stride: self._level(stride, count) for stride, count in counts.items()}

    def _level(self, stride: int, count: int) -> Tensor:
        pieces = {c: p for (s, c), p in self.pieces.items() if s == stride}
        order = [c for columns in pieces for c in columns]
        missing = sorted(set(range(COEFFICIENTS[stride])) - set(order))
        blank = torch.zeros(count, len(missing), device=self.device)
        placed = torch.cat([*pieces.values(), blank], dim=1)
        return placed[:, torch.tensor(order + missing, device=self.device).argsort()]


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
    table = on_grid(knots, 8).clamp(-8, 8)
    low = (quality >> 8).clamp(max=KNOTS - 2)
    part = (quality - (low << 8)).to(knots.dtype)[:, None] / 256
    return on_grid(table[low] * (1 - part) + table[low + 1] * part, 8)


def interpolate_float(knots: Tensor, quality: Tensor) -> Tensor:
    """`interpolate` without grids, for the float networks."""
    low = (quality >> 8).clamp(max=KNOTS - 2)
    part = (quality - (low << 8)).to(knots.dtype)[:, None] / 256
    return knots[low] * (1 - part) + knots[low + 1] * part
