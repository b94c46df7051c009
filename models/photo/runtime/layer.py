"""One latent layer: prior in integers, prediction and distortion in floats, and tables of what each symbol adds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float, Float32, Float64, Int32
from ...runtime.linear import (
    ACTIVATION_BITS,
    FLOAT32_LIMIT,
    RATIO,
    RESIDUAL_BITS,
    STATE_LIMIT,
    IntegerMap,
    Matrix,
    clamped,
    quantised,
    rounded,
)
from ...slices import slices
from ..layout import PhotoLayerPlan
from .checkerboard import SIDES, BoardHalf

CONTEXT = 12
"""Coordinates of a codebook entry beside its values; only the networks use them."""
VALUE_BITS, EMBEDDING_BITS, VALUE_GAIN = 3, 6, 2
"""Grids of the prior head's outputs: value coordinates are multiples of 2**-3, context coordinates and logits of 2**-6.
Value coordinates and logits are multiplied by 2**2 before.
"""
VALUE_LIMIT, CONTEXT_LIMIT, LOGIT_LIMIT = 255.0, 15.0, 31.0
"""Largest magnitudes of the prior head's outputs."""
CODEBOOK_BITS, VALUE_PRECISION_BITS, CONTEXT_PRECISION_BITS, CONSTANT_BITS = 4, 24, 12, 16
"""Grids of the codebooks in a weights file: means, the precisions of values and of contexts, constants."""
PREDICTION_SCALE = np.float32(4)
"""A prediction is the output of its linear head times this, in units of sigma."""
RUN = 2048
"""Positions whose messages are added at once: their temporaries stay in a processor's cache."""


class RuntimeLayer:
    """One layer as it codes: codebook, prior head, prediction head, and what symbols add to the features.

    Args:
        plan: Its sizes.
        hidden: Width of the features.
        direct: Whether the prior head gives the logits themselves.
        last: Whether it is the last layer of its stage.
        neighbours: Whether positions condition on their neighbours' symbols.
        tensors: The layer's tensors.
    """

    def __init__(
        self, plan: PhotoLayerPlan, hidden: int, *, direct: bool, last: bool, neighbours: bool, tensors: Any
    ) -> None:
        self.plan, self.symbols = plan, plan.symbols
        self.coefficients = np.array(plan.coefficients)
        size, dimensions = len(plan.coefficients), len(plan.coefficients) + CONTEXT
        means, self.null_symbol = self._codebook(tensors, size)
        self.values = np.ascontiguousarray(means[:, :size].astype(np.float32))
        # A symbol as the networks see it: values / 8 and context, as 8-bit inputs.
        self.codewords = quantised(
            np.concatenate([means[:, :size] / 8, means[:, size:]], axis=1).astype(np.float32), ACTIVATION_BITS, 127 / 16
        )
        self._set_heads(tensors, hidden, plan.symbols if direct else dimensions, size, direct=direct)
        self.quadratic: NDArray[np.float64] | None = None
        if not direct:
            self._set_scores(tensors, means, size)
        self.symbol_embedding, self.neighbour_embedding = None, None
        if not last:
            embedding = Matrix(IntegerMap.of(tensors.below("symbol_embedding"), dimensions, hidden), RESIDUAL_BITS)
            self.symbol_embedding = rounded(embedding(self.codewords * 2**ACTIVATION_BITS))
        if neighbours:
            integers = IntegerMap.of(tensors.below("neighbour_embedding"), dimensions, SIDES * hidden)
            messages = clamped(
                rounded(Matrix(integers, RESIDUAL_BITS)(self.codewords * 2**ACTIVATION_BITS)), -STATE_LIMIT, STATE_LIMIT
            )
            sides = messages.reshape(self.symbols, SIDES, hidden).transpose(1, 0, 2)
            self.neighbour_embedding = np.concatenate([sides, np.zeros_like(sides[:, :1])], axis=1)

    def _codebook(self, tensors: Any, size: int) -> tuple[NDArray[np.float64], int]:
        """Return the codebook's means (K, v + CONTEXT) and the symbol that adds nothing."""
        values = tensors.take("values", np.int32, (self.symbols, size))
        context = tensors.take("context", np.int16, (self.symbols, CONTEXT))
        null_symbol = int(tensors.take("null_symbol", np.int32, ()))
        if not 0 <= null_symbol < self.symbols or int(np.abs(values.astype(np.int64)).max()) >= FLOAT32_LIMIT:
            raise ValueError(f"the symbols of its layer {self.plan.name!r} are not valid")
        means = np.concatenate([values.astype(np.float64), context.astype(np.float64)], axis=1) / 2**CODEBOOK_BITS
        means[null_symbol, :size] = 0
        return np.asarray(means), null_symbol

    def _set_heads(self, tensors: Any, hidden: int, outputs: int, size: int, *, direct: bool) -> None:
        if direct:
            counts, gains, grids, limits = [outputs], [VALUE_GAIN], [EMBEDDING_BITS], [LOGIT_LIMIT]
        else:
            counts, gains = [size, CONTEXT], [VALUE_GAIN, 0]
            grids, limits = [VALUE_BITS, EMBEDDING_BITS], [VALUE_LIMIT, CONTEXT_LIMIT]
        gain, bits, limit = (np.repeat(each, counts) for each in (gains, grids, limits))
        head = Matrix(IntegerMap.of(tensors.below("prior_head"), hidden, outputs, 255), bits + gain)
        weight = tensors.take("mean.weight", np.float16, (size, hidden)).astype(np.float32) * PREDICTION_SCALE
        bias = tensors.take("mean.bias", np.float16, (size,)).astype(np.float32) * PREDICTION_SCALE
        self.matrix = np.concatenate([head.matrix, weight.T * np.float32(2.0**-ACTIVATION_BITS)], axis=1)
        self.bias = np.concatenate([head.bias, bias])
        self.limit = (limit * 2.0**bits).astype(np.float32)
        self.step = (2.0**-bits).astype(np.float32)

    def _set_scores(self, tensors: Any, means: NDArray[np.float64], size: int) -> None:
        value = tensors.take("value_precision", np.int32, (self.symbols, size)) / 2.0**VALUE_PRECISION_BITS
        context = tensors.take("context_precision", np.int16, (self.symbols, CONTEXT)) / 2.0**CONTEXT_PRECISION_BITS
        precision = np.concatenate([value, context], axis=1)
        self.constant = tensors.take("constant", np.int32, (self.symbols,)) / 2.0**CONSTANT_BITS
        if precision.min() < 0:
            raise ValueError(f"the variances of its layer {self.plan.name!r} are not valid")
        self._check_scores(means, precision, size)
        self.quadratic = np.ascontiguousarray(np.concatenate([-precision, 2 * precision * means], axis=1).T)

    def _check_scores(self, means: NDArray[np.float64], precision: NDArray[np.float64], size: int) -> None:
        """Check that every partial sum of a score fits 53 bits of its finest grid. ValueError if not."""
        limits = np.repeat([VALUE_LIMIT, CONTEXT_LIMIT], [size, CONTEXT])
        largest = (precision * limits**2 + 2 * precision * np.abs(means) * limits).sum(1) + np.abs(self.constant)
        finest = max(
            VALUE_PRECISION_BITS + 2 * VALUE_BITS,
            VALUE_PRECISION_BITS + CODEBOOK_BITS + VALUE_BITS - 1,
            CONTEXT_PRECISION_BITS + 2 * EMBEDDING_BITS,
        )
        if largest.max() * 2.0**finest >= 2.0**53:
            raise ValueError(f"the scores of its layer {self.plan.name!r} are too large for 53 bits")

    def heads(
        self, features: Float32[NDArray[np.float32], "n hidden"]
    ) -> tuple[Float32[NDArray[np.float32], "n outputs"], Float32[NDArray[np.float32], "n v"]]:
        """Return the parameters of the prior (an embedding, or logits) and the prediction in units of sigma.

        Args:
            features: In steps of the residual stream.
        """
        positive = clamped(rounded(features * RATIO), 0, np.inf)
        raw = positive @ self.matrix
        raw += self.bias
        outputs = len(self.limit)
        embedding = clamped(rounded(raw[:, :outputs]), -self.limit, self.limit)
        embedding *= self.step
        return embedding, raw[:, outputs:]

    def scores(self, embedding: Float32[NDArray[np.float32], "n outputs"]) -> Float64[NDArray[np.float64], "n K"]:
        """Return log2 of the prior, exact, up to a constant of each position.

        Args:
            embedding: What the prior head gives: an embedding under the codebooks, or logits.

        Source:
            Willetts et al. (2021), "Relaxed-Responsibility Hierarchical Discrete VAEs", equation 7.
        """
        e = embedding.astype(np.float64)
        if self.quadratic is None:
            return e
        out: NDArray[np.float64] = np.concatenate([e * e, e], axis=1) @ self.quadratic
        out += self.constant
        return out

    def distortion(
        self, residual: Float32[NDArray[np.float32], "n v"], weights: Float[NDArray[np.float32], " v"] | None
    ) -> Float32[NDArray[np.float32], "n K"]:
        """Return the distortion |residual - values_k|^2 / 2 of every symbol k in nats, less the part common to all.

        Args:
            residual: Targets less prediction and reconstruction, in units of sigma.
            weights: Weights of the coefficients' squares; None for ones.
        """
        weighed = self.values if weights is None else (self.values * weights).astype(np.float32)
        out: NDArray[np.float32] = residual @ -weighed.T
        out += np.float32(0.5) * (self.values * weighed).sum(1)
        return out

    def add_own(
        self, features: Float32[NDArray[np.float32], "N hidden"], rows: slice, symbols: Int32[NDArray[np.int32], " n"]
    ) -> None:
        """Add the symbols' embeddings to some rows of the features, in place."""
        if self.symbol_embedding is not None:
            features[rows] += self.symbol_embedding.take(symbols, axis=0)
            clamped(features[rows], -STATE_LIMIT, STATE_LIMIT)

    def add_to_neighbours(
        self,
        features: Float32[NDArray[np.float32], "N hidden"],
        own: BoardHalf,
        other: BoardHalf,
        symbols: Int32[NDArray[np.int32], " n"],
    ) -> None:
        """Add to the features, in place, what a half's symbols say to the other half, and their own embeddings."""
        assert self.neighbour_embedding is not None
        known = np.append(symbols, np.int32(self.symbols))  # the last is for missing neighbours
        for run in slices(len(other.positions), RUN):
            rows = other.positions[run]
            sums: NDArray[np.float32] = features.take(rows, axis=0)
            for table, beside in zip(self.neighbour_embedding, other.neighbours[:, run], strict=True):
                sums += table.take(known.take(beside), axis=0)
            features[rows] = clamped(sums, -STATE_LIMIT, STATE_LIMIT)
        if self.symbol_embedding is not None:
            for run in slices(len(own.positions), RUN):
                rows = own.positions[run]
                sums_own: NDArray[np.float32] = features.take(rows, axis=0) + self.symbol_embedding.take(
                    symbols[run], axis=0
                )
                features[rows] = clamped(sums_own, -STATE_LIMIT, STATE_LIMIT)
