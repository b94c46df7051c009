"""p of black and white pixels, each given its neighbours before it and features: a small network on exact grids.

The network gives the log-odds of white in bits, in steps of 2**-5 up to 14 bits: one of STEPS distributions, which are
computed in integers once (`distributions`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from .causal import Reach
from .integer.grid import ACTIVATION_BITS, on_grid, rectified, signed
from .integer.linear import GridLinear
from .integer.prior import prior_weights
from .photo.integer.chain import FrozenLinear, rounded

SCORE_BITS = 5
SCORE_LIMIT = 14.0
HALF = int(SCORE_LIMIT * 2**SCORE_BITS)
STEPS = 2 * HALF + 1
HIDDEN_LIMIT = 255
"""Largest hidden activation, in steps of 2**-4."""
UNIT = 2.0**ACTIVATION_BITS


@dataclass(frozen=True)
class BilevelConfig:
    """Sizes of the network: `features` is the number of maps that it sees beside the neighbours."""

    reach: Reach
    features: int
    width: int = 48
    depth: int = 2
    """Hidden layers."""


class BilevelNet(nn.Module):
    """Log-odds of white, in bits; neighbours are 1 where white, -1 where black, 0 outside."""

    def __init__(self, config: BilevelConfig) -> None:
        super().__init__()
        self.config = config
        inputs = len(config.reach.offsets()) + config.features
        self.first = GridLinear(inputs, config.width, gain=1.4)
        self.rest = nn.ModuleList(
            GridLinear(config.width, config.width, gain=1.4, input_limit=HIDDEN_LIMIT) for _ in range(config.depth - 1)
        )
        self.last = GridLinear(config.width, 1, gain=0.5, input_limit=HIDDEN_LIMIT)

    def forward(self, white: Tensor, features: Tensor) -> Tensor:
        """Pixels (B, H, W) of 0 and 1, features (B, F, H, W) -> scores (B, H, W)."""
        seen = torch.cat([self.config.reach.neighbours(2 * white - 1), signed(features).permute(0, 2, 3, 1)], dim=-1)
        return self.scores(seen.flatten(0, 2)).view(white.shape)

    def scores(self, rows: Tensor) -> Tensor:
        """What pixels see, neighbours and features (n, inputs) -> scores (n,)."""
        h = rectified(self.first(rows))
        for layer in self.rest:
            h = rectified(layer(h))
        return on_grid(self.last(h), SCORE_BITS, -SCORE_LIMIT, SCORE_LIMIT)[:, 0]


def log_prob(scores: Tensor, white: Tensor) -> Tensor:
    """log p of pixels of 0 and 1 under scores of the same shape, in nats."""
    return -F.binary_cross_entropy_with_logits(scores * math.log(2), white, reduction="none")


def distributions() -> NDArray[np.float32]:
    """Integer weights of black and white by context, as the coder takes them. (STEPS, 2)"""
    scores = torch.arange(-HALF, HALF + 1, dtype=torch.float64) * 2.0**-SCORE_BITS
    return np.asarray(prior_weights(torch.stack([torch.zeros_like(scores), scores], dim=1)))


class Whole:
    """Pixels are their own tokens, as `interface.Residuals`."""

    def __init__(self) -> None:
        self.tables = distributions()

    def split(self, values: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Nothing is left of them."""
        return values, np.zeros_like(values)

    def extra_bits(self, tokens: NDArray[np.int32]) -> NDArray[np.int32]:
        """None."""
        return np.zeros_like(tokens)

    def join(self, tokens: NDArray[np.int32], rest: NDArray[np.int32]) -> NDArray[np.int32]:
        """The tokens."""
        return tokens


class FrozenBilevel:
    """A `BilevelNet` for coding, in steps of its grids."""

    def __init__(self, net: BilevelNet) -> None:
        self.reach = net.config.reach
        taps = len(self.reach.offsets())
        self.first = first = FrozenLinear(net.first, ACTIVATION_BITS)
        self.taps, self.ladder, self.bias = first.matrix[:taps], first.matrix[taps:], first.bias
        self.rest = [FrozenLinear(layer, ACTIVATION_BITS) for layer in net.rest]  # type: ignore[arg-type]
        self.last = FrozenLinear(net.last, SCORE_BITS)

    def lift(self, features: Tensor) -> Tensor:
        """What features (B, F, H, W) add to the first layer. (B, H, W, width)"""
        rows = signed(features).mul(UNIT).permute(0, 2, 3, 1)
        return (rows.reshape(-1, rows.shape[-1]) @ self.ladder + self.bias).view(*rows.shape[:3], -1)

    def contexts(self, seen: Tensor, lifted: Tensor) -> NDArray[np.int32]:
        """Neighbours (n, taps) of -1, 0 and 1 and lifted features (n, width) -> contexts (n,)."""
        return self._contexts(torch.addmm(lifted, seen * UNIT, self.taps))

    def contexts_of(self, rows: Tensor) -> NDArray[np.int32]:
        """What pixels see (n, inputs), in steps of 2**-4 -> contexts (n,)."""
        return self._contexts(self.first(rows))

    def _contexts(self, sums: Tensor) -> NDArray[np.int32]:
        h = rounded(sums).clamp_(0, HIDDEN_LIMIT)
        for layer in self.rest:
            h = rounded(layer(h)).clamp_(0, HIDDEN_LIMIT)
        scores = rounded(self.last(h)[:, 0]).clamp_(-HALF, HALF).add_(HALF)
        return scores.int().numpy()


@dataclass
class Step:
    """A wavefront of pixels, as a chooser sees it."""

    layer: int
    contexts: NDArray[np.int32]
    wanted: NDArray[np.int32] | None

    def residuals(self) -> NDArray[np.int32]:
        """The pixels themselves, 0 and 1."""
        if self.wanted is None:
            raise ValueError("residuals need the pixels: the walk was given none")
        return self.wanted


class Likelier:
    """Takes the likelier value of every pixel."""

    def choose(self, step: Step) -> Tensor:
        """Pixels (n,), 0 and 1."""
        return torch.from_numpy(step.contexts > HALF).long()


class BilevelDescent:
    """Images (B, H, W) on their way, wavefront after wavefront; `wanted` is what the encoder has, 0 and 1."""

    def __init__(self, net: FrozenBilevel, lifted: Tensor, wanted: Tensor | None) -> None:
        self.net, self.lifted, self.wanted = net, lifted, wanted
        B, H, W = lifted.shape[:3]
        self.canvas = net.reach.padded(torch.zeros(B, H, W))
        self.fronts = list(net.reach.wavefronts(H, W))
        stride = self.canvas.shape[2]
        self.deltas = torch.tensor([dy * stride + dx for dy, dx in net.reach.offsets()])
        self.images = torch.arange(B)[:, None] * self.canvas[0].numel()

    @property
    def depth(self) -> int:
        """How many wavefronts there are."""
        return len(self.fronts)

    def blocks(self, index: int) -> Iterator[Step]:
        """The wavefront's pixels, image after image."""
        y, x = self.fronts[index]
        places = self._places(y, x)
        seen = self.canvas.view(-1)[places[:, None] + self.deltas]
        contexts = self.net.contexts(seen, self.lifted[:, y, x].flatten(0, 1))
        wanted = None if self.wanted is None else self.wanted[:, y, x].flatten().int().numpy()
        yield Step(index, contexts, wanted)

    def absorb(self, step: Step, choice: Tensor) -> None:
        """Puts the pixels in."""
        self.canvas.view(-1)[self._places(*self.fronts[step.layer])] = 2.0 * choice - 1.0

    def finish(self) -> Tensor:
        """The pixels, 0 and 1. (B, H, W)"""
        reach = self.net.reach
        return (self.canvas[:, reach.rows :, reach.columns : -reach.columns] + 1) * 0.5

    def _places(self, y: Tensor, x: Tensor) -> Tensor:
        """Where pixels lie in the flat canvas, image after image. (B * n,)"""
        reach = self.net.reach
        inside = (y + reach.rows) * self.canvas.shape[2] + x + reach.columns
        return (self.images + inside).flatten()
