"""Sizes of the photograph model and the pixel models: plain values that check themselves, without torch.

Options, checkpoints and weights files are all checked here, before a network is built from them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self, get_args

Layout = Literal["photo-96", "canvas"]
PriorKind = Literal["responsibilities", "direct"]
Transform = Literal["cosine", "lapped"]

LARGEST_WIDTH = 256
"""Most channels or units that a layer may have."""
LARGEST_DEPTH = 8
"""Most blocks or layers that a network may have."""
LARGEST_STAGES = 256
"""Most stages of a hierarchy."""

DEPTHS = ("blocks", "synthesis_blocks", "postfilter_pairs")
"""Fields that LARGEST_DEPTH bounds."""


def bounded(bounds: dict[str, tuple[Any, int]], least: int = 1) -> None:
    """Check that values are whole numbers within bounds.

    Args:
        bounds: Value and largest allowed value, by name.
        least: Smallest allowed value.

    Raises:
        ValueError: A value is not an integer from `least` to its bound.
    """
    for name, (value, most) in bounds.items():
        if type(value) is not int or not least <= value <= most:
            raise ValueError(f"{name} {value!r} is no whole number from {least} to {most}")


def within(bounds: dict[str, tuple[Any, float]], least: float = 0) -> None:
    """Check that values are numbers within bounds.

    Args:
        bounds: Value and largest allowed value, by name.
        least: Smallest allowed value.

    Raises:
        ValueError: A value is not a number from `least` to its bound.
    """
    for name, (value, most) in bounds.items():
        if type(value) not in (int, float) or not least <= value <= most:
            raise ValueError(f"{name} {value!r} is no number from {least} to {most:g}")


def one_of(choices: dict[str, tuple[Any, Any]]) -> None:
    """Check that values belong to the members of Literal types.

    Args:
        choices: Value and Literal type, by name.

    Raises:
        ValueError: A value is not a member of its type.
    """
    for name, (value, kind) in choices.items():
        if value not in get_args(kind):
            raise ValueError(f"{name} {value!r} is not known to this release")


def refuse_other_fields(kind: Any, held: Any) -> None:
    """Check that `held` names all fields of a dataclass and no others.

    Raises:
        ValueError: A field is missing, or there is one more.
        TypeError: `held` cannot be iterated.
    """
    wanted = {each.name for each in fields(kind)}
    if wanted != set(held):
        raise ValueError(f"the fields of its configuration are not those of a {kind.__name__}")


class FromJSON:
    """Mixin for dataclasses that are restored from a JSON object with exactly their fields."""

    @classmethod
    def of(cls, held: Any) -> Self:
        """Return the dataclass that a JSON object describes.

        Raises:
            ValueError: Its fields are not those of the dataclass, or a value is out of bounds.
            TypeError: It is not an object, or a value has the wrong type.
        """
        refuse_other_fields(cls, held)
        return cls(**held)


@dataclass(frozen=True)
class RRVQConfig(FromJSON):
    """Sizes of the photograph model.

    Args:
        widths: Channels of the top-down chain, by stride.
        blocks: Residual blocks of each stage.
        hidden: Width of the features that the layers of a stage share.
        synthesis_width: Channels of the synthesis network.
        synthesis_blocks: Residual pairs of the synthesis network.
        analysis_width: Channels of the analysis network.
        sigma_coarse: Standard deviation of the posterior at the lowest quality, in grey levels.
        sigma_fine: Standard deviation of the posterior at the highest quality, in grey levels.

    Raises:
        ValueError: A value is out of bounds.
    """

    widths: dict[int, int] = field(default_factory=lambda: {64: 64, 32: 96, 16: 128, 8: 128})
    blocks: int = 2
    hidden: int = 64
    synthesis_width: int = 128
    synthesis_blocks: int = 4
    postfilter_width: int = 0
    """Channels of the post-filter after the synthesis; 0 if there is none."""
    postfilter_pairs: int = 3
    """Residual pairs of the post-filter."""
    analysis_width: int = 64
    analysis_slope: float = 0.0
    """Slope of the analysis network's activations below zero."""
    sigma_coarse: float = 44.0
    sigma_fine: float = 3.4
    layout: Layout = "photo-96"
    """Which coefficients each layer carries, a key of `layout.LAYOUTS`."""
    prior: PriorKind = "responsibilities"
    """How the prior is parameterised, a key of `latent.PRIORS`."""
    predictions: bool = True
    """Whether a learned prediction is added to the reconstruction before each symbol."""
    transform: Transform = "cosine"
    """The block transform: independent 8x8 blocks, or overlapping ones (`lapped`)."""
    neighbours: int = 0
    """Number of stages, from the coarsest on, whose layers condition on neighbouring symbols of the same layer."""

    @classmethod
    def of(cls, held: Any) -> Self:
        """Return the configuration that a JSON object describes. As `FromJSON.of`; JSON's strides are strings."""
        refuse_other_fields(cls, held)
        return cls(**{**held, "widths": {int(stride): width for stride, width in held["widths"].items()}})

    @property
    def sigmas(self) -> tuple[float, float]:
        """Sigma at the coarsest and at the finest network quality, in grey levels."""
        return self.sigma_coarse, self.sigma_fine

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
    """Sizes of the model of lossless pixels.

    Args:
        hidden: Width of the hidden layers.
        width: Width of the hidden layer of each plane.
        predictors: Number of linear predictors.
    """

    hidden: int = 64
    width: int = 32
    predictors: int = 6

    def __post_init__(self) -> None:
        most = {"hidden": LARGEST_WIDTH, "width": LARGEST_WIDTH, "predictors": 8}
        bounded({each.name: (getattr(self, each.name), most[each.name]) for each in fields(self)})


@dataclass(frozen=True)
class BilevelPagesConfig(FromJSON):
    """Sizes of the model of black and white pages.

    Args:
        rows: Rows above a pixel that its probability depends on.
        columns: Columns on either side that it depends on.
        width: Units of a hidden layer.
        depth: Number of hidden layers.
    """

    rows: int = 6
    columns: int = 5
    width: int = 40
    depth: int = 2

    def __post_init__(self) -> None:
        most = {"rows": 16, "columns": 16, "width": LARGEST_WIDTH, "depth": LARGEST_DEPTH}
        bounded({each.name: (getattr(self, each.name), most[each.name]) for each in fields(self)})
