"""The networks of the photograph model's top-down chain (RRVQ-VAE).

    x --T--> coefficients / sigma ---------------+ e_q = T(x) - reconstruction - prediction     (bottom-up, per layer)
                                                 v
    d --blocks--> head --> prior_head --> e_p --> p(k) --> [source] --> k --> reconstruction += prediction + values_k
    ^                                                                   |
    +------------------------ symbol_embedding <------------------------+                        (top-down chain)

The state has two parts. `d`, the deterministic top-down chain on exact grids, is all that a probability depends on. The
reconstruction, in float, holds the decoded coefficients in units of sigma, the posterior's standard deviation, which
depends on the quality. The source of the symbols (posterior, entropy decoder, prior) is an argument of the pass.

Source:
    Willetts et al. (2021), "Relaxed-Responsibility Hierarchical Discrete VAEs", figure C.3.
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ....shapes import Float, Int64, Integer, Shaped
from ...configs import RRVQConfig
from ...integer.grid import quantise, quantise_relu, quantise_residual, quantise_signed
from ...integer.linear import QuantConv, QuantLinear
from ..layout import PhotoLayerPlan, photo_plan
from .checkerboard import SIDES, Half
from .latent import CONTEXT, PRIORS, PhotoLatentLayer
from .reconstruction import PieceReconstruction

KNOTS = 17
"""Number of learned vectors between which the quality interpolates linearly."""


class ChainBlock(nn.Module):
    """Residual block of the chain: a 3x3 convolution to a ReLU, a 1x1 back, on grids. (B, C, H, W) -> (B, C, H, W)"""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.spatial = QuantConv(width, width, gain=1.4)
        self.point = QuantLinear(width, width, gain=0.3, input_limit=255)

    def forward(self, d: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """Return the state with the block's change."""
        h = quantise_relu(self.spatial(quantise_signed(d)))
        return quantise_residual(d + from_tokens(self.point(tokens(h)), d))


class ChainStage(nn.Module):
    """Layers of one scale that share one spatial update of the chain, and condition pointwise on each other.

    Args:
        plans: The layers.
        width: Channels of the chain.
        config: Sizes of the model.
        neighbours: Whether the layers also condition on the symbols of the four neighbouring positions.
    """

    def __init__(self, plans: list[PhotoLayerPlan], width: int, config: RRVQConfig, *, neighbours: bool) -> None:
        super().__init__()
        self.width, self.hidden = width, config.hidden
        self.quality = nn.Parameter(torch.randn(KNOTS, width) * 0.1)
        self.blocks = nn.ModuleList(ChainBlock(width) for _ in range(config.blocks))
        self.head = QuantLinear(width, config.hidden)
        kind = PRIORS[config.prior]
        self.layers = nn.ModuleList(kind(p, config.hidden, last=p is plans[-1], neighbours=neighbours) for p in plans)
        for layer in self.layers:
            layer.mean.requires_grad_(config.predictions)
        self.close = QuantLinear(sum(len(p.coefficients) + CONTEXT for p in plans), width, gain=0.15)

    @property
    def parts(self) -> list[DifferentiableLayer]:
        """The layers in coding order."""
        return [DifferentiableLayer(m) for m in self.layers if isinstance(m, PhotoLatentLayer)]

    def enter(self, state: Float[Tensor, "B C H W"], quality: Int64[Tensor, " B"]) -> Float[Tensor, "B C H W"]:
        """Apply the spatial update.

        Args:
            state: (B, C, H, W).
            quality: Network qualities (B,), 0 to 4096.
        """
        d = quantise_residual(state + interpolate(self.quality, quality)[:, :, None, None])
        for block in self.blocks:
            d = block(d)
        return d

    def features(self, state: Float[Tensor, "B C H W"]) -> Float[Tensor, "N hidden"]:
        """Return the features (B*H*W, hidden) of all positions."""
        return quantise_residual(self.head(quantise_signed(tokens(state))))

    def leave(self, state: Float[Tensor, "B C H W"], codewords: list[Float[Tensor, "N _"]]) -> Float[Tensor, "B C H W"]:
        """Return the state after the layers' codewords (B*H*W, D) were added."""
        return quantise_residual(state + from_tokens(self.close(torch.cat(codewords, dim=1)), state))


class DifferentiableLayer:
    """`arithmetic.LayerArithmetic` with gradients."""

    def __init__(self, layer: PhotoLatentLayer) -> None:
        self.layer = layer

    def heads(self, features: Float[Tensor, "n hidden"]) -> tuple[Float[Tensor, "n D"], Float[Tensor, "n v"]]:
        """Return the prior's embedding (n, D) and the prediction (n, v) of features (n, hidden)."""
        positive = quantise_relu(features)
        return self.layer.embedding(positive), self.layer.mean(positive) * MEAN_SCALE

    def values(self) -> Float[Tensor, "K v"]:
        """Return the coefficients that each symbol adds, (K, v) in units of sigma."""
        return self.layer.reconstruction_values()

    def codewords(self, symbols: Integer[Tensor, " n"]) -> Float[Tensor, "n D"]:
        """Return the symbols' means, (n, D), as the input of the symbol embedding."""
        return F.embedding(symbols, self.layer.codeword_table())

    def follow(
        self, features: Float[Tensor, "N hidden"], rows: slice, codewords: Float[Tensor, "N D"]
    ) -> Float[Tensor, "N hidden"]:
        """Return the features with the embeddings of the symbols added."""
        if self.layer.symbol_embedding is None:
            return features
        return quantise_residual(features + self.layer.symbol_embedding(codewords))

    def propagate(
        self, features: Float[Tensor, "N hidden"], anchors: Half, non_anchors: Half, codewords: Float[Tensor, "n D"]
    ) -> Float[Tensor, "N hidden"]:
        """Add messages from a half's symbols to its own and the neighbouring positions' features."""
        assert self.layer.neighbour_embedding is not None
        messages = quantise_residual(self.layer.neighbour_embedding(codewords))
        width = messages.shape[1] // SIDES
        lines = torch.cat(
            [messages.view(-1, width), messages.new_zeros(SIDES, width)]
        )  # (positions * SIDES, and zeros for missing neighbours; width)
        sides = torch.arange(SIDES, device=messages.device)[:, None]
        received = (
            lines.index_select(0, (non_anchors.neighbours * SIDES + sides).flatten()).view(SIDES, -1, width).sum(0)
        )
        if self.layer.symbol_embedding is None:
            return quantise_residual(features.index_add(0, non_anchors.positions, received))
        rows = torch.cat([anchors.positions, non_anchors.positions])
        return quantise_residual(
            features.index_add(0, rows, torch.cat([self.layer.symbol_embedding(codewords), received]))
        )


class Upsample(nn.Module):
    """Upsampling of the chain: 1x1 to four times the channels, then depth to space, cropped."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.point = QuantLinear(coarse, 4 * fine)

    def forward(self, d: Float[Tensor, "B coarse h w"], size: tuple[int, int]) -> Float[Tensor, "B fine H W"]:
        """Return the state (B, fine, *size) at the next finer scale."""
        B, _, H, W = d.shape
        grown = self.point(tokens(quantise_signed(d))).view(B, H, W, -1).permute(0, 3, 1, 2)
        return quantise_residual(F.pixel_shuffle(grown, 2)[:, :, : size[0], : size[1]])


class TopDownChain(nn.Module):
    """The top-down chain: everything that a probability depends on, and the prediction heads."""

    def __init__(self, config: RRVQConfig) -> None:
        super().__init__()
        plan = photo_plan(config.layout)
        self.strides = tuple(plan)
        count = itertools.count()
        self.stages = nn.ModuleList(
            nn.ModuleList(
                ChainStage(stage, config.widths[stride], config, neighbours=next(count) < config.neighbours)
                for stage in plan[stride]
            )
            for stride in plan
        )
        pairs = zip(self.strides, self.strides[1:], strict=False)
        self.grow = nn.ModuleList(Upsample(config.widths[a], config.widths[b]) for a, b in pairs)
        self.top_width = config.widths[self.strides[0]]

    def scales(self) -> list[list[ChainStage]]:
        """Return the stages of each stride, the coarsest first."""
        return [[m for m in stages.children() if isinstance(m, ChainStage)] for stages in self.stages]

    def layers(self) -> list[PhotoLatentLayer]:
        """Return every latent layer in coding order."""
        return [m for m in self.modules() if isinstance(m, PhotoLatentLayer)]

    def initial_state(self, batch: int, size: tuple[int, int], device: torch.device) -> Float[Tensor, "B C H W"]:
        """Return the state before the first stage: zeros (batch, C, H, W)."""
        return torch.zeros(batch, self.top_width, *size, device=device)

    def upsample(
        self, scale: int, state: Float[Tensor, "B coarse h w"], size: tuple[int, int]
    ) -> Float[Tensor, "B fine H W"]:
        """Return the state at scale `scale`, from the state of the coarser scale before it."""
        grown: Tensor = self.grow[scale - 1](state, size)
        return grown

    def state_map(self, state: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """Return the state, which is a map already."""
        return state

    def reconstruction(
        self, counts: dict[int, int], coefficients: dict[int, Float[Tensor, "_ _"]] | None, device: torch.device
    ) -> PieceReconstruction:
        """Return an empty reconstruction."""
        return PieceReconstruction(counts, coefficients, device)

    def position_blocks(self, layer: PhotoLatentLayer, count: int) -> list[slice]:
        """Return one block of all positions."""
        return [slice(0, count)]


MEAN_SCALE = 4.0
"""A prediction is the output of its linear head times this, in units of sigma."""


def tokens(x: Shaped[Tensor, "B C H W"]) -> Shaped[Tensor, "B*H*W C"]:
    """Reshape a map (B, C, H, W) to tokens (B*H*W, C), positions in raster order."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def from_tokens(t: Shaped[Tensor, "N C"], like: Shaped[Tensor, "B _ H W"]) -> Shaped[Tensor, "B C H W"]:
    """Reshape tokens (B*H*W, C) to a map (B, C, H, W) with the batch and size of `like`."""
    B, _, H, W = like.shape
    return t.view(B, H, W, -1).permute(0, 3, 1, 2)


def interpolate(knots: Float[Tensor, "knots C"], quality: Int64[Tensor, " B"]) -> Float[Tensor, "B C"]:
    """Interpolate linearly between learned vectors, on grids.

    Args:
        knots: (KNOTS, C) at the qualities 0, 256, ..., 4096.
        quality: Network qualities (B,) int64.

    Returns:
        (B, C).
    """
    table = quantise(knots, 8).clamp(-8, 8)
    low = (quality >> 8).clamp(max=KNOTS - 2)
    part = (quality - (low << 8)).to(knots.dtype)[:, None] / 256
    return quantise(table[low] * (1 - part) + table[low + 1] * part, 8)


def interpolate_float(knots: Float[Tensor, "knots C"], quality: Int64[Tensor, " B"]) -> Float[Tensor, "B C"]:
    """Interpolate as `interpolate` does but without grids, for the float networks."""
    low = (quality >> 8).clamp(max=KNOTS - 2)
    part = (quality - (low << 8)).to(knots.dtype)[:, None] / 256
    return knots[low] * (1 - part) + knots[low + 1] * part
