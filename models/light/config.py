"""Sizes of the light photograph model: plain values that check themselves, no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from ..configs import LARGEST_DEPTH, LARGEST_STAGES, LARGEST_WIDTH, FromJSON, bounded, refuse_other_fields, within

STRIDES = (64, 32, 16, 8)
COST_SHARES = (0.7, 0.5)
"""How much of its cost in nats counts when an encoder chooses a symbol, for squared error and for the eye."""


@dataclass(frozen=True)
class LightConfig(FromJSON):
    """Sizes of the light photograph model. ValueError if out of bounds.

    Args:
        widths: channels of the top-down state, by stride.
        blocks: residual blocks of a stage.
        hidden: width of a position's features.
        neighbours: stages, from the coarsest on, whose positions condition on their neighbours' symbols.
        postfilter_width: channels of the post-filter at stride 2; 0 leaves it out.
        postfilter_pairs: residual pairs of the post-filter.
        sigma_coarse: standard deviation of the likelihood at network quality 0, in grey levels.
        sigma_fine: the same at the finest quality.
        step: distance of two symbols' values, in units of sigma.
    """

    widths: dict[int, int] = field(default_factory=lambda: {64: 64, 32: 96, 16: 112, 8: 112})
    blocks: int = 1
    hidden: int = 64
    neighbours: int = 6
    postfilter_width: int = 24
    postfilter_pairs: int = 2
    sigma_coarse: float = 160.0
    sigma_fine: float = 2.0
    step: float = 12**0.5

    @classmethod
    def of(cls, held: Any) -> Self:
        """Return the configuration that JSON held, whose strides are texts. ValueError or TypeError otherwise."""
        refuse_other_fields(cls, held)
        return cls(**{**held, "widths": {int(stride): width for stride, width in held["widths"].items()}})

    @property
    def sigmas(self) -> tuple[float, float]:
        """Sigma at the coarsest and at the finest network quality, in grey levels."""
        return self.sigma_coarse, self.sigma_fine

    def __post_init__(self) -> None:
        if set(self.widths) != set(STRIDES):
            raise ValueError("widths are not those of strides 64, 32, 16 and 8")
        wide = {f"width of stride {stride}": (width, LARGEST_WIDTH) for stride, width in self.widths.items()}
        wide["hidden"] = self.hidden, LARGEST_WIDTH
        deep = ("blocks", "postfilter_pairs")
        bounded(wide | {name: (getattr(self, name), LARGEST_DEPTH) for name in deep})
        optional = {"neighbours": (self.neighbours, LARGEST_STAGES)}
        bounded(optional | {"postfilter_width": (self.postfilter_width, LARGEST_WIDTH)}, 0)
        within({"step": (self.step, 100)}, 0.01)
        if not 0.1 <= float(self.sigma_fine) <= float(self.sigma_coarse) <= 1000:
            raise ValueError("the sigmas are out of bounds: 0.1 <= sigma_fine <= sigma_coarse <= 1000")
