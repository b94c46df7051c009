"""A codebook as a weights file restores it: the quadratic form and the symbols' worth as integers.

    codes       int8 / 2^4          what a symbol is worth, an 8-bit input of its ladder
    constant    int32 / 2^16        bits
    linear      int32 / 2^16        bits a unit of e
    quadratic   int32 / 2^16        bits a unit of e^2

With e on its grid of 2^-6, |e| <= 15, every partial sum of a score fits float64's 53 bits: `check` holds it to that.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..integer.grid import ACTIVATION_BITS, quantise_signed
from ..integer.packing import BoundError, integers
from .arithmetic import EMBEDDING_BITS, EMBEDDING_LIMIT
from .codebooks import Codebook, QuadraticForm
from .config import LayerPlan
from .layers import LatentLayer

FORM_BITS = 16
PARTS = ("constant", "linear", "quadratic")


class IntegerCodebook(Codebook):
    """Constants of the exact path; float64 holds them, the posterior takes them as float32."""

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
        """In the posterior's precision."""
        return self._form(torch.float32)

    def table(self) -> Tensor:
        """The symbols' worth, on the grid 2^-4."""
        return self.codes

    def exact_bits(self, e: Tensor) -> Tensor:
        """Scores in bits, exact float64. (V, n, D) -> (V, n, K)"""
        form = self._form(torch.float64)
        return e.double() if form is None else form.bits(e.double())


def exact_scores(layer: LatentLayer, embedding: Tensor) -> Tensor:
    """The prior's scores in bits, exact float64, for e_p on its grid; up to a row's constant. (rows, D) -> (rows, K)"""
    if layer.uniform:
        return embedding.new_zeros(len(embedding), layer.plan.symbols, dtype=torch.float64)
    if layer.direct:
        return embedding.double()
    return exact_posterior_scores(layer, embedding)


def exact_posterior_scores(layer: LatentLayer, query: Tensor) -> Tensor:
    """The posterior's scores in bits, exact float64, for e_q on its grid. (rows, D) -> (rows, K)"""
    assert isinstance(layer.codebook, IntegerCodebook), "exact scores need frozen weights"
    return layer.per_variable(layer.codebook.exact_bits, query)


def pack_codebook(name: str, book: Codebook) -> dict[str, Tensor]:
    """A trained codebook's integers. BoundError if they do not fit."""
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
    check(name, packed)
    return packed


def check(name: str, packed: dict[str, Tensor]) -> None:
    """Holds every partial sum of a score to 53 bits of its finest grid."""
    if "linear" not in packed:
        return
    reach = packed["constant"].double().abs().amax() + EMBEDDING_LIMIT * _columns(packed["linear"])
    finest = FORM_BITS + EMBEDDING_BITS
    if "quadratic" in packed:
        reach, finest = reach + EMBEDDING_LIMIT**2 * _columns(packed["quadratic"]), finest + EMBEDDING_BITS
    largest = float(reach) / 2**FORM_BITS
    if largest * 2.0**finest >= 2.0**53:
        raise BoundError(f"{name}: a score could reach {largest:.3g} bits, too large for float64's 53")


def _columns(part: Tensor) -> Tensor:
    """The largest sum of magnitudes over a symbol's coordinates. (V, D, K) -> ()"""
    return part.double().abs().sum(1).amax()
