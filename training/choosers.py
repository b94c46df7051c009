"""The training chooser: takes the posterior's hard choice and gathers the objective's terms on the way down."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..models.descent import Step


class PosteriorChooser:
    """Chooses argmin_k distortion + rate (the mode of Bayes' posterior) and sums -ln p(k) for each image.

    `nats`: rate by image (B,). `pull`: a surrogate whose gradient with respect to e_q is that of the posterior's
    expected rate, sum_k q(k | e_q) (-ln p(k)) with p and the codebook held fixed; it moves the analysis and the
    canvas predictions towards cheap symbols.
    """

    def __init__(self, batch: int, pull_weight: Tensor | None = None) -> None:
        self.batch, self.pull_weight = batch, pull_weight
        self.nats = torch.zeros(())  # becomes (B,)
        self.pull = torch.zeros(())
        self.layer_nats: dict[str, Tensor] = {}

    def choose(self, step: Step) -> Tensor:
        """Symbols (n,) int64."""
        assert step.residual is not None
        scores = step.layer.scores(step.embedding)
        with torch.no_grad():
            cost = step.layer.distortion(step.residual) - scores
            symbols = self.decide(cost)
        nats = F.cross_entropy(scores, symbols, reduction="none")
        per_image = nats.view(self.batch, -1).sum(1)
        self.nats = self.nats + per_image
        if self.pull_weight is not None:
            self._pull(step, cost, scores.detach())
        self.layer_nats[step.layer.name] = per_image.detach()
        return symbols

    def decide(self, cost: Tensor) -> Tensor:
        """The symbols of least cost: (n, K) in nats -> (n,)."""
        return cost.argmin(dim=1)

    @torch.no_grad()
    def _pull(self, step: Step, cost: Tensor, scores: Tensor) -> None:
        assert step.residual is not None and self.pull_weight is not None
        posterior = torch.softmax(-cost, dim=1)
        values = step.layer.canvas_values()
        surprise = posterior * -scores
        gradient = surprise @ values - surprise.sum(1, keepdim=True) * (posterior @ values)
        scale = self.pull_weight.repeat_interleave(len(gradient) // self.batch)[:, None]
        with torch.enable_grad():
            self.pull = self.pull + (gradient.clamp_(-4, 4).mul_(scale) * step.residual).sum()
