"""The settings that all recipes share, and presets: plain numbers, no torch. `TrainOptions.overrides` changes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ...models.configs import bounded, one_of, within

Optimiser = Literal["adam", "adamax"]
Schedule = Literal["constant", "cosine", "plateau"]
Precision = Literal["bf16", "fp32"]

MOST_STEPS = 10**9
MOST_IMAGES = 2**16
LARGEST_RATE = 100.0
LARGEST_NORM = 1e9
LARGEST_DECAY = 0.999999
LARGEST_CROP = 2**13


@dataclass(frozen=True)
class Recipe:
    """How the loop trains any model; the recipes of the tasks add fields of their own.

    Raises:
        ValueError: a value is out of bounds; it may come from a person or from a checkpoint.
    """

    steps: int = 9000
    """Optimiser steps in all."""
    batch: int = 8
    """Images of a step, in each process."""
    optimiser: Optimiser = "adam"
    beta1: float = 0.9
    beta2: float = 0.99
    rate: float = 1e-3
    """Learning rate of parameters that have none of their own."""
    warm_up: int = 100
    """Steps over which the learning rates rise linearly."""
    schedule: Schedule = "cosine"
    decay_to: float = 0.02
    """Share of the learning rates where the cosine schedule ends; the plateau schedule never goes below it."""
    plateau_factor: float = 0.8
    """Share to which the learning rates fall after `patience` validations without a new best."""
    patience: int = 20
    validate_every: int = 0
    """Steps between validations of the averaged parameters; 0 = never. The best ones are kept as best.safetensors."""
    stop_after: int = 0
    """Validations without a new best after which the run ends; 0 = never."""
    clip: float = 2.0
    """Multiple of the running median of the norm to which gradients are clipped; 0 = `clip_norm` alone decides."""
    clip_norm: float = 0.3
    """Limit of the gradient's norm until its median is known, or if `clip` is 0; 0 = no limit."""
    skip: float = 0.0
    """Multiple of the running median above which an update is left out; 0 = only updates that are not finite are."""
    ema: float = 0.999
    """Decay of the moving average of the parameters, which is validated, exported and sampled."""
    precision: Precision = "fp32"
    """Number format of dense products: bfloat16 autocast or float32."""

    def __post_init__(self) -> None:
        bounded({"steps": (self.steps, MOST_STEPS), "batch": (self.batch, MOST_IMAGES)})
        counts = ("warm_up", "patience", "validate_every", "stop_after")
        bounded({name: (getattr(self, name), MOST_STEPS) for name in counts}, 0)
        within({name: (getattr(self, name), LARGEST_DECAY) for name in ("beta1", "beta2")})
        within({name: (getattr(self, name), 1) for name in ("decay_to", "plateau_factor", "ema")})
        within({name: (getattr(self, name), LARGEST_NORM) for name in ("clip", "clip_norm", "skip")})
        within({"rate": (self.rate, LARGEST_RATE)})
        one_of({"optimiser": (self.optimiser, Optimiser), "schedule": (self.schedule, Schedule)})
        one_of({"precision": (self.precision, Precision)})

    def check(self, config: Any) -> None:
        """Check that models of a configuration can be trained so.

        Args:
            config: the model's sizes.

        Raises:
            ValueError: they cannot.
        """


@dataclass(frozen=True)
class Preset:
    """A model that can be trained by name.

    Args:
        description: one line for the help.
        config: the model's sizes, a dataclass of plain values.
        recipe: how it is trained.
        data: the named data set of the paper that the preset follows; empty for models of any folder's images.
    """

    description: str
    config: Any
    recipe: Recipe
    data: str = ""
