"""RRVQ-VAE for photographs: the hierarchy and its one top-down walk (Willetts et al. 2021, figure C.3).

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

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .exact import GridConv, GridLinear, on_grid, rectified, signed, stream
from .latent import CONTEXT, LatentLayer
from .layout import LayerPlan, photo_plan

KNOTS = 17
"""The quality enters the chain by linear interpolation between this many learned vectors."""

BLOCK_POSITIONS = 16384
"""Positions a layer treats at once: bounds the memory of probability tables, not the result."""


@dataclass(frozen=True)
class RRVQConfig:
    """Sizes of the photograph model. `widths` are the chain's channels by stride."""

    widths: dict[int, int] = field(default_factory=lambda: {64: 64, 32: 96, 16: 128, 8: 128})
    blocks: int = 2
    hidden: int = 64
    synthesis_width: int = 128
    synthesis_blocks: int = 4
    analysis_width: int = 64
    sigma_coarse: float = 44.0
    sigma_fine: float = 3.4
    layout: str = "photo-82"
    """Which coefficients each layer carries, one of layout.LAYOUTS."""


class Chooser(Protocol):
    """Decides a block of symbols: the posterior's mode, the entropy decoder, the prior."""

    def choose(self, step: Step) -> Tensor:
        """Symbols (n,) int64 for the step's positions."""
        ...


@dataclass
class Step:
    """A block of positions of one layer, as the walk hands it to the chooser."""

    index: int
    layer: LatentLayer
    embedding: Tensor  # e_p (n, D), exact grid
    residual: Tensor | None  # e_q (n, v), units of sigma; None where there is no evidence
    rows: slice  # which positions of the layer


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
        self.layers = nn.ModuleList(LatentLayer(p, config.hidden, last=p is plans[-1]) for p in plans)
        self.close = GridLinear(sum(len(p.coefficients) + CONTEXT for p in plans), width, gain=0.15)

    def latents(self) -> list[LatentLayer]:
        """The layers in coding order."""
        return [m for m in self.layers if isinstance(m, LatentLayer)]

    def enter(self, d: Tensor, quality: Tensor) -> Tensor:
        """The spatial update: (B, C, H, W), quality codes (B,) in [0, 4096] -> (B, C, H, W)."""
        d = stream(d + interpolate(self.quality, quality)[:, :, None, None])
        for block in self.blocks:
            d = block(d)
        return d


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

    def walk(
        self,
        sizes: dict[int, tuple[int, int]],
        quality: Tensor,
        chooser: Chooser,
        evidence: dict[int, Tensor] | None = None,
        *,
        grey: bool = False,
        stop: int | None = None,
    ) -> tuple[Tensor, dict[int, Tensor]]:
        """The one pass down the hierarchy.

        `sizes`: rows and columns of each stride; `quality`: codes (B,) int64 in [0, 4096]; `evidence`: coefficients in
        units of sigma by stride, tokens (B*H*W, channels), or None where nothing is known; `stop`: how many layers to
        visit. Returns the chain's last state (B, C, H, W) and the canvas by stride, tokens (B*H*W, channels).
        """
        B, device = quality.shape[0], quality.device
        d = torch.zeros(B, self.top_width, *sizes[self.strides[0]], device=device)
        visit, scales = Visit(chooser, evidence, grey, stop), self.scales()
        for i, stride in enumerate(self.strides):
            if i:
                d = self.grow[i - 1](d, sizes[stride])
            for stage in scales[i]:
                if not visit.done:
                    d = visit.stage(stage, d, quality)
        return d, {s: visit.canvas(s, B * sizes[s][0] * sizes[s][1], device) for s in self.strides}


COEFFICIENTS = {64: 12, 32: 9, 16: 9, 8: 192}
"""Coefficients of a position, by stride: Haar details of three colours (and means at the top), DCT at stride 8."""


class Visit:
    """The walk's progress through the layers and the canvas they paint."""

    def __init__(self, chooser: Chooser, evidence: dict[int, Tensor] | None, grey: bool, stop: int | None) -> None:
        self.chooser, self.grey, self.stop = chooser, grey, stop
        self.evidence = None if evidence is None else {s: t.unbind(1) for s, t in evidence.items()}
        self.painted: dict[tuple[int, tuple[int, ...]], Tensor] = {}  # (stride, coefficients) -> (N, v)
        self.index = 0

    @property
    def done(self) -> bool:
        """Whether the layers asked for have all been visited."""
        return self.stop is not None and self.index >= self.stop

    def stage(self, stage: Stage, d: Tensor, quality: Tensor) -> Tensor:
        """One stage: spatial update, then its layers one after the other. Returns the chain's next state."""
        d = stage.enter(d, quality)
        features = stream(stage.head(signed(tokens(d))))  # (N, hidden)
        codes = []
        for layer in stage.latents():
            if self.done:
                codes.append(layer.code_table()[layer.rest()].expand(features.shape[0], -1))
                continue
            features, code = self.layer(layer, features)
            codes.append(code)
            self.index += 1
        return stream(d + from_tokens(stage.close(torch.cat(codes, dim=1)), d))

    def layer(self, layer: LatentLayer, features: Tensor) -> tuple[Tensor, Tensor]:
        """One layer: its symbols are chosen block by block and join the canvas. Returns features and codes."""
        parts = [self.block(layer, features, rows) for rows in blocks(features.shape[0])]
        painted, code, features = parts[0] if len(parts) == 1 else map(torch.cat, zip(*parts, strict=True))
        self.painted[layer.stride, layer.coefficients] = painted
        return features, code

    def block(self, layer: LatentLayer, features: Tensor, rows: slice) -> tuple[Tensor, Tensor, Tensor]:
        """Some positions of a layer: what they paint (n, v), their codes (n, D), their next features (n, hidden)."""
        whole = rows == slice(0, features.shape[0])
        features = features if whole else features[rows]
        positive = rectified(features)
        before = self.painted.get((layer.stride, layer.coefficients))
        base = layer.mean(positive) * MEAN_SCALE + (0 if before is None else before[rows])
        target = residual = None
        if self.evidence is not None:
            columns = [self.evidence[layer.stride][c] for c in layer.coefficients]
            target = torch.stack([c if whole else c[rows] for c in columns], dim=1)
            residual = target - base
        if self.grey and layer.chroma:
            symbols = torch.full((features.shape[0],), layer.rest(), device=features.device)
            base = torch.zeros_like(base)
        else:
            symbols = self.chooser.choose(Step(self.index, layer, layer.embedding(positive), residual, rows))
        added = F.embedding(symbols, layer.canvas_values())
        if target is not None and target.requires_grad:
            added = added + target - target.detach()  # straight-through: the canvas follows the analysis
        code = F.embedding(symbols, layer.code_table())
        following = features if layer.ladder is None else stream(features + layer.ladder(code))
        return base + added, code, following

    def canvas(self, stride: int, count: int, device: torch.device) -> Tensor:
        """All coefficients of a stride as painted so far, zero where nothing was. (count, COEFFICIENTS[stride])"""
        pieces = {c: p for (s, c), p in self.painted.items() if s == stride}
        order = [c for columns in pieces for c in columns]
        missing = sorted(set(range(COEFFICIENTS[stride])) - set(order))
        blank = torch.zeros(count, len(missing), device=device)
        placed = torch.cat([*pieces.values(), blank], dim=1)
        return placed[:, torch.tensor(order + missing, device=device).argsort()]


MEAN_SCALE = 4.0
"""A canvas prediction is its linear head times this, in units of sigma."""


def blocks(count: int) -> Iterator[slice]:
    """Consecutive runs of positions, BLOCK_POSITIONS at most."""
    for start in range(0, count, BLOCK_POSITIONS):
        yield slice(start, min(count, start + BLOCK_POSITIONS))


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
