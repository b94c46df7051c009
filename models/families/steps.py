"""What a family hands to whoever chooses its symbols: the step of one layer, and the results of inference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from .distributions import Distribution
from .layers import LatentLayer


@dataclass
class Inference:
    """What inference knows of images: the bottom-up chain by level, finest first, and what was chosen on the way up."""

    features: list[Tensor]  # (B, C, side, side)
    queries: dict[int, Tensor]  # by layer of the walk: e_q (rows, D)
    choices: dict[int, Tensor]  # by layer of the walk

    def repeat(self, times: int) -> Inference:
        """The same for `times` copies of the images; only where nothing was chosen on the way up."""
        assert not self.choices
        return Inference([h.repeat(times, 1, 1, 1) for h in self.features], {}, {})


@dataclass
class Step:
    """All positions of one layer."""

    index: int
    layer: LatentLayer
    images: int
    embedding: Tensor  # e_p (rows, D)
    query: Tensor | None  # e_q (rows, D); None without evidence
    inferred: Tensor | None  # chosen on the way up

    @cached_property
    def prior(self) -> Distribution:
        """p(z_l | z_>l)."""
        return self.layer.prior(self.embedding)

    @cached_property
    def posterior(self) -> Distribution | None:
        """q(z_l | ..., x), where there is evidence."""
        return None if self.query is None else self.layer.posterior(self.query)

    def by_image(self, rows: Tensor) -> Tensor:
        """Sums over the variables and positions of an image. (rows,) -> (B,)"""
        return rows.view(self.layer.plan.variables, self.images, -1).sum((0, 2))
