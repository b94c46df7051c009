"""Sizes of the models that are no families of small images: plain values that check themselves, no torch.

What a person sets, what a checkpoint tells and what a weights file tells are bounded here, before anything is built.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self, get_args

Layout = Literal["photo-96", "canvas"]
PriorKind = Literal["responsibilities", "direct"]
Transform = Literal["cosine", "lapped"]

LARGEST_WIDTH = 256
LARGEST_DEPTH = 8
LARGEST_STAGES = 256

DEPTHS = ("blocks", "synthesis_blocks", "postfilter_pairs")
"""Fields that LARGEST_DEPTH bounds."""


def bounded(bounds: dict[str, tuple[Any, int]], least: int = 1) -> None:
    """ValueError unless each value, by name, is a whole number from `least` to its bound."""
    for name, (value, most) in bounds.items():
        if type(value) is not int or not least <= value <= most:
            raise ValueError(f"{name} {value!r} is no whole number from {least} to {most}")


def within(bounds: dict[str, tuple[Any, float]], least: float = 0) -> None:
    """ValueError unless each value, by name, is a number from `least` to its bound."""
    for name, (value, most) in bounds.items():
        if type(value) not in (int, float) or not least <= value <= most:
            raise ValueError(f"{name} {value!r} is no number from {least} to {most:g}")


def one_of(choices: dict[str, tuple[Any, Any]]) -> None:
    """ValueError unless each value, by name, is one of its Literal's."""
    for name, (value, kind) in choices.items():
        if value not in get_args(kind):
            raise ValueError(f"{name} {value!r} is not known to this release")


def refuse_other_fields(kind: Any, held: Any) -> None:
    """ValueError unless `held` names all fields of a dataclass and no others, TypeError if it names nothing."""
    wanted = {each.name for each in fields(kind)}
    if wanted != set(held):
        raise ValueError(f"the fields of its configuration are not those of a {kind.__name__}")


class FromJSON:
    """A dataclass that can be made of what JSON held of it: all of its fields, and no others."""

    @classmethod
    def of(cls, held: Any) -> Self:
        """Return the dataclass that `held` describes. ValueError or TypeError if it holds something else."""
        refuse_other_fields(cls, held)
        return cls(**held)


@dataclass(frozen=True)
class RRVQConfig(FromJSON):
    """Sizes of the photograph model. `widths` are the chain's channels by stride. ValueError if out of bounds."""

    widths: dict[int, int] = field(default_factory=lambda: {64: 64, 32: 96, 16: 128, 8: 128})
    blocks: int = 2
    hidden: int = 64
    synthesis_width: int = 128
    synthesis_blocks: int = 4
    postfilter_width: int = 0
    """Channels of the filter after the synthesis (see postfilter); 0 = there is none."""
    postfilter_pairs: int = 3
    """Its residual pairs."""
    analysis_width: int = 64
    analysis_slope: float = 0.0
    """Slope below zero of the analysis's activations."""
    sigma_coarse: float = 44.0
    sigma_fine: float = 3.4
    layout: Layout = "photo-96"
    """Which coefficients each layer carries (layout.LAYOUTS)."""
    prior: PriorKind = "responsibilities"
    """How the prior is parameterised (latent.PRIORS)."""
    predictions: bool = True
    """Whether a learned mean joins the canvas before each symbol."""
    transform: Transform = "cosine"
    """What the canvas's coefficients stand for: blocks by themselves, or overlapping ones (see lapped)."""
    neighbours: int = 0
    """In how many stages, from the coarsest on, positions see their neighbours' symbols of the same layer."""

    @classmethod
    def of(cls, held: Any) -> Self:
        """As `FromJSON.of`; JSON's strides are texts."""
        refuse_other_fields(cls, held)
        return cls(**{**held, "widths": {int(stride): width for stride, width in held["widths"].items()}})

    def __post_init__(self) -> None:
        if set(self.widths) != {64, 32, 16, 8}:
            raise ValueError("widths are not those of strides 64, 32, 16 and 8")
        wide = {f"width of stride {stride}": (width, LARGEST_WIDTH) for stride, width in self.widths.items()}
        named = ("hidden", "synthesis_width", "analysis_width")
        wide |= {name: (getattr(self, name), LARGEST_WIDTH) for name in named}
        bounded(wide | {name: (getattr(self, name), LARGEST_DEPTH) for name in DEPTHS})
        bounded({"neighbours": (self.neighbours, LARGEST_STAGES)}, 0)
        bounded({"postfilter_width": (self.postfilter_width, LARGEST_WIDTH)}, 0)
        known = {"layout": (self.layout, Layout), "prior": (self.prior, PriorKind)}
        one_of(known | {"transform": (self.transform, Transform)})
        if type(self.predictions) is not bool or not 0 <= float(self.analysis_slope) <= 1:
            raise ValueError("predictions or analysis_slope is out of bounds")
        if not 0.1 <= float(self.sigma_fine) <= float(self.sigma_coarse) <= 1000:
            raise ValueError("the sigmas are out of bounds: 0.1 <= sigma_fine <= sigma_coarse <= 1000")


@dataclass(frozen=True)
class WavefrontConfig(FromJSON):
    """Sizes of the model of lossless pixels: hidden layers, each plane's own one, and how many predictors it has."""

    hidden: int = 64
    width: int = 32
    predictors: int = 6

    def __post_init__(self) -> None:
        most = {"hidden": LARGEST_WIDTH, "width": LARGEST_WIDTH, "predictors": 8}
        bounded({each.name: (getattr(self, each.name), most[each.name]) for each in fields(self)})


@dataclass(frozen=True)
class BilevelPagesConfig(FromJSON):
    """Sizes of the model of pages: how far a pixel sees, and the hidden layers."""

    rows: int = 6
    columns: int = 5
    width: int = 40
    depth: int = 2

    def __post_init__(self) -> None:
        most = {"rows": 16, "columns": 16, "width": LARGEST_WIDTH, "depth": LARGEST_DEPTH}
        bounded({each.name: (getattr(self, each.name), most[each.name]) for each in fields(self)})
