"""The top-down pass of all hierarchies of Lievin et al. (2019, appendix F) and of the ResNet-VAE of Willetts et al.

At each level the chain d receives the symbols chosen on the level above. With skip connections it keeps its features
too, so that a prior depends on all layers above, p(z_l | z_>l) (eq 18, 20-22; eq 3 of Willetts et al. 2021); without,
it depends on the last level alone, p(z_l | z_l+1) (eq 17, 19).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from torch import Tensor, nn

from ...shapes import Float, Int64
from .arithmetic import Arithmetic
from .boltzmann import BoltzmannMachine
from .boltzmann_checks import machine_levels
from .boltzmann_priors import prior_of
from .config import FamilyConfig
from .layers import LatentLayer
from .steps import Inference, LatentStep


class TopDownNetworks(Protocol):
    """The networks of a family that its top-down pass runs."""

    config: FamilyConfig
    arithmetic: Arithmetic
    top: nn.Parameter
    """The chain's learned start (1, width, 1, 1)."""
    down: nn.ModuleList
    """The chain's blocks by level, finest first."""
    training: bool
    boltzmann: BoltzmannMachine | None
    """The prior of the coarsest layers, where it is a Boltzmann machine."""

    def layers(self) -> Sequence[LatentLayer]:
        """Return the latent layers in coding order, coarsest first."""
        ...


class FamilyPass:
    """A top-down pass for one batch of images.

    Until a symbol is chosen the chain is the same for all images, and one image is computed for all of them, unless
    dropout makes them differ.

    Args:
        model: The family's networks.
        images: Number of images B.
        inference: Results of the bottom-up pass, of B images or of a divisor of B; None to decode or to sample.
    """

    def __init__(self, model: TopDownNetworks, images: int, inference: Inference | None) -> None:
        self.model, self.images, self.inference = model, images, inference
        differ = model.training and model.config.dropout > 0
        self.d = model.top.expand(images if differ else 1, -1, model.config.sides[-1], model.config.sides[-1])
        self.level = model.config.levels  # the next to enter is one less
        self.pending: list[Tensor] = []
        self.first: Tensor | None = None  # what the first layer chose

    @property
    def depth(self) -> int:
        """Return the number of layers."""
        return len(self.model.layers())

    def blocks(self, index: int) -> Iterator[LatentStep]:
        """Yield the one block of a layer: all its positions."""
        layer = self.model.layers()[index]
        while self.level > layer.plan.level:
            self._enter()
        query = inferred = None
        if self.inference is not None:
            inferred = self.inference.choices.get(index)
            query = self.inference.queries.get(index)
            if query is None:
                h = self.inference.features[layer.plan.level]
                query = layer.query(h, self.d, self.images // len(h))
        joined = machine_levels(self.model.config)
        given = prior_of(self.model.boltzmann, index, joined, self.images, self.first)
        yield LatentStep(index, layer, self.images, layer.embedding(self.d, self.images), query, inferred, given)

    def absorb(self, step: LatentStep, choice: Int64[Tensor, " rows"] | Float[Tensor, "rows _"]) -> None:
        """Hold a choice back until all layers of its level have chosen, since these do not depend on each other."""
        layer = step.layer
        self.first = choice if step.index == 0 else self.first
        self.pending.append(layer.symbol_embedding(layer.maps(layer.embed(choice, step.query))))

    def finish(self) -> Float[Tensor, "B C side side"]:
        """Return the chain's features at the finest level."""
        while self.level:
            self._enter()
        self._merge()
        return self.d.expand(self.images, -1, -1, -1)

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
        self.d = self.model.arithmetic.quantise_residual(self.d + total if self.model.config.skips else total)
        self.pending = []
