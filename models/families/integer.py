"""Codebooks as weights files hold them: quadratic forms and symbols' vectors as integers.

    codes       int8 / 2^4          vectors of the symbols, 8-bit inputs of their embedding
    constant    int32 / 2^16        bits
    linear      int32 / 2^16        bits a unit of e
    quadratic   int32 / 2^16        bits a unit of e^2

With e on its grid of 2^-6, |e| <= 15, every partial sum of a score fits float64's 53 bits (`scores.check`).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...shapes import Float, Float64, Shaped
from ..integer.grid import ACTIVATION_BITS, quantise_signed
from ..integer.packing import integers
from ..runtime.linear import BoundError
from .codebooks import Codebook, QuadraticForm
from .config import LayerPlan
from .layers import LatentLayer
from .scores import FORM_BITS, check

PARTS = ("constant", "linear", "quadratic")


class IntegerCodebook(Codebook):
    """Computes exact scores from integers, which float64 holds; the posterior takes them as float32.

    Args:
        plan: Sizes of the layer.
        codes: Vectors of the symbols, (V, K, vector_size) int8, in steps of 2**-4.
        parts: Constant, linear and quadratic part of the form, int32 in steps of 2**-16; none where embeddings are the
            scores themselves.
    """

    def __init__(self, plan: LayerPlan, codes: Tensor, parts: dict[str, Tensor]) -> None:
        width = parts["linear"].shape[1] if parts else plan.symbols
        super().__init__(plan, width, codes.shape[-1])
        self.register_buffer("codes", codes.float() / 2**ACTIVATION_BITS)
        self.codes: Tensor
        for name, part in parts.items():
            self.register_buffer(name, part.double() / 2**FORM_BITS)

    def _form(self, dtype: torch.dtype) -> QuadraticForm | None:
        parts = [None if (part := getattr(self, name, None)) is None else part.to(dtype) for name in PARTS]
        constant, linear, quadratic = parts
        return None if constant is None or linear is None else QuadraticForm(constant, linear, quadratic)

    def form(self) -> QuadraticForm | None:
        """Return the scores' form in the posterior's precision, float32."""
        return self._form(torch.float32)

    def table(self) -> Float[Tensor, "V K vector"]:
        """Return the vectors of the symbols, on the grid 2**-4."""
        return self.codes

    def exact_bits(self, e: Float[Tensor, "V n D"]) -> Float64[Tensor, "V n K"]:
        """Return the scores of embeddings on their grid, in bits and exact."""
        form = self._form(torch.float64)
        return e.double() if form is None else form.bits(e.double())


def exact_scores(layer: LatentLayer, embedding: Float[Tensor, "rows D"]) -> Float64[Tensor, "rows K"]:
    """Return the prior's exact scores.

    Args:
        layer: A layer restored from a weights file.
        embedding: The prior's embeddings e_p, on their grid.

    Returns:
        Scores in bits, up to a constant of each row.
    """
    if layer.uniform:
        return embedding.new_zeros(len(embedding), layer.plan.symbols, dtype=torch.float64)
    if layer.direct:
        return embedding.double()
    return exact_posterior_scores(layer, embedding)


def exact_posterior_scores(layer: LatentLayer, query: Float[Tensor, "rows D"]) -> Float64[Tensor, "rows K"]:
    """Return the posterior's exact scores.

    Args:
        layer: A layer restored from a weights file.
        query: The posterior's embeddings e_q, on their grid.

    Returns:
        Scores in bits, up to a constant of each row.
    """
    assert isinstance(layer.codebook, IntegerCodebook), "exact scores need frozen weights"
    return layer.per_variable(layer.codebook.exact_bits, query)


def pack_codebook(name: str, book: Codebook) -> dict[str, Shaped[Tensor, ...]]:
    """Return a trained codebook's integers.

    Args:
        name: The layer's name, for error messages.
        book: The codebook.

    Returns:
        `codes` (V, K, vector_size) int8, and where there is a form `constant` (V, 1, K), `linear` (V, D, K) and
        `quadratic` (V, D, K) int32.

    Raises:
        BoundError: If a number does not fit its integers, or a score could exceed float64's 53 bits.
    """
    packed = {"codes": integers(quantise_signed(book.table().detach()), ACTIVATION_BITS, torch.int8)}
    form = book.form()
    if form is None:
        return packed
    constant = form.constant.detach().double()
    parts = {"constant": constant - constant.amax(-1, keepdim=True), "linear": form.linear.detach().double()}
    if form.quadratic is not None:
        parts["quadratic"] = form.quadratic.detach().double()
    for key, part in parts.items():
        if not bool((part.abs() < 2.0 ** (31 - FORM_BITS)).all()):
            raise BoundError(f"{name}: its {key} part of a score is too large for 32 bits")
        packed[key] = integers(part, FORM_BITS, torch.int32)
    check(name, {key: np.asarray(packed[key].cpu()) for key in parts})
    return packed
