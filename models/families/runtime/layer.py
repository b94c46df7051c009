"""A latent layer between the two deterministic chains (see `families.layers`): heads, codebook, symbol embeddings."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Float64, Int32
from ...runtime.linear import clamped
from ..boltzmann_checks import machine_levels
from ..config import FamilyConfig, LayerPlan
from ..scores import EMBEDDING_BITS
from .arithmetic import GRIDS, LARGEST_EMBEDDING, RuntimeArithmetic, activation, arithmetic
from .codebook import RuntimeCodebook
from .nets import LinearMap, Map, Other, RuntimeConvolution, RuntimeSequence, blocks

Rows = Float32[NDArray[np.float32], "rows D"]


class RuntimeHead:
    """Maps a chain's features to the embeddings of a layer; for a dense layer, the whole map to one position."""

    def __init__(self, tensors: Any, outputs: int, side: int, config: FamilyConfig, own: RuntimeArithmetic) -> None:
        self.arithmetic, self.activation, last = own, config.activation, tensors.below("last")
        self.blocks = RuntimeSequence(*blocks(tensors.below("blocks"), config.head_blocks, config, own))
        self.dense = LinearMap(last, config.width, outputs, own, taps=side**2) if config.dense else None
        self.last = None if config.dense else RuntimeConvolution(last, config.width, outputs, own, 3 if side > 1 else 1)

    def __call__(self, d: Map) -> Other:
        """Return the embeddings in steps of 2**-6."""
        h = activation(self.blocks(d), self.activation, self.arithmetic)
        if self.dense is not None:
            mapped = self.dense(h.reshape(len(h), -1))[:, None, None]
        else:
            assert self.last is not None
            mapped = self.last(h)
        return self.arithmetic.embedding(mapped)


class RuntimeChoiceEmbedding:
    """Maps the vectors of chosen symbols to a chain's features; a dense layer's, one position to the whole map."""

    def __init__(self, tensors: Any, inputs: int, side: int, config: FamilyConfig, own: RuntimeArithmetic) -> None:
        self.arithmetic, self.side, first = own, side, tensors.below("first")
        self.blocks = RuntimeSequence(*blocks(tensors.below("blocks"), config.head_blocks, config, own))
        self.dense = LinearMap(first, inputs, config.width, own, cells=side**2) if config.dense else None
        self.first = (
            None if config.dense else RuntimeConvolution(first, inputs, config.width, own, 3 if side > 1 else 1)
        )

    def __call__(self, codes: Map) -> Other:
        """Return the features of vectors in steps of 2**-4."""
        y = self.arithmetic.vectors(codes)
        if self.dense is not None:
            mapped = self.dense(y.reshape(len(y), -1)).reshape(len(y), self.side, self.side, -1)
        else:
            assert self.first is not None
            mapped = self.first(y)
        return self.blocks(self.arithmetic.residual(mapped))


class RuntimeLatentLayer:
    """The networks and the codebook of one layer.

    Args:
        name: The layer's name, for error messages.
        plan: Sizes of the layer.
        config: The model's configuration.
        tensors: The layer's tensors.

    Raises:
        ValueError: The tensors do not fit, or a sum could round.
    """

    def __init__(self, name: str, plan: LayerPlan, config: FamilyConfig, tensors: Any) -> None:
        self.plan, self.direct = plan, config.prior == "direct"
        coarsest = plan.level == config.levels - 1
        joined = plan.level >= config.levels - machine_levels(config)  # by a Boltzmann machine
        self.uniform = (
            config.latent_of(plan.level) == "nearest" or joined or (coarsest and config.top_prior == "uniform")
        )
        self.codebook = RuntimeCodebook(name, plan, config, tensors.below("codebook"))
        self.inference = inferring = arithmetic(exact=config.reversible)

        def head(part: str, width: int, own: RuntimeArithmetic) -> RuntimeHead:
            return RuntimeHead(tensors.below(part), plan.variables * width, config.sides[plan.level], config, own)

        def embedding(part: str, own: RuntimeArithmetic) -> RuntimeChoiceEmbedding:
            inputs = plan.variables * self.codebook.vector_size
            return RuntimeChoiceEmbedding(tensors.below(part), inputs, config.sides[plan.level], config, own)

        self.bottom_up_head = head("bottom_up_head", self.codebook.width, inferring)
        self.top_down_head = None if plan.bottom_up else head("top_down_head", self.codebook.width, inferring)
        width = plan.symbols if self.direct else self.codebook.width
        self.prior_head = None if self.uniform else head("prior_head", width, GRIDS)
        self.symbol_embedding = embedding("symbol_embedding", GRIDS)
        self.up = embedding("up", inferring) if plan.bottom_up and not coarsest else None

    def count(self, images: int) -> int:
        """Return the number of variables of some images: the rows of embeddings, scores and symbols."""
        return images * self.plan.variables * self.plan.side**2

    def prior_scores(self, d: Map) -> Float64[NDArray[np.float64], "rows K"]:
        """Return the prior's exact scores given the chain's features, in bits."""
        if self.prior_head is None:
            return np.zeros((self.count(len(d)), self.plan.symbols))
        e = self._rows(self.prior_head(d))
        return e.astype(np.float64) * 2.0**-EMBEDDING_BITS if self.direct else self.codebook.scores(e)

    def query(self, h: Map, d: Map | None) -> Rows:
        """Return the posterior's embedding in steps of 2**-6, the sum of the bottom-up and the top-down head.

        Args:
            h: Features of the bottom-up chain.
            d: Features of the top-down chain; None where the layer is chosen in the bottom-up pass.
        """
        e = self.bottom_up_head(h)
        if self.top_down_head is not None and d is not None:
            e += self.top_down_head(self.inference.entered(d))
            if self.inference.exact:
                e = clamped(e, -LARGEST_EMBEDDING, LARGEST_EMBEDDING)
        return self._rows(e)

    def vectors(
        self, symbols: Int32[NDArray[np.int32], " rows"]
    ) -> Float32[NDArray[np.float32], "B side side vectors"]:
        """Return maps (B, side, side, V * vector) of the vectors of symbols."""
        v, s = self.plan.variables, self.plan.side
        rows = self.codebook.vectors(symbols).reshape(v, -1, s, s, self.codebook.vector_size)
        return rows.transpose(1, 2, 3, 0, 4).reshape(-1, s, s, v * self.codebook.vector_size)

    def _rows(self, x: Map) -> Rows:
        """Return maps as one row for each variable, image and position."""
        B, H, W, C = x.shape
        width = C // self.plan.variables
        return x.reshape(B, H, W, -1, width).transpose(3, 0, 1, 2, 4).reshape(-1, width)
