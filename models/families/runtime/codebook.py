"""Codebooks of integers: scores of symbols under embeddings, and the symbols' vectors (see `families.integer`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Float64, Int32
from ..config import FamilyConfig, LayerPlan
from ..scores import EMBEDDING_BITS, FORM_BITS, check


class RuntimeCodebook:
    """The codebook of one layer, whose variables have symbols of their own.

    Args:
        name: The layer's name, for error messages.
        plan: Sizes of the layer.
        config: The model's configuration.
        tensors: The codebook's tensors.

    Raises:
        ValueError: The tensors do not fit, or a score could round.
    """

    def __init__(self, name: str, plan: LayerPlan, config: FamilyConfig, tensors: Any) -> None:
        kind, self.symbols = config.latent_of(plan.level), plan.symbols
        self.width = plan.symbols if kind == "logits" else config.embedding
        self.vector_size = config.values if kind in ("memory", "logits") else config.embedding
        codes = tensors.take("codes", np.int8, (plan.variables, plan.symbols, self.vector_size))
        self.codes: NDArray[np.float32] = codes.reshape(-1, self.vector_size).astype(np.float32)
        self.first = np.arange(plan.variables, dtype=np.int32)[:, None] * np.int32(plan.symbols)
        whole, line = (plan.variables, self.width, plan.symbols), (plan.variables, 1, plan.symbols)
        shapes = {} if kind == "logits" else {"constant": line, "linear": whole}
        if kind in ("responsibilities", "nearest"):
            shapes["quadratic"] = whole
        parts = {key: tensors.take(key, np.int32, shape) for key, shape in shapes.items()}
        check(f"{name}.codebook", parts)
        scaled = {key: part * 2.0**-FORM_BITS for key, part in parts.items()}
        self.constant = scaled.pop("constant", None)
        self.form = np.concatenate(list(scaled.values()), axis=1) if scaled else None

    def scores(self, embedding: Float32[NDArray[np.float32], "rows D"]) -> Float64[NDArray[np.float64], "rows K"]:
        """Return the scores of embeddings in steps of 2**-6: exact, in bits, up to a constant of each row."""
        e = embedding.astype(np.float64)
        e *= 2.0**-EMBEDDING_BITS
        if self.form is None:
            return e
        e = e.reshape(len(self.form), -1, self.width)
        if self.form.shape[1] > self.width:
            e = np.concatenate([e, e * e], axis=2)
        found: NDArray[np.float64] = e @ self.form
        found += self.constant
        return found.reshape(-1, self.symbols)

    def vectors(self, symbols: Int32[NDArray[np.int32], " rows"]) -> Float32[NDArray[np.float32], "rows vector"]:
        """Return the vectors of symbols in steps of 2**-4."""
        places = symbols.reshape(len(self.first), -1) + self.first
        return self.codes.take(places.reshape(-1), axis=0)
