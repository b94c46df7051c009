"""The step of one layer that a family hands to a symbol source, and the results of inference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from ...shapes import Float, Int64
from .distributions import Distribution
from .layers import LatentLayer


@dataclass
class Inference:
    """The results of a bottom-up pass over images.

    Args:
        features: Features of the bottom-up chain by level, finest first, (B, C, side, side) each.
        queries: The posterior's embeddings e_q, (rows, D), of the layers chosen in this pass, by index in coding order.
        choices: The choices of these layers, by index.
    """

    features: list[Tensor]
    queries: dict[int, Tensor]
    choices: dict[int, Tensor]


@dataclass
class LatentStep:
    """All positions of one layer.

    Args:
        index: The layer's place in coding order, from 0 on.
        layer: The layer's networks.
        images: Number of images B.
        embedding: The prior's embeddings e_p.
        query: The posterior's embeddings e_q; None in a pass without inference.
        inferred: What inference chose in the bottom-up pass, if it chose the layer.
        given: The prior, where it is not the layer's own but a Boltzmann machine's.
    """

    index: int
    layer: LatentLayer
    images: int
    embedding: Float[Tensor, "rows P"]
    query: Float[Tensor, "rows D"] | None
    inferred: Int64[Tensor, " rows"] | Float[Tensor, "rows K"] | None
    given: Distribution | None = None

    @cached_property
    def prior(self) -> Distribution:
        """Return p(z_l | z_>l)."""
        return self.layer.prior(self.embedding) if self.given is None else self.given

    @cached_property
    def posterior(self) -> Distribution | None:
        """Return q(z_l | ..., x); None in a pass without inference."""
        return None if self.query is None else self.layer.posterior(self.query)

    def by_image(self, rows: Float[Tensor, " rows"]) -> Float[Tensor, " B"]:
        """Return sums of a quantity over the variables and positions of each image."""
        return rows.view(self.layer.plan.variables, self.images, -1).sum((0, 2))
