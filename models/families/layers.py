"""A latent layer between the two deterministic chains: ladders, straps and codebook (Willetts et al. 2021, figure C.3).

    h --qladder--+                         d --pstrap--> e_p --codebook--> p(z_l | z_>l)
                 +--> e_q --> q(z_l | ..)
    d --qstrap---+                         z_l --table--> pladder --> d

Rows are variables, then images, then positions in raster order: (V * B * P, ...).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .arithmetic import Arithmetic
from .codebooks import KINDS, LN2, Codebook, Nearest
from .config import FamilyConfig, LayerPlan
from .distributions import Categorical, Distribution, Normal, OneHot
from .nets import Conv, blocks


def inference_arithmetic(config: FamilyConfig) -> Arithmetic:
    """How the way up computes: on grids where a decoder infers too."""
    return Arithmetic(config.reversible, 0.0, config.weight_norm)


SMALL_GAIN = 0.1
"""Spread, at the start, of what must not speak before it knows anything: a Gaussian's log-scales, which are exponents,
every prior, and what the chain of noisy samples adds to an embedding of the posterior. At 1 the divergence from random
priors exceeds what the first symbols are worth, and the posteriors shrink to two or three symbols each
(docs/experiments/small-image-initialisation.md)."""


class LatentHead(nn.Module):
    """From a chain's map to what a layer needs of it, at its positions; `dense`, from the whole map to one position.

    Its outputs begin with the spread `gain`.
    """

    def __init__(self, outputs: int, side: int, config: FamilyConfig, arithmetic: Arithmetic, gain: float) -> None:
        super().__init__()
        self.arithmetic, self.dense = arithmetic, config.dense
        self.blocks = blocks(config.head_blocks, config.width, config.block, arithmetic)
        cells = side**2 if config.dense else 1
        kernel = 3 if side > 1 and not config.dense else 1
        self.last = Conv(config.width * cells, outputs, arithmetic, kernel=kernel, gain=gain)

    def forward(self, d: Tensor) -> Tensor:
        h = self.arithmetic.elu(self.blocks(d))
        mapped: Tensor = self.last(h.flatten(1)[:, :, None, None] if self.dense else h)
        return mapped

    def lipschitz(self) -> float:
        """The product of the parts' bounds."""
        return self.blocks.lipschitz() * self.last.lipschitz()


class ChoiceEmbedding(nn.Module):
    """From a layer's vectors to a chain's map; `dense`, from one position to the whole map."""

    def __init__(self, inputs: int, side: int, config: FamilyConfig, arithmetic: Arithmetic) -> None:
        super().__init__()
        self.arithmetic, self.side, self.dense = arithmetic, side, config.dense
        cells = side**2 if config.dense else 1
        kernel = 3 if side > 1 and not config.dense else 1
        self.first = Conv(inputs, config.width * cells, arithmetic, kernel=kernel)
        self.blocks = blocks(config.head_blocks, config.width, config.block, arithmetic)

    def forward(self, y: Tensor) -> Tensor:
        mapped = self.first(self.arithmetic.inputs(y))
        if self.dense:
            mapped = mapped.view(len(y), -1, self.side, self.side)
        grown: Tensor = self.blocks(self.arithmetic.quantise_residual(mapped))
        return grown

    def lipschitz(self) -> float:
        """The product of the parts' bounds."""
        return self.first.lipschitz() * self.blocks.lipschitz()


class LatentLayer(nn.Module):
    """One layer's networks and codebook. `last`: nothing above it looks at what inference chooses here."""

    def __init__(self, plan: LayerPlan, config: FamilyConfig, arithmetic: Arithmetic, *, last: bool) -> None:
        super().__init__()
        self.plan, self.gaussian, self.direct = plan, not config.categorical, config.prior == "direct"
        self.nearest = config.latent == "nearest"
        top = plan.level == config.levels - 1
        self.uniform = self.nearest or (top and config.top_prior == "uniform")
        self.arithmetic = arithmetic
        self.codebook: Codebook | None = None if self.gaussian else KINDS[config.latent](plan, config)
        worth = config.embedding if self.codebook is None else self.codebook.vector_size
        query = 2 * config.embedding if self.codebook is None else self.codebook.width
        self.prior_width = plan.symbols if self.direct and self.codebook is not None else query
        side, count = config.sides[plan.level], plan.variables
        self.inference = up = inference_arithmetic(config)
        down = up if not config.lipschitz else arithmetic  # appendix E: q's functions of z are bounded too
        prior, loud = count * self.prior_width, 1.0 if config.categorical else SMALL_GAIN
        self.bottom_up_head = LatentHead(count * query, side, config, up, loud)
        self.top_down_head = None if plan.bottom_up else LatentHead(count * query, side, config, down, SMALL_GAIN)
        self.prior_head = None if self.uniform else LatentHead(prior, side, config, arithmetic, SMALL_GAIN)
        self.symbol_embedding = ChoiceEmbedding(count * worth, side, config, arithmetic)
        self.up = ChoiceEmbedding(count * worth, side, config, up) if plan.bottom_up and not last else None

    def rows(self, x: Tensor) -> Tensor:
        """(B, V * D, s, s) -> (V * B * s * s, D)"""
        v = self.plan.variables
        grouped = x.view(len(x), v, -1, *x.shape[2:])
        return grouped.permute(1, 0, 3, 4, 2).reshape(-1, x.shape[1] // v)

    def maps(self, rows: Tensor) -> Tensor:
        """(V * B * s * s, D) -> (B, V * D, s, s)"""
        v, s = self.plan.variables, self.plan.side
        return rows.view(v, -1, s, s, rows.shape[1]).permute(1, 0, 4, 2, 3).flatten(1, 2)

    def query(self, h: Tensor, d: Tensor | None) -> Tensor:
        """e_q, the sum of what both chains say. (rows, D)"""
        grid = self.inference.embedding
        e = grid(self.bottom_up_head(h))
        return self.rows(
            e if self.top_down_head is None or d is None else grid(torch.add(e, grid(self.top_down_head(d))))
        )

    def embedding(self, d: Tensor) -> Tensor:
        """e_p (rows, D), on its grid where the arithmetic is exact; where the prior is uniform (rows, 0)."""
        if self.prior_head is None:
            return d.new_zeros(self.plan.variables * d.shape[0] * self.plan.side**2, 0)
        return self.rows(self.arithmetic.embedding(self.prior_head(d)))

    def posterior(self, query: Tensor) -> Distribution:
        """q of e_q (rows, D)."""
        if self.codebook is None:
            return _normal(query)
        return (OneHot if self.nearest else Categorical)(self.per_variable(self.codebook.scores, query))

    def prior(self, embedding: Tensor) -> Distribution:
        """p of e_p (rows, D)."""
        if self.codebook is None:
            return _normal(embedding if not self.uniform else embedding.new_zeros(len(embedding), self.prior_width))
        if self.uniform:
            return Categorical(embedding.new_zeros(len(embedding), self.plan.symbols))
        if self.direct:
            return Categorical(embedding * LN2)
        return Categorical(self.per_variable(self.codebook.scores, embedding))

    def per_variable(self, function: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
        """A function of (V, n, D) on rows (V * n, D), in full precision."""
        with torch.autocast(rows.device.type, enabled=False):
            return function(rows.view(self.plan.variables, -1, rows.shape[1])).flatten(0, 1)

    def embed(self, choice: Tensor, query: Tensor | None) -> Tensor:
        """What choices are worth: symbols (rows,), weights (rows, K) or Gaussian values. (rows, D)

        A nearest neighbour copies its gradient to the query (van den Oord et al. 2017).
        """
        if self.codebook is None:
            return choice
        table = self.codebook.table()
        if choice.is_floating_point():
            with torch.autocast(choice.device.type, enabled=False):
                return torch.bmm(choice.view(len(table), -1, choice.shape[1]), table).flatten(0, 1)
        offsets = torch.arange(len(table), device=choice.device)[:, None] * table.shape[1]
        found = F.embedding((choice.view(len(table), -1) + offsets).flatten(), table.flatten(0, 1))
        if self.nearest and query is not None and query.requires_grad:
            return query + (found - query).detach()
        return found

    def vq_losses(self, query: Tensor, choice: Tensor) -> Tensor:
        """VQ-VAE's codebook and commitment losses, summed over an image's variables. (rows,)"""
        assert isinstance(self.codebook, Nearest)
        e, symbols = self._paired(query, choice)
        return self.codebook.losses(e, symbols).flatten()

    def update_moving_averages(self, query: Tensor, choice: Tensor) -> None:
        """A step of the EMA codebook."""
        assert isinstance(self.codebook, Nearest)
        self.codebook.update_moving_averages(*self._paired(query.detach(), choice))

    def _paired(self, query: Tensor, choice: Tensor) -> tuple[Tensor, Tensor]:
        return query.view(self.plan.variables, -1, query.shape[1]), choice.view(self.plan.variables, -1)


def _normal(rows: Tensor) -> Normal:
    mean, log_scale = rows.chunk(2, dim=-1)
    return Normal(mean, log_scale)
