"""Codebooks: they turn an embedding into probabilities of symbols, and a symbol into a vector for the networks.

Every kind scores symbol k under an embedding e by a quadratic form, in bits,

    score_k(e) = constant_k + sum_d linear_dk e_d + sum_d quadratic_dk e_d^2,       pi_k ~ 2^score_k,

which is what the exact prior computes in integers. Variables at one position have codebooks of their own: tensors begin
with V, the number of variables; e is (V, n, D), scores (V, n, K).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...shapes import Float, Int64
from .config import FamilyConfig, LayerPlan

LN2 = math.log(2)
VARIANCES = (-5.0, 8.0)
"""Bounds of a log-variance: scores stay inside what the exact prior can hold."""


class QuadraticForm(NamedTuple):
    """A quadratic form in bits: constant (V, 1, K), linear (V, D, K), quadratic (V, D, K) or None where it is zero."""

    constant: Tensor
    linear: Tensor
    quadratic: Tensor | None

    def bits(self, e: Float[Tensor, "V n D"]) -> Float[Tensor, "V n K"]:
        """Return the scores of embeddings, in bits."""
        scores = torch.baddbmm(self.constant, e, self.linear)
        return scores if self.quadratic is None else torch.baddbmm(scores, e.square(), self.quadratic)


class Codebook(nn.Module):
    """Scores symbols under an embedding, and holds a vector for each symbol: what all kinds share.

    Args:
        plan: Sizes of the layer.
        width: Length D of an embedding.
        vector_size: Length of a symbol's vector.
    """

    def __init__(self, plan: LayerPlan, width: int, vector_size: int) -> None:
        super().__init__()
        self.width, self.vector_size = width, vector_size
        self.shape = (plan.variables, plan.symbols)

    def form(self) -> QuadraticForm | None:
        """Return the scores' form; None where e is the scores themselves, in bits."""
        raise NotImplementedError

    def table(self) -> Float[Tensor, "V K vector"]:
        """Return the vector of each symbol."""
        raise NotImplementedError

    def scores(self, e: Float[Tensor, "V n D"]) -> Float[Tensor, "V n K"]:
        """Return the scores of embeddings, in nats, up to a constant of each row."""
        form = self.form()
        return (e if form is None else form.bits(e)) * LN2

    def usage(self, symbols: Int64[Tensor, " rows"]) -> Int64[Tensor, "V K"]:
        """Count how often each variable chose each of its symbols.

        Variables have symbols of their own; the positions of one variable share its codebook.

        Args:
            symbols: A layer's symbols, V * n of them, by variable.
        """
        variables, count = self.shape
        offsets = count * torch.arange(variables, device=symbols.device)[:, None]
        found = torch.bincount((symbols.view(variables, -1) + offsets).flatten(), minlength=variables * count)
        return found.view(self.shape)


class Responsibilities(Codebook):
    """Codebooks of means and variances: pi_k(e) is the responsibility of N(mu_k, s_k) for e.

    The variance enters as the log-determinant, a sum over coordinates of -1/2 log s; with `config.literal` as the one
    square root that the paper prints.

    Source:
        Willetts et al. (2021), "Relaxed-Responsibility Hierarchical Discrete VAEs", section 3.2, equations 6 and 7.
    """

    def __init__(self, plan: LayerPlan, config: FamilyConfig) -> None:
        super().__init__(plan, config.embedding, config.embedding)
        self.literal = config.literal
        self.means = nn.Parameter(torch.randn(*self.shape, self.width) / self.width**0.5)
        columns = self.width if config.variance == "diagonal" else 1
        variance = torch.zeros(*self.shape, columns)
        if config.variance == "unit":  # rVQ, eq 2
            self.register_buffer("log_variance", variance)
        else:
            self.log_variance = nn.Parameter(variance)

    def form(self) -> QuadraticForm:
        """Return -1/2 |e - mu|^2 / s - 1/2 log |s| as a form."""
        log_variance = self.log_variance.clamp(*VARIANCES).expand_as(self.means)
        precision = 0.5 * torch.exp(-log_variance)
        determinant = log_variance.mean(-1) if self.literal else log_variance.sum(-1)
        constant = -(precision * self.means.square()).sum(-1) - 0.5 * determinant
        linear, quadratic = (2 * precision * self.means).mT, -precision.mT
        return QuadraticForm(constant[:, None] / LN2, linear / LN2, quadratic / LN2)

    def table(self) -> Float[Tensor, "V K vector"]:
        """Return the means."""
        return self.means


class Memory(Codebook):
    """A memory layer with factored keys: log2 pi_i = Q(h)^T k_i + c, y = v_i.

    Key (i, j) is the concatenation of half-keys a_i and b_j: K = k^2 keys from 2 k.

    Source:
        Lievin et al. (2019), equation 2, and for the factored keys Lample et al. (2019).
    """

    def __init__(self, plan: LayerPlan, config: FamilyConfig) -> None:
        super().__init__(plan, config.embedding, config.values)
        root = math.isqrt(plan.symbols)
        self.keys = nn.Parameter(torch.randn(2, plan.variables, root, self.width // 2) / self.width**0.5)
        self.values = nn.Parameter(self._initial_values())

    @torch.no_grad()
    def _initial_values(self) -> Tensor:
        """Return values that begin as the keys, rotated, with variance 1, (V, K, vector_size).

        Symbols with similar keys then have similar values, so that the mean over likely symbols carries the direction
        of the query. Among values drawn apart from their keys that mean carries next to nothing, and the quickest way
        to less noise is to use few symbols.
        """
        rotation = nn.init.orthogonal_(torch.empty(self.width, self.vector_size))
        begun: Tensor = self.form().linear.mT @ rotation * self.width**0.5
        return begun

    def form(self) -> QuadraticForm:
        """Return the form with all K keys written out."""
        a, b = self.keys
        root = a.shape[1]
        full = torch.cat([a.repeat_interleave(root, 1), b.repeat(1, root, 1)], dim=-1)
        return QuadraticForm(full.new_zeros(len(full), 1, full.shape[1]), full.mT, None)

    def scores(self, e: Float[Tensor, "V n D"]) -> Float[Tensor, "V n K"]:
        """Return the scores, in nats, from the factors alone: two products with k keys and their outer sum."""
        first, second = e.chunk(2, dim=-1)
        a, b = self.keys
        pairs: Tensor = (first @ a.mT)[..., :, None] + (second @ b.mT)[..., None, :]
        return pairs.flatten(-2) * LN2

    def table(self) -> Float[Tensor, "V K vector"]:
        """Return the memory's values."""
        return self.values


class Logits(Codebook):
    """Takes embeddings as the scores themselves, in bits; a symbol has a learned vector."""

    def __init__(self, plan: LayerPlan, config: FamilyConfig) -> None:
        super().__init__(plan, plan.symbols, config.values)
        self.values = nn.Parameter(torch.randn(*self.shape, self.vector_size))

    def form(self) -> None:
        """Return None: e is the scores."""

    def table(self) -> Float[Tensor, "V K vector"]:
        """Return the learned vectors."""
        return self.values


class Nearest(Codebook):
    """VQ-VAE's dictionary: the symbol is the nearest entry.

    The codebook learns by its loss |sg(e) - E|^2, or (`ema`) follows moving averages of counts and sums,
    N <- g N + (1 - g) n and m <- g m + (1 - g) sum e, E = m / N. An entry that was not chosen for so long that N is
    below `LEAST` stays where it is: there the ratio is noise, then nothing over nothing.

    Source:
        van den Oord et al. (2017), "Neural Discrete Representation Learning"; equation 1 of Willetts et al. (2021).
    """

    DECAY = 0.99
    LEAST = 1e-5

    def __init__(self, plan: LayerPlan, config: FamilyConfig) -> None:
        super().__init__(plan, config.embedding, config.embedding)
        self.commitment, self.ema = config.commitment, config.ema_codebook
        entries = torch.randn(*self.shape, self.width) / self.width**0.5
        if self.ema:
            self.register_buffer("entries", entries)
            self.register_buffer("counts", torch.ones(self.shape))
            self.register_buffer("sums", entries.clone())
        else:
            self.entries = nn.Parameter(entries)

    def form(self) -> QuadraticForm:
        """Return -|e - E_k|^2 as a form."""
        squares = self.entries.square().sum(-1)
        return QuadraticForm(-squares[:, None], 2 * self.entries.mT, -torch.ones_like(self.entries.mT))

    def table(self) -> Float[Tensor, "V K vector"]:
        """Return the entries."""
        return self.entries

    def losses(self, e: Float[Tensor, "V n D"], symbols: Int64[Tensor, "V n"]) -> Float[Tensor, "V n"]:
        """Return the codebook's and the commitment loss of each row; the latter alone if moving averages are followed.

        Args:
            e: The posterior's embeddings.
            symbols: Their nearest entries.
        """
        chosen = self.entries.gather(1, symbols[..., None].expand_as(e))
        commitment = self.commitment * (e - chosen.detach()).square().sum(-1)
        return commitment if self.ema else commitment + (e.detach() - chosen).square().sum(-1)

    @torch.no_grad()
    def update_moving_averages(self, e: Float[Tensor, "V n D"], symbols: Int64[Tensor, "V n"]) -> None:
        """Update the moving averages by one batch, in their own precision whatever that of e."""
        assert isinstance(self.counts, Tensor) and isinstance(self.sums, Tensor)
        member = F.one_hot(symbols, self.shape[1]).to(self.sums.dtype)  # (V, n, K)
        with torch.autocast(e.device.type, enabled=False):
            self.counts.lerp_(member.sum(1), 1 - self.DECAY)
            self.sums.lerp_(member.mT @ e.to(self.sums.dtype), 1 - self.DECAY)
        self._divide()

    @torch.no_grad()
    def synchronise(self, average: Callable[[Iterable[Float[Tensor, ...]]], None]) -> None:
        """Share the moving averages with other processes: `average` replaces tensors by their means over them."""
        assert isinstance(self.counts, Tensor) and isinstance(self.sums, Tensor)
        average([self.counts, self.sums])
        self._divide()

    def _divide(self) -> None:
        assert isinstance(self.counts, Tensor) and isinstance(self.sums, Tensor)
        counts = self.counts[..., None]
        self.entries.copy_(torch.where(counts < self.LEAST, self.entries, self.sums / counts.clamp_min(self.LEAST)))


KINDS = {"responsibilities": Responsibilities, "memory": Memory, "logits": Logits, "nearest": Nearest}
