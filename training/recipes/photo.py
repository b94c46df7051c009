"""Recipes and presets of photograph models: plain numbers, no torch. `TrainOptions.overrides` changes any of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ...models.configs import RRVQConfig, bounded, one_of, within
from .base import LARGEST_CROP, LARGEST_RATE, MOST_IMAGES, MOST_STEPS, Precision, Preset, Recipe

Learns = Literal["all", "postfilter"]


@dataclass(frozen=True)
class PhotoRecipe(Recipe):
    """How a photograph model is trained. Fractions are of the whole run."""

    precision: Precision = "bf16"
    crop: int = 128
    """Side of the crops in pixels."""
    late_crop: int = 256
    """Side of the crops in the last part of the run; the batch shrinks so that the pixels stay the same."""
    late_from: float = 0.6
    """Fraction from which on the crops have side `late_crop`."""
    codebook_rate: float = 3e-3
    """Learning rate of the codebooks; the next ones are those of the synthesis, the post-filter and the analysis."""
    network_rate: float = 5e-4
    postfilter_rate: float = 1e-3
    analysis_rate: float = 1e-4
    anchor: float = 0.1
    """Share of the distortion that is measured on the reconstructed coefficients, which the posterior relies on."""
    pull: float = 1.0
    """Weight of the expected rate's gradient on the coefficient predictions and the analysis."""
    analysis_from: float = 0.1
    """Fraction from which on the learned analysis is trained; 1 = never."""
    synthetic: float = 0.06
    """Share of the crops that are synthetic (noise, ramps, lines, blocks)."""
    augmented: float = 0.0
    """Share of the photographs' crops that are augmented: another size, other colours, subsampled chroma, grain."""
    filtered: bool = False
    """Measure errors behind an adaptive filter that is fitted to each crop, as files have one."""
    learns: Learns = "all"
    """What is trained; "postfilter" trains that alone, on a pool of crops that are decoded once."""
    pool: int = 512
    """Crops in the pool of decoded crops."""
    pool_side: int = 192
    """Side of the pool's crops in pixels."""
    pool_steps: int = 2000
    """Steps after which the pool is decoded anew."""

    def __post_init__(self) -> None:
        super().__post_init__()
        bounded({"crop": (self.crop, LARGEST_CROP), "late_crop": (self.late_crop, LARGEST_CROP)})
        bounded({"pool": (self.pool, MOST_IMAGES), "pool_steps": (self.pool_steps, MOST_STEPS)})
        bounded({"pool_side": (self.pool_side, LARGEST_CROP)}, self.crop if self.learns == "postfilter" else 1)
        if self.pool_side % 8:
            raise ValueError(f"pool_side {self.pool_side} is not a multiple of 8, the side of a block")
        one_of({"learns": (self.learns, Learns)})
        if self.filtered and self.learns == "postfilter":
            raise ValueError("filtered needs learns=all: the post-filter alone learns on crops without filters")
        rates = ("codebook_rate", "network_rate", "postfilter_rate", "analysis_rate", "pull")
        within({name: (getattr(self, name), LARGEST_RATE) for name in rates})
        shares = ("late_from", "anchor", "analysis_from", "synthetic", "augmented")
        within({name: (getattr(self, name), 1) for name in shares})


WHOLE = RRVQConfig(
    layout="photo-96",
    sigma_coarse=48.0,
    sigma_fine=3.2,
    analysis_slope=0.2,
    neighbours=8,
    synthesis_blocks=6,
    postfilter_width=64,
    postfilter_pairs=4,
)
"""The sizes of the default weights."""

PHOTO_PRESETS = {
    "rrvq": Preset(
        "Compresses photographs of any size at every quality: the model that the codec uses, an RRVQ-VAE of 96 layers.",
        WHOLE,
        PhotoRecipe(),
    ),
    "canvas": Preset(
        "Compresses photographs by residual codebooks over whole 8x8 blocks; the baseline that rrvq is compared with.",
        RRVQConfig(
            layout="canvas", prior="direct", predictions=False, widths={64: 64, 32: 64, 16: 96, 8: 96}, blocks=1
        ),
        PhotoRecipe(),
    ),
    "rrvq-small": Preset(
        "Has the layers of rrvq and narrow networks; for trials, since it trains quickly.",
        replace(
            WHOLE,
            widths={64: 32, 32: 48, 16: 64, 8: 64},
            blocks=1,
            hidden=32,
            synthesis_width=64,
            synthesis_blocks=4,
            postfilter_width=24,
            postfilter_pairs=3,
            analysis_width=32,
        ),
        PhotoRecipe(),
    ),
    "rrvq-large": Preset(
        "Has the layers of rrvq and wide networks, about 14 MB of weights; for days of training on GPUs.",
        replace(
            WHOLE,
            widths={64: 96, 32: 160, 16: 208, 8: 208},
            hidden=96,
            synthesis_width=208,
            synthesis_blocks=4,
            postfilter_pairs=3,
            analysis_width=96,
        ),
        PhotoRecipe(),
    ),
}
