"""The recipe and the preset of the light photograph model: plain numbers, no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...models.configs import bounded, one_of, within
from ...models.light.config import LightConfig
from .base import LARGEST_CROP, LARGEST_RATE, MOST_IMAGES, MOST_STEPS, Precision, Preset, Recipe

Learns = Literal["all", "priors", "postfilter"]
COARSEST = 64


@dataclass(frozen=True)
class LightRecipe(Recipe):
    """How the light photograph model is trained. Fractions are of the whole run."""

    steps: int = 20_000
    batch: int = 16
    precision: Precision = "bf16"
    crop: int = 64
    """Side of the crops in pixels."""
    late_crop: int = 128
    """Side of the crops in the later part of the run; the batch shrinks so that the pixels stay the same."""
    late_from: float = 0.5
    """Fraction from which on the crops have side `late_crop`."""
    grid_rate: float = 3e-3
    """Learning rate of what symbols stand for on their grids, whose steps are fixed."""
    anchor: float = 0.1
    """Share of the distortion that is measured on the decoded coefficients, which the posterior relies on."""
    tuned: float = 0.5
    """Share of the crops that are coded for the eye (tuning 1); the others are coded for squared error."""
    perceptual: float = 0.5
    """Share of SSIMULACRA 2's distance in the distortion of crops for the eye, from `perceptual_from` on."""
    perceptual_from: float = 0.5
    """Fraction from which on it counts."""
    integers_from: float = 0.9
    """Fraction from which on the networks compute with a decoder's integers and the priors are rounded; 1 = never."""
    synthetic: float = 0.06
    """Share of the crops that are synthetic (noise, ramps, lines, blocks)."""
    augmented: float = 0.0
    """Share of the photographs' crops that are augmented: another size, other colours, subsampled chroma, grain."""
    learns: Learns = "all"
    """What is trained: "priors" or "postfilter" alone, on a pool of crops that the integer encoder has encoded."""
    pool: int = 2048
    """Crops in the pool."""
    pool_side: int = 256
    """Side of the pool's crops in pixels."""
    pool_steps: int = 4000
    """Steps after which the pool is drawn and encoded anew."""

    def __post_init__(self) -> None:
        super().__post_init__()
        bounded({"crop": (self.crop, LARGEST_CROP), "late_crop": (self.late_crop, LARGEST_CROP)}, 16)
        within({"grid_rate": (self.grid_rate, LARGEST_RATE)})
        shares = ("late_from", "anchor", "tuned", "perceptual", "perceptual_from", "integers_from")
        within({name: (getattr(self, name), 1) for name in (*shares, "synthetic", "augmented")})
        bounded({"pool": (self.pool, MOST_IMAGES), "pool_steps": (self.pool_steps, MOST_STEPS)})
        bounded({"pool_side": (self.pool_side, LARGEST_CROP)}, 1 if self.learns == "all" else self.late_crop)
        one_of({"learns": (self.learns, Learns)})
        if self.learns != "all" and (self.pool_side % COARSEST or self.crop % COARSEST or self.late_crop % COARSEST):
            raise ValueError(f"the sides of crops are not multiples of {COARSEST}, the coarsest stride")


LIGHT_PRESETS = {
    "rrvq-light": Preset(
        "Compresses photographs with light networks, for squared error or for the eye, in integers up to the pixels.",
        LightConfig(),
        LightRecipe(),
    )
}
"""The presets by name."""
