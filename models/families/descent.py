"""The way down: one Descent for all hierarchies of Lievin et al. (2019, appendix F) and the ResNet-VAE.

At each level the chain d takes in what the level above has chosen. With skip connections it keeps what it held, so that
a prior depends on all layers above, p(z_l | z_>l) (eq 18, 20-22; eq 3 of Willetts et al.); without, on the last level
alone, p(z_l | z_l+1) (eq 17, 19).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from torch import Tensor

from .distributions import Distribution
from .layers import LatentLayer

if TYPE_CHECKING:
    from .model import FamilyVAE


@dataclass
class Evidence:
    """What inference knows of images: the bottom-up chain by level, finest first, and what was chosen on the way up."""

    features: list[Tensor]  # (B, C, side, side)
    queries: dict[int, Tensor]  # by layer of the walk: e_q (rows, D)
    choices: dict[int, Tensor]  # by layer of the walk

    def repeat(self, times: int) -> Evidence:
        """The same for `times` copies of the images; only where nothing was chosen on the way up."""
        assert not self.choices
        return Evidence([h.repeat(times, 1, 1, 1) for h in self.features], {}, {})


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


class FamilyDescent:
    """One batch on its way down."""

    def __init__(self, model: FamilyVAE, images: int, evidence: Evidence | None) -> None:
        self.model, self.images, self.evidence = model, images, evidence
        self.d = model.top.expand(images, -1, model.config.sides[-1], model.config.sides[-1])
        self.level = model.config.levels  # the next to enter is one less
        self.pending: list[Tensor] = []

    @property
    def depth(self) -> int:
        """How many layers there are."""
        return len(self.model.latents)

    def blocks(self, index: int) -> Iterator[Step]:
        """The layer as one block."""
        layer = self.model.layers()[index]
        while self.level > layer.plan.level:
            self._enter()
        query = inferred = None
        if self.evidence is not None:
            inferred = self.evidence.choices.get(index)
            query = self.evidence.queries.get(index)
            if query is None:
                query = layer.query(self.evidence.features[layer.plan.level], self.d)
        yield Step(index, layer, self.images, layer.embedding(self.d), query, inferred)

    def absorb(self, step: Step, choice: Tensor) -> None:
        """The choice waits until all layers of its level have chosen: they do not see each other."""
        layer = step.layer
        self.pending.append(layer.pladder(layer.maps(layer.worth(choice, step.query))))

    def finish(self) -> Tensor:
        """The chain below the last level. (B, C, side, side)"""
        while self.level:
            self._enter()
        self._merge()
        return self.d

    def _enter(self) -> None:
        self.level -= 1
        if self.level < self.model.config.levels - 1:
            self._merge()
        self.d = self.model.down[self.level](self.d)

    def _merge(self) -> None:
        if not self.pending:  # layers that were not visited add nothing
            return
        total = self.pending[0]
        for other in self.pending[1:]:
            total = total + other
        self.d = self.model.arithmetic.stream(self.d + total if self.model.config.skips else total)
        self.pending = []
