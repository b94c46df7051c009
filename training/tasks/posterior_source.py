"""Choose symbols in training: take the posterior's hard choice, and sum the objective's terms during the pass.

The choice itself has no gradient. Where the analysis and the coefficient predictions learn, the backward pass uses
its relaxation instead, the posterior's mean: with q(k | e_q) ~ p(k) N(e_q; values_k, 1),

    d E_q[values] / d e_q = Cov_q(values),        d E_q[-ln p] / d e_q = Cov_q(values, -ln p),

which is almost zero inside a cell and large at its border, as it should be. A straight-through estimate of the
distortion's gradient taught the analysis to push coefficients out of the zero cell: the rate rose by 40 %.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ...models.photo.network.latent import PhotoLatentLayer
from ...models.photo.network.top_down import PhotoStep

LARGEST = 4.0
"""Bound of the relaxation's gradients, in nats per sigma, and relative to those of the distortion."""


class PosteriorSource:
    """Choose argmin_k distortion + rate (the mode of Bayes' posterior), and sum -ln p(k) by image.

    Its attributes: `nats` is the rate by image, (B,), `layer_nats` the same by layer, `codes` counts the symbols in
    use by layer, and `pull` is a surrogate loss for the rate's gradient, whose value means nothing.

    Args:
        batch: number of images B.
        pull_weight: weight of the rate in the loss, (B,), if the gradients above are wanted.
        emphasis: factor of these gradients.
    """

    def __init__(self, batch: int, pull_weight: Tensor | None = None, emphasis: float = 1.0) -> None:
        self.batch, self.pull_weight, self.emphasis = batch, pull_weight, emphasis
        self.nats = torch.zeros(())  # becomes (B,)
        self.pull = torch.zeros(())
        self.layer_nats: dict[str, Tensor] = {}
        self.codes: dict[str, int] = {}
        self._used: dict[str, Tensor] = {}  # (K,) by layer

    def next(self, step: PhotoStep) -> Tensor:
        """Return symbols (n,) int64."""
        assert step.residual is not None
        scores = step.layer.scores(step.embedding)
        with torch.no_grad():
            cost = self.cost(step, scores)
            symbols = self.decide(cost)
        nats = F.cross_entropy(scores, symbols, reduction="none")
        per_image = nats.view(self.batch, -1).sum(1)
        self.nats = self.nats + per_image
        if self.pull_weight is not None:
            self._relax(step, torch.softmax(-cost, dim=1), scores.detach())
        self._note(step.layer, per_image.detach(), symbols)
        return symbols

    def _note(self, layer: PhotoLatentLayer, nats: Tensor, symbols: Tensor) -> None:
        """Add the cost and the symbols in use of a part of a layer's positions."""
        used = torch.zeros(layer.symbols, dtype=torch.bool, device=symbols.device).index_fill_(0, symbols, True)
        self._used[layer.name] = used = used | self._used.get(layer.name, used)
        self.layer_nats[layer.name] = self.layer_nats.get(layer.name, 0.0) + nats
        self.codes[layer.name] = int(used.sum())

    def cost(self, step: PhotoStep, scores: Tensor) -> Tensor:
        """Return -ln of the posterior up to a constant of each position: scores (n, K) in nats -> (n, K)."""
        return step.costs() - scores

    def decide(self, cost: Tensor) -> Tensor:
        """Return the symbols of least cost: (n, K) in nats -> (n,)."""
        return cost.argmin(dim=1)

    def _relax(self, step: PhotoStep, posterior: Tensor, scores: Tensor) -> None:
        assert step.residual is not None and self.pull_weight is not None
        values = step.layer.reconstruction_values().detach()
        surprise = posterior * -scores
        gradient = surprise @ values - surprise.sum(1, keepdim=True) * (posterior @ values)
        scale = self.emphasis * self.pull_weight.repeat_interleave(len(gradient) // self.batch)[:, None]
        self.pull = self.pull + (gradient.clamp_(-LARGEST, LARGEST).mul_(scale) * step.residual).sum()
        step.relaxed = _PosteriorMean.apply(step.residual, posterior, values, self.emphasis)  # type: ignore[no-untyped-call]


class _PosteriorMean(torch.autograd.Function):
    """Return zeros with the gradient of the posterior's mean, Cov_q(values) times the incoming one: (n, v) -> (n, v).

    Where cells are wide, the gradient at a border is rare and large: it is bounded to LARGEST times the incoming one.
    """

    @staticmethod
    def forward(ctx: Any, residual: Tensor, posterior: Tensor, values: Tensor, emphasis: float) -> Tensor:
        ctx.save_for_backward(posterior, values)
        ctx.emphasis = emphasis
        return torch.zeros_like(residual)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        posterior, values = ctx.saved_tensors
        along = grads[0] @ values.t()
        along = posterior * (along - (posterior * along).sum(1, keepdim=True))
        out = along @ values
        bound = LARGEST * grads[0].norm(dim=1, keepdim=True) / out.norm(dim=1, keepdim=True).clamp_min(1e-20)
        return out * bound.clamp(max=1).mul_(ctx.emphasis), None, None, None
