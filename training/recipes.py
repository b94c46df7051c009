"""Recipes, and the presets of photograph models: plain numbers, no torch. `--set key=value` changes any of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from ..models.configs import RRVQConfig, bounded, one_of, within

Optimiser = Literal["adam", "adamax"]
Schedule = Literal["constant", "cosine", "plateau"]
Precision = Literal["bf16", "fp32"]
Learns = Literal["all", "postfilter"]

MOST_STEPS = 10**9
MOST_IMAGES = 2**16
LARGEST_RATE = 100.0
LARGEST_NORM = 1e9
LARGEST_DECAY = 0.999999
LARGEST_CROP = 2**13


@dataclass(frozen=True)
class Optimisation:
    """What the loop needs to know, whatever it trains; recipes of tasks add their own fields. Steps are optimiser's.

    A person and a checkpoint may say anything: ValueError for a value out of bounds.
    """

    steps: int = 9000
    batch: int = 8
    """Images a step and process."""
    optimiser: Optimiser = "adam"
    beta1: float = 0.9
    beta2: float = 0.99
    rate: float = 1e-3
    """Of parameters that have no rate of their own."""
    warm_up: int = 100
    """Steps over which the rates rise linearly."""
    schedule: Schedule = "cosine"
    decay_to: float = 0.02
    """The cosine schedule ends at this share of the rates, the plateau schedule never goes below it."""
    plateau_factor: float = 0.8
    """The rates fall to this share of themselves after `patience` validations without a new best."""
    patience: int = 20
    validate_every: int = 0
    """Steps between validations of the averaged parameters; 0 = never. The best so far is kept as best.safetensors."""
    stop_after: int = 0
    """Validations without a new best that end the run; 0 = no such end."""
    clip: float = 2.0
    """Gradients are clipped to this multiple of the running median of their norm; 0 = to `clip_norm` alone."""
    clip_norm: float = 0.3
    """Limit of the gradient's norm while its median is not known yet, or where `clip` is 0; 0 = none."""
    skip: float = 0.0
    """Updates whose gradient exceeds this multiple of the running median are left out; 0 = only those not finite."""
    ema: float = 0.999
    """Decay of the moving average of the parameters, which is what is validated, exported and sampled."""
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


@dataclass(frozen=True)
class Recipe(Optimisation):
    """How a photograph model is trained. Rates are Adam's; fractions are of the whole run."""

    precision: Precision = "bf16"
    crop: int = 128
    late_crop: int = 256
    """Side of the crops in the last part of the run; the batch shrinks so that the pixels stay the same."""
    late_from: float = 0.6
    codebook_rate: float = 3e-3
    network_rate: float = 5e-4
    """Of the synthesis."""
    postfilter_rate: float = 1e-3
    analysis_rate: float = 1e-4
    anchor: float = 0.1
    """Share of the distortion measured on the canvas itself: it stays what the posterior takes it for."""
    pull: float = 1.0
    """Weight of the expected rate's gradient on the canvas predictions and the analysis."""
    analysis_from: float = 0.1
    """From this fraction on the learned analysis is trained; 1 = never."""
    synthetic: float = 0.06
    """Share of the crops that are made (noise, ramps, lines, blocks), not cut from photographs."""
    varied: float = 0.0
    """Share of the photographs' crops that are seen at another size and in coarser colours, many in other ones, too, or
    with grain."""
    filtered: bool = False
    """Whether errors are measured behind a filter that is fitted to each crop, as files have it."""
    learns: Learns = "all"
    """What is trained; "postfilter" trains that alone, on a pool of crops that are decoded once."""
    pool: int = 512
    """Crops in that pool ..."""
    pool_side: int = 192
    """... their sides ..."""
    pool_steps: int = 2000
    """... and how many steps it lasts."""

    def __post_init__(self) -> None:
        super().__post_init__()
        bounded({"crop": (self.crop, LARGEST_CROP), "late_crop": (self.late_crop, LARGEST_CROP)})
        bounded({"pool": (self.pool, MOST_IMAGES), "pool_steps": (self.pool_steps, MOST_STEPS)})
        bounded({"pool_side": (self.pool_side, LARGEST_CROP)}, self.crop if self.learns == "postfilter" else 1)
        if self.pool_side % 8:
            raise ValueError(f"pool_side {self.pool_side} is no multiple of 8, the side of a block")
        one_of({"learns": (self.learns, Learns)})
        if self.filtered and self.learns == "postfilter":
            raise ValueError("filtered is of runs of the whole: the post-filter alone learns on crops without filters")
        rates = ("codebook_rate", "network_rate", "postfilter_rate", "analysis_rate", "pull")
        within({name: (getattr(self, name), LARGEST_RATE) for name in rates})
        shares = ("late_from", "anchor", "analysis_from", "synthetic", "varied")
        within({name: (getattr(self, name), 1) for name in shares})


@dataclass(frozen=True)
class Preset:
    """A model's description, its sizes and its recipe."""

    description: str
    config: Any
    """A dataclass of plain values: a photograph model's sizes, a family's, ..."""
    recipe: Optimisation = Recipe()


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
"""The sizes of the default weights: `--from` takes these, and smaller ones before them."""

PRESETS = {
    "rrvq": Preset(
        "RRVQ-VAE of photographs, the codec's model: 96 layers at strides 64 to 8, every quality",
        WHOLE,
    ),
    "canvas": Preset(
        "the baseline: whole 8x8 blocks by 14 residual codebooks, direct priors, no learned predictions",
        RRVQConfig(
            layout="canvas", prior="direct", predictions=False, widths={64: 64, 32: 64, 16: 96, 8: 96}, blocks=1
        ),
    ),
    "rrvq-small": Preset(
        "the same hierarchy with narrow networks: quick to train, for trials",
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
    ),
    "rrvq-large": Preset(
        "the same hierarchy with wide networks, about 14 MB exported: for days on GPUs",
        replace(
            WHOLE,
            widths={64: 96, 32: 160, 16: 208, 8: 208},
            hidden=96,
            synthesis_width=208,
            synthesis_blocks=4,
            postfilter_pairs=3,
            analysis_width=96,
        ),
    ),
}
