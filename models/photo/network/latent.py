"""The relaxed-responsibility latent layer: one symbol at each position.

A symbol k stands for the k-th entry of a codebook of means and a codebook of variances. A mean has two parts: `values`,
the vector that the symbol adds to the reconstruction (in units of the posterior's standard deviation sigma), and
`context`, coordinates that only the networks use. Responsibilities of an embedding e under the codebooks,

    log pi_k(e) = -1/2 sum_d (e_d - mu_kd)^2 / s_kd - 1/2 sum_d log s_kd + const        (eq 6, 7; log-determinant form)

define the conditional prior for e = e_p (eq 7). The rate-distortion posterior is Bayes' rule with that prior as the
mixing weights, q(k) ~ p(k) N(e_q; values_k, sigma^2 I): eq 6 with unequal weights and lambda's variance. Its mode is
the entropy-constrained choice argmin_k |e_q - values_k|^2 / (2 sigma^2) - ln p(k).

Source:
    Willetts et al. (2021), "Relaxed-Responsibility Hierarchical Discrete VAEs", section 3.2, equations 6 and 7.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ....shapes import Float, Float64, Int64, Num
from ...integer.grid import ACTIVATION_BITS, quantise
from ...integer.linear import QuantLinear
from ..layout import PhotoLayerPlan
from .checkerboard import SIDES

CONTEXT = 12
"""Coordinates of a mean that only the networks use."""

EMBEDDING_BITS = 6
"""Context coordinates of e_p lie on the grid 2**-6."""
VALUE_BITS = 3
"""Value coordinates of e_p lie on the grid 2**-3, |e| <= 255."""
VALUE_LIMIT = 255.0
VALUE_GAIN = 2
CONTEXT_LIMIT = 15.0
PRECISION_LIMIT = 4.0
"""Largest 1 / (2 s): keeps the exact scores inside 53 bits and stops codebook variances from collapsing."""


class PhotoLatentLayer(nn.Module):
    """Codebooks, prior head, prediction head and symbol embedding of one layer, with the prior of equation 7.

    Args:
        plan: Sizes of the layer.
        hidden: Width of the position's features.
        last: Whether it is the last layer of its stage, which needs no symbol embedding.
        neighbours: Whether positions condition on their neighbours' symbols of the layer (`checkerboard`).
    """

    def __init__(self, plan: PhotoLayerPlan, hidden: int, *, last: bool = False, neighbours: bool = False) -> None:
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
        self.exact_prior: tuple[Tensor, Tensor] | None = None
        self.register_buffer("keep", torch.ones(symbols, 1))  # 0 at the null symbol
        self.keep: Tensor

    def outputs(self) -> int:
        """Return the number of the prior head's outputs."""
        return len(self.coefficients) + CONTEXT

    def grid(self) -> tuple[Int64[Tensor, " outputs"], Int64[Tensor, " outputs"], Num[Tensor, " outputs"]]:
        """Return the grid of e_p: the prior head's outputs times 2**gain, rounded to 2**-bits, clamped to +-limit.

        Returns:
            gain, bits and limit, (outputs,) each.
        """
        v = len(self.coefficients)
        gain, bits = [VALUE_GAIN] * v + [0] * CONTEXT, [VALUE_BITS] * v + [EMBEDDING_BITS] * CONTEXT
        limit = [VALUE_LIMIT] * v + [CONTEXT_LIMIT] * CONTEXT
        return torch.tensor(gain), torch.tensor(bits), torch.tensor(limit)

    def null_symbol(self) -> int:
        """Return the symbol that adds nothing to the reconstruction."""
        return int(self.keep.argmin())

    @torch.no_grad()
    def initialise(self, values: Float[Tensor, "K v"], probabilities: Float[Tensor, " K"]) -> None:
        """Initialise the codebooks.

        Context coordinates start as companded magnitudes and directions, variances so that e_p = 0 gives the
        frequencies.

        Args:
            values: Vectors of coefficients (K, v) in units of sigma.
            probabilities: Their frequencies (K,).
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

    def means(self) -> Float[Tensor, "K D"]:
        """Return the codebook of means (K, v + CONTEXT); the values of the null symbol are zero."""
        return torch.cat([self.reconstruction_values(), self.context], dim=1)

    def reconstruction_values(self) -> Float[Tensor, "K v"]:
        """Return the coefficients that each symbol adds to the reconstruction, (K, v) in units of sigma."""
        return self.values * self.keep

    def embedding(self, features: Float[Tensor, "N hidden"]) -> Float[Tensor, "N outputs"]:
        """Return e_p (N, v + CONTEXT), on its grid, of the positions' features (N, hidden)."""
        raw = self.prior_head(features)
        v = len(self.coefficients)
        value, context = raw.split([v, CONTEXT], dim=1)
        value = quantise(value * 2**VALUE_GAIN, VALUE_BITS, -VALUE_LIMIT, VALUE_LIMIT)
        return torch.cat([value, quantise(context, EMBEDDING_BITS, -CONTEXT_LIMIT, CONTEXT_LIMIT)], dim=1)

    def quadratic(self) -> tuple[Float[Tensor, "_ K"], Float[Tensor, " K"]]:
        """Return the responsibilities as a quadratic form, log pi = [e^2, e] @ matrix + constant, in nats.

        Returns:
            matrix (2 D, K) and constant (K,).
        """
        precision = (0.5 * torch.exp(-self.log_variance)).clamp_max(PRECISION_LIMIT)
        means = self.means()
        constant = -(precision * means.square()).sum(1) + 0.5 * torch.log(2 * precision).sum(1)
        return torch.cat([-precision, 2 * precision * means], dim=1).t(), constant

    def scores(self, embedding: Float[Tensor, "N D"]) -> Float[Tensor, "N K"]:
        """Return log pi_k(e) of equations 6 and 7 in nats, (N, K), up to a constant of each position."""
        matrix, constant = self.quadratic()
        return torch.addmm(constant, torch.cat([embedding.square(), embedding], dim=1), matrix)

    def set_exact_prior(self, precision: Float64[Tensor, "K D"], constant: Float64[Tensor, " K"]) -> None:
        """Set the exact prior, whose numbers are dyadic.

        Args:
            precision: (K, D) in bits.
            constant: (K,) in bits.
        """
        means = self.means().detach().double()
        matrix = torch.cat([-precision, 2 * precision * means], dim=1).t()
        self.exact_prior = (matrix.contiguous(), constant)

    def move_exact_prior(self, device: torch.device) -> None:
        """Move the exact prior to a device."""
        assert self.exact_prior is not None, "exact scores need quantised weights"
        self.exact_prior = (self.exact_prior[0].to(device), self.exact_prior[1].to(device))

    def exact_scores(self, embedding: Float[Tensor, "n D"]) -> Float64[Tensor, "n K"]:
        """Return the scores of equation 7 in bits, (n, K) exact float64, up to a constant of each position."""
        assert self.exact_prior is not None, "exact scores need quantised weights"
        matrix, constant = self.exact_prior
        e = embedding.double()
        return torch.addmm(constant, torch.cat([e.square(), e], dim=1), matrix)

    def distortion(
        self, residual: Float[Tensor, "N v"], importance: Float[Tensor, " v"] | None = None
    ) -> Float[Tensor, "N K"]:
        """Return |e_q - values_k|^2 / (2 sigma^2) in nats, (N, K), less its part common to all k.

        Args:
            residual: e_q (N, v) in units of sigma.
            importance: Weights (v,) of the coefficients' squared errors.
        """
        values = self.reconstruction_values()
        weighed = values if importance is None else values * importance
        return torch.addmm(0.5 * (values * weighed).sum(1), residual, weighed.t(), alpha=-1)

    def codeword_table(self) -> Float[Tensor, "K D"]:
        """Return the codewords, (K, v + CONTEXT): the means as the 8-bit input of the symbol embedding.

        Values are divided by 8; the grid is 2**-4.
        """
        means = self.means()
        v = len(self.coefficients)
        scaled = torch.cat([means[:, :v] / 8, means[:, v:]], dim=1)
        return quantise(scaled, ACTIVATION_BITS, -127 / 16, 127 / 16)


class DirectLayer(PhotoLatentLayer):
    """The same layer with a direct prior: the prior head gives the logits themselves.

    The codebook of variances is not used. Logits are in bits, grid 2**-6, |logit| <= 31.

    Source:
        Willetts et al. (2021), the ablation "Direct-Cat" of table G.1.
    """

    def outputs(self) -> int:
        """Return the number of logits, K."""
        return self.symbols

    def grid(self) -> tuple[Int64[Tensor, " K"], Int64[Tensor, " K"], Int64[Tensor, " K"]]:
        """Return the grid of the logits: gain, bits and limit, (K,) each."""
        ones = torch.ones(self.symbols, dtype=torch.int64)
        return VALUE_GAIN * ones, EMBEDDING_BITS * ones, LOGIT_LIMIT * ones

    @torch.no_grad()
    def initialise(self, values: Float[Tensor, "K v"], probabilities: Float[Tensor, " K"]) -> None:
        """Initialise as `PhotoLatentLayer.initialise` does, and the biases of the logits from the frequencies."""
        super().initialise(values, probabilities)
        self.prior_head.bias.copy_(torch.log2(probabilities / probabilities.max()) / 2**VALUE_GAIN)

    def embedding(self, features: Float[Tensor, "N hidden"]) -> Float[Tensor, "N K"]:
        """Return the logits in bits, (N, K), of the positions' features (N, hidden)."""
        return quantise(self.prior_head(features) * 2**VALUE_GAIN, EMBEDDING_BITS, -LOGIT_LIMIT, LOGIT_LIMIT)

    def scores(self, embedding: Float[Tensor, "N K"]) -> Float[Tensor, "N K"]:
        """Return log-probabilities in nats, (N, K), up to a constant of each position."""
        return embedding * math.log(2)

    def move_exact_prior(self, device: torch.device) -> None:
        """Do nothing: the prior head alone computes the logits."""

    def exact_scores(self, embedding: Float[Tensor, "n K"]) -> Float64[Tensor, "n K"]:
        """Return the logits in bits, (n, K) exact float64."""
        return embedding.double()


LOGIT_LIMIT = 31
"""Largest magnitude of a logit, in bits."""

PRIORS: dict[str, type[PhotoLatentLayer]] = {"responsibilities": PhotoLatentLayer, "direct": DirectLayer}
"""Latent layers by the parameterisation of their prior: by an embedding under the codebooks (eq 7), or directly."""


def matching_log_variance(
    energy: Float[Tensor, " K"], target: Float[Tensor, " K"], count: float = CONTEXT
) -> Float[Tensor, " K"]:
    """Solve -energy/2 e^-t - count/2 t = target + a common constant for the log-variances t.

    On t >= ln(energy / count) the left side falls, so that bisection finds t. The constant is the largest for which
    every k has a solution with variances of at least 1/2.

    Args:
        energy: The means' squared norms (K,).
        target: Log-probabilities (K,) in nats.
        count: Number of coordinates.

    Returns:
        t (K,).
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
