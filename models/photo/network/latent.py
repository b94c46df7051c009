"""The relaxed-responsibility latent layer (Willetts et al. 2021, section 3.2): one symbol a position.

A symbol k stands for the k-th entry of a codebook of means and a codebook of variances. A mean has two parts: `values`,
the vector that the symbol adds to the canvas (in units of the posterior's standard deviation sigma), and `context`,
coordinates that only the networks see. Responsibilities of an embedding e under the codebooks,

    log pi_k(e) = -1/2 sum_d (e_d - mu_kd)^2 / s_kd - 1/2 sum_d log s_kd + const        (eq 6, 7; log-determinant form)

define the conditional prior for e = e_p (eq 7). The rate-distortion posterior is Bayes' rule with that prior as the
mixing weights, q(k) ~ p(k) N(e_q; values_k, sigma^2 I): eq 6 with unequal weights and lambda's variance. Its mode is
the entropy-constrained choice argmin_k |e_q - values_k|^2 / (2 sigma^2) - ln p(k).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ...integer.grid import ACTIVATION_BITS, quantise
from ...integer.linear import QuantLinear
from .checkerboard import SIDES
from .layout import LayerPlan

CONTEXT = 12
"""Coordinates of a mean that only the networks see."""

EMBEDDING_BITS = 6
"""Context coordinates of e_p lie on the grid 2**-6 ..."""
VALUE_BITS = 3
"""... and value coordinates on the grid 2**-3, |e| <= 255."""
VALUE_LIMIT = 255.0
VALUE_GAIN = 2
CONTEXT_LIMIT = 15.0
PRECISION_LIMIT = 4.0
"""Largest 1 / (2 s): keeps the exact scores inside 53 bits and stops codebook variances from collapsing."""


class LatentLayer(nn.Module):
    """Codebooks, prior head (strap), canvas prediction and symbol embedding (ladder) of one layer.

    The prior is that of eq 7, `prior="responsibilities"`, or `DirectLayer`'s.

    `hidden` is the width of the position's features. The last layer of a stage has no ladder: nothing follows it there.
    With `neighbours`, positions see their neighbours' symbols of the layer (see checkerboard).
    """

    def __init__(self, plan: LayerPlan, hidden: int, *, last: bool = False, neighbours: bool = False) -> None:
        super().__init__()
        self.name, self.stride, self.chroma = plan.name, plan.stride, plan.chroma
        self.coefficients, self.symbols = plan.coefficients, plan.symbols
        symbols, coefficients = plan.symbols, plan.coefficients
        self.values = nn.Parameter(torch.zeros(symbols, len(coefficients)))  # (K, v), units of sigma
        self.context = nn.Parameter(torch.zeros(symbols, CONTEXT))  # (K, CONTEXT)
        self.log_variance = nn.Parameter(torch.zeros(symbols, len(coefficients) + CONTEXT))  # (K, v + CONTEXT)
        dim = len(coefficients) + CONTEXT
        self.prior_head = QuantLinear(hidden, self.outputs(), gain=0.1, input_limit=255)
        self.symbol_embedding = None if last else QuantLinear(dim, hidden, gain=0.15)
        self.neighbour_embedding = QuantLinear(dim, SIDES * hidden, gain=0.05) if neighbours else None
        self.mean = nn.Linear(hidden, len(coefficients))
        nn.init.zeros_(self.mean.weight)
        nn.init.zeros_(self.mean.bias)
        self.exact: tuple[Tensor, Tensor] | None = None
        self.register_buffer("keep", torch.ones(symbols, 1))  # 0 at the symbol that means "nothing to add"
        self.keep: Tensor

    def outputs(self) -> int:
        """How many numbers the strap makes for a position."""
        return len(self.coefficients) + CONTEXT

    def grid(self) -> tuple[Tensor, Tensor, Tensor]:
        """The grid of e_p: the strap's outputs times 2**gain, to 2**-bits, clamped to +-limit. (outputs,) each"""
        v = len(self.coefficients)
        gain, bits = [VALUE_GAIN] * v + [0] * CONTEXT, [VALUE_BITS] * v + [EMBEDDING_BITS] * CONTEXT
        limit = [VALUE_LIMIT] * v + [CONTEXT_LIMIT] * CONTEXT
        return torch.tensor(gain), torch.tensor(bits), torch.tensor(limit)

    def null_symbol(self) -> int:
        """The symbol that adds nothing to the canvas."""
        return int(self.keep.argmin())

    @torch.no_grad()
    def initialise(self, values: Tensor, probabilities: Tensor) -> None:
        """Sets the codebooks from canvas vectors (K, v) and their frequencies (K,).

        Context coordinates start as companded magnitudes and directions; variances so that e_p = 0 gives the
        frequencies.
        """
        self.values.copy_(values)
        self.keep.fill_(1)[values.square().sum(1).argmin()] = 0
        norm = values.norm(dim=1, keepdim=True)
        mixing = torch.randn(values.shape[1], CONTEXT - 3) / math.sqrt(values.shape[1])
        directions = torch.log2(1 + norm) * values / norm.clamp_min(1e-6) @ mixing
        magnitudes = [torch.log2(1 + norm), (norm < 1).float(), torch.log2(1 + values.abs().amax(1, keepdim=True))]
        self.context.copy_(torch.cat([*magnitudes, directions], 1))
        spread = (2 + 0.3 * norm) ** 2  # (K, 1)
        known = (-0.5 * self.reconstruction_values().square() / spread - 0.5 * torch.log(spread)).sum(1)
        shift = matching_log_variance(self.context.square().sum(1), torch.log(probabilities) - known)
        self.log_variance.copy_(
            torch.cat([torch.log(spread).expand_as(values), shift[:, None].expand_as(self.context)], 1)
        )

    def means(self) -> Tensor:
        """The codebook of means, the rest symbol's values held at zero. (K, v + CONTEXT)"""
        return torch.cat([self.reconstruction_values(), self.context], dim=1)

    def reconstruction_values(self) -> Tensor:
        """What each symbol adds to the canvas, in units of sigma. (K, v)"""
        return self.values * self.keep

    def embedding(self, features: Tensor) -> Tensor:
        """e_p from the position's features (N, hidden), on its grid. (N, v + CONTEXT)"""
        raw = self.prior_head(features)
        v = len(self.coefficients)
        value, context = raw.split([v, CONTEXT], dim=1)
        value = quantise(value * 2**VALUE_GAIN, VALUE_BITS, -VALUE_LIMIT, VALUE_LIMIT)
        return torch.cat([value, quantise(context, EMBEDDING_BITS, -CONTEXT_LIMIT, CONTEXT_LIMIT)], dim=1)

    def quadratic(self) -> tuple[Tensor, Tensor]:
        """Responsibilities as a quadratic form: log pi = [e^2, e] @ matrix + constant, in nats. (2 D, K), (K,)"""
        precision = (0.5 * torch.exp(-self.log_variance)).clamp_max(PRECISION_LIMIT)
        means = self.means()
        constant = -(precision * means.square()).sum(1) + 0.5 * torch.log(2 * precision).sum(1)
        return torch.cat([-precision, 2 * precision * means], dim=1).t(), constant

    def scores(self, embedding: Tensor) -> Tensor:
        """log pi_k(e) of eq 6 and 7 up to a constant of each position, in nats. (N, D) -> (N, K)"""
        matrix, constant = self.quadratic()
        return torch.addmm(constant, torch.cat([embedding.square(), embedding], dim=1), matrix)

    def freeze(self, precision: Tensor, constant: Tensor) -> None:
        """Fixes the exact prior: precisions (K, D) and constants (K,) in bits, dyadic float64 (see exact_prior)."""
        means = self.means().detach().double()
        matrix = torch.cat([-precision, 2 * precision * means], dim=1).t()
        self.exact = (matrix.contiguous(), constant)

    def move_exact(self, device: torch.device) -> None:
        """Takes the exact prior to a device."""
        assert self.exact is not None, "exact scores need frozen weights"
        self.exact = (self.exact[0].to(device), self.exact[1].to(device))

    def exact_scores(self, embedding: Tensor) -> Tensor:
        """eq 7's scores in bits, exact float64, up to a constant of each position. (n, D) -> (n, K)"""
        assert self.exact is not None, "exact scores need frozen weights"
        matrix, constant = self.exact
        e = embedding.double()
        return torch.addmm(constant, torch.cat([e.square(), e], dim=1), matrix)

    def distortion(self, residual: Tensor, importance: Tensor | None = None) -> Tensor:
        """|e_q - values_k|^2 / (2 sigma^2) in nats, less its part common to all k. (N, v) -> (N, K)

        `residual` is e_q in units of sigma; `importance` (v,) weighs the coefficients' squares.
        """
        values = self.reconstruction_values()
        weighed = values if importance is None else values * importance
        return torch.addmm(0.5 * (values * weighed).sum(1), residual, weighed.t(), alpha=-1)

    def code_table(self) -> Tensor:
        """The means as the 8-bit input of the ladder: values / 8 and context, grid 2**-4. (K, v + CONTEXT)"""
        means = self.means()
        v = len(self.coefficients)
        scaled = torch.cat([means[:, :v] / 8, means[:, v:]], dim=1)
        return quantise(scaled, ACTIVATION_BITS, -127 / 16, 127 / 16)


class DirectLayer(LatentLayer):
    """The same layer with a direct prior: the strap gives the logits themselves (the ablation of table G.1).

    The codebook of variances is not used. Logits are in bits, grid 2**-6, |logit| <= 31.
    """

    def outputs(self) -> int:
        """K logits."""
        return self.symbols

    def grid(self) -> tuple[Tensor, Tensor, Tensor]:
        """The logits' grid."""
        ones = torch.ones(self.symbols, dtype=torch.int64)
        return VALUE_GAIN * ones, EMBEDDING_BITS * ones, LOGIT_LIMIT * ones

    @torch.no_grad()
    def initialise(self, values: Tensor, probabilities: Tensor) -> None:
        """As `LatentLayer.initialise`; the logits' biases start at the frequencies."""
        super().initialise(values, probabilities)
        self.prior_head.bias.copy_(torch.log2(probabilities / probabilities.max()) / 2**VALUE_GAIN)

    def embedding(self, features: Tensor) -> Tensor:
        """Logits in bits (N, K) from the position's features (N, hidden)."""
        return quantise(self.prior_head(features) * 2**VALUE_GAIN, EMBEDDING_BITS, -LOGIT_LIMIT, LOGIT_LIMIT)

    def scores(self, embedding: Tensor) -> Tensor:
        """Log-probabilities up to a constant, in nats. (N, K)"""
        return embedding * math.log(2)

    def move_exact(self, device: torch.device) -> None:
        """The strap alone makes the logits: nothing to take along."""

    def exact_scores(self, embedding: Tensor) -> Tensor:
        """The same in bits, exact float64."""
        return embedding.double()


LOGIT_LIMIT = 31

PRIORS: dict[str, type[LatentLayer]] = {"responsibilities": LatentLayer, "direct": DirectLayer}
"""How a layer's prior is parameterised: by an embedding under the codebooks (eq 7), or directly."""


def matching_log_variance(energy: Tensor, target: Tensor, count: float = CONTEXT) -> Tensor:
    """The log-variances t (K,) of `count` coordinates with -energy/2 e^-t - count/2 t = target + a common constant.

    `energy` (K,) is the mean's squared norm. On t >= ln(energy / count) the left side falls, so bisection finds t;
    the constant is the largest for which every k has a solution with variances of at least 1/2.
    """
    low = torch.log(energy / count).clamp_min(math.log(0.5))

    def log_density(t: Tensor) -> Tensor:
        return -0.5 * energy * torch.exp(-t) - 0.5 * count * t

    goal = target + (log_density(low) - target).min()
    high = low + 40
    for _ in range(50):
        middle = (low + high) / 2
        above = log_density(middle) > goal
        low, high = torch.where(above, middle, low), torch.where(above, high, middle)
    return low
