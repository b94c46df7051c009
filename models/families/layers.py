"""A latent layer between the two deterministic chains: heads, codebook and embedding of the chosen symbols.

    h --bottom_up_head--+                      d --prior_head--> e_p --codebook--> p(z_l | z_>l)
                        +--> e_q --> q(z_l | ..)
    d --top_down_head---+                      z_l --codebook--> symbol_embedding --> d

Rows are ordered by variable, then by image, then by position in raster order: (V * B * P, ...).
Source: Willetts et al. 2021, figure C.3.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...shapes import Float, Int64
from .arithmetic import Arithmetic
from .boltzmann_checks import machine_levels
from .codebooks import KINDS, LN2, Codebook, Nearest
from .config import FamilyConfig, LayerPlan
from .distributions import Categorical, Distribution, Normal, OneHot
from .mlp import PIXEL_GAIN, sees_pixels
from .nets import Conv, blocks


def inference_arithmetic(config: FamilyConfig) -> Arithmetic:
    """Return the arithmetic of the bottom-up pass: integer where a decoder infers too, as in bits-back coding."""
    return Arithmetic(config.reversible, 0.0, config.weight_norm)


SMALL_GAIN = 0.1
"""Standard deviation, at the start, of outputs that should have little influence until they are trained: Gaussian
log-scales, which are exponents, every prior, and what the noisy top-down chain adds to the posterior's embedding. At 1
the divergence from random priors exceeds what the first symbols gain, and each posterior shrinks to 2 or 3 symbols
(docs/experiments/small-image-initialisation.md)."""


class LatentHead(nn.Module):
    """Maps a chain's features to the embedding of a layer's distribution at each of its positions.

    With `dense`, the whole map goes to one position. The outputs start with a standard deviation of `gain`.
    Source: Willetts et al. 2021, figure C.3: `pstrap`, `qstrap` and `qladder` there.

    Args:
        outputs: Number of output channels.
        side: Width and height of the chain's map.
        config: The model's configuration.
        arithmetic: Integer or float arithmetic.
        gain: Standard deviation of the outputs at the start.
        centred: Whether its map subtracts a centre from its inputs.
    """

    def __init__(
        self,
        outputs: int,
        side: int,
        config: FamilyConfig,
        arithmetic: Arithmetic,
        gain: float,
        *,
        centred: bool = False,
    ) -> None:
        super().__init__()
        self.arithmetic, self.dense, self.activation = arithmetic, config.dense, config.activation
        self.blocks = blocks(config.head_blocks, config, arithmetic)
        cells = side**2 if config.dense else 1
        kernel = 3 if side > 1 and not config.dense else 1
        self.last = Conv(config.width * cells, outputs, arithmetic, kernel=kernel, gain=gain, centred=centred)

    def forward(self, d: Float[Tensor, "B C side side"]) -> Float[Tensor, "B outputs positions positions"]:
        h = self.arithmetic.activation(self.blocks(d), self.activation)
        mapped: Tensor = self.last(h.flatten(1)[:, :, None, None] if self.dense else h)
        return mapped

    def lipschitz(self) -> float:
        """Return a bound of the Lipschitz constant: the product of the parts' bounds."""
        return self.blocks.lipschitz() * self.last.lipschitz()


class ChoiceEmbedding(nn.Module):
    """Maps the vectors of chosen symbols to a chain's features; with `dense`, one position goes to the whole map.

    Source: Willetts et al. 2021, figure C.3: `pladder` there.

    Args:
        inputs: Number of input channels.
        side: Width and height of the chain's map.
        config: The model's configuration.
        arithmetic: Integer or float arithmetic.
    """

    def __init__(self, inputs: int, side: int, config: FamilyConfig, arithmetic: Arithmetic) -> None:
        super().__init__()
        self.arithmetic, self.side, self.dense = arithmetic, side, config.dense
        cells = side**2 if config.dense else 1
        kernel = 3 if side > 1 and not config.dense else 1
        gain = PIXEL_GAIN if config.block == "linear" and config.centred else 1.0
        self.first = Conv(inputs, config.width * cells, arithmetic, kernel=kernel, gain=gain)
        self.blocks = blocks(config.head_blocks, config, arithmetic)

    def forward(self, y: Float[Tensor, "B inputs positions positions"]) -> Float[Tensor, "B C side side"]:
        mapped = self.first(self.arithmetic.inputs(y))
        if self.dense:
            mapped = mapped.view(len(y), -1, self.side, self.side)
        grown: Tensor = self.blocks(self.arithmetic.quantise_residual(mapped))
        return grown

    def lipschitz(self) -> float:
        """Return a bound of the Lipschitz constant: the product of the parts' bounds."""
        return self.first.lipschitz() * self.blocks.lipschitz()


class LatentLayer(nn.Module):
    """The networks and the codebook of one layer.

    In figure C.3 of Willetts et al. (2021), `prior_head` is called pstrap, `top_down_head` qstrap, `bottom_up_head`
    qladder and `symbol_embedding` pladder. `up` adds symbols that are chosen in the bottom-up pass to its chain.

    Args:
        plan: Sizes of the layer.
        config: The model's configuration.
        arithmetic: Arithmetic of the top-down pass.
        last: Whether the layer is the coarsest, so that no later layer is inferred from its symbols.
    """

    def __init__(self, plan: LayerPlan, config: FamilyConfig, arithmetic: Arithmetic, *, last: bool) -> None:
        super().__init__()
        kind = config.latent_of(plan.level)
        self.plan, self.gaussian, self.direct = plan, kind == "gaussian", config.prior == "direct"
        self.nearest = kind == "nearest"
        top = plan.level == config.levels - 1
        self.joined = plan.level >= config.levels - machine_levels(config)  # by a Boltzmann machine
        self.uniform = self.nearest or self.joined or (top and config.top_prior == "uniform")
        self.arithmetic = arithmetic
        self.codebook: Codebook | None = None if self.gaussian else KINDS[kind](plan, config)
        vector_size = config.embedding if self.codebook is None else self.codebook.vector_size
        query = 2 * config.embedding if self.codebook is None else self.codebook.width
        self.prior_width = plan.symbols if self.direct and self.codebook is not None else query
        side, count = config.sides[plan.level], plan.variables
        self.inference = up = inference_arithmetic(config)
        prior, gain = count * self.prior_width, SMALL_GAIN if self.gaussian else 1.0
        centred = config.centred and sees_pixels(config, plan.level)
        self.bottom_up_head = LatentHead(count * query, side, config, up, gain, centred=centred)
        self.top_down_head = None if plan.bottom_up else LatentHead(count * query, side, config, up, SMALL_GAIN)
        self.prior_head = None if self.uniform else LatentHead(prior, side, config, arithmetic, SMALL_GAIN)
        self.symbol_embedding = ChoiceEmbedding(count * vector_size, side, config, arithmetic)
        self.up = ChoiceEmbedding(count * vector_size, side, config, up) if plan.bottom_up and not last else None

    def rows(self, x: Float[Tensor, "B VD s s"]) -> Float[Tensor, "rows D"]:
        """Return maps as one row for each variable, image and position."""
        v = self.plan.variables
        grouped = x.view(len(x), v, -1, *x.shape[2:])
        return grouped.permute(1, 0, 3, 4, 2).reshape(-1, x.shape[1] // v)

    def maps(self, rows: Float[Tensor, "rows D"]) -> Float[Tensor, "B VD s s"]:
        """Return rows as maps: the inverse of `rows`."""
        v, s = self.plan.variables, self.plan.side
        return rows.view(v, -1, s, s, rows.shape[1]).permute(1, 0, 4, 2, 3).flatten(1, 2)

    def query(
        self, h: Float[Tensor, "I C H W"], d: Float[Tensor, "C1 C H W"] | None, copies: int = 1
    ) -> Float[Tensor, "rows D"]:
        """Return the posterior's embedding e_q, the sum of the bottom-up and the top-down head.

        Args:
            h: Features of the bottom-up chain, of I images.
            d: Features of the top-down chain of all copies, or one for all of them; None where the layer is chosen in
                the bottom-up pass.
            copies: Number of rows wanted of each image, the first of all images first.
        """
        grid = self.inference.embedding
        e = grid(self.bottom_up_head(h))
        e = e if copies == 1 else e.repeat(copies, 1, 1, 1)
        return self.rows(
            e if self.top_down_head is None or d is None else grid(torch.add(e, grid(self.top_down_head(d))))
        )

    def embedding(self, d: Float[Tensor, "_ C H W"], images: int) -> Float[Tensor, "rows D"]:
        """Return the prior's embedding e_p, on its grid in integer arithmetic; width 0 where the prior is uniform.

        Args:
            d: Features of the top-down chain, of all images or one for all of them.
            images: Number of images.
        """
        if self.prior_head is None:
            return d.new_zeros(self.plan.variables * images * self.plan.side**2, 0)
        return self.rows(self.arithmetic.embedding(self.prior_head(d)).expand(images, -1, -1, -1))

    def posterior(self, query: Float[Tensor, "rows D"]) -> Distribution:
        """Return q(z_l | ..., x) for embeddings e_q."""
        if self.codebook is None:
            return _normal(query)
        return (OneHot if self.nearest else Categorical)(self.per_variable(self.codebook.scores, query))

    def prior(self, embedding: Float[Tensor, "rows D"]) -> Distribution:
        """Return p(z_l | z_>l) for embeddings e_p."""
        if self.codebook is None:
            return _normal(embedding if not self.uniform else embedding.new_zeros(len(embedding), self.prior_width))
        if self.uniform:
            return Categorical(embedding.new_zeros(len(embedding), self.plan.symbols))
        if self.direct:
            return Categorical(embedding * LN2)
        return Categorical(self.per_variable(self.codebook.scores, embedding))

    def per_variable(
        self, function: Callable[[Float[Tensor, "V n D"]], Float[Tensor, "V n K"]], rows: Float[Tensor, "rows D"]
    ) -> Float[Tensor, "rows K"]:
        """Apply a function of a codebook to rows, V * n of them, in full precision."""
        with torch.autocast(rows.device.type, enabled=False):
            return function(rows.view(self.plan.variables, -1, rows.shape[1])).flatten(0, 1)

    def embed(
        self, choice: Int64[Tensor, " rows"] | Float[Tensor, "rows K"], query: Float[Tensor, "rows _"] | None
    ) -> Float[Tensor, "rows D"]:
        """Return the vectors of choices, before `symbol_embedding`.

        The gradient of a nearest neighbour is copied to e_q (van den Oord et al. 2017).

        Args:
            choice: Symbols (rows,), relaxed one-hot weights (rows, K) or Gaussian values (rows, D).
            query: The posterior's embeddings e_q, where they are known.
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

    def vq_losses(self, query: Float[Tensor, "rows D"], choice: Int64[Tensor, " rows"]) -> Float[Tensor, " rows"]:
        """Return VQ-VAE's codebook and commitment losses of each row."""
        assert isinstance(self.codebook, Nearest)
        e, symbols = self._paired(query, choice)
        return self.codebook.losses(e, symbols).flatten()

    def update_moving_averages(self, query: Float[Tensor, "rows D"], choice: Int64[Tensor, " rows"]) -> None:
        """Update the moving averages of a codebook that follows them."""
        assert isinstance(self.codebook, Nearest)
        self.codebook.update_moving_averages(*self._paired(query.detach(), choice))

    def _paired(self, query: Tensor, choice: Tensor) -> tuple[Tensor, Tensor]:
        return query.view(self.plan.variables, -1, query.shape[1]), choice.view(self.plan.variables, -1)


def _normal(rows: Tensor) -> Normal:
    mean, log_scale = rows.chunk(2, dim=-1)
    return Normal(mean, log_scale)
