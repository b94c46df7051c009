"""The recipe of the families of small images: plain numbers, no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ...models.configs import bounded, one_of, within
from ...models.families.boltzmann_checks import machine_levels
from ...models.families.config import LARGEST_BETA, FamilyConfig
from .base import LARGEST_RATE, MOST_STEPS, Optimiser, Precision, Preset, Recipe, Schedule

Smooth = Literal[
    "overlap-exponential",
    "overlap-logistic",
    "overlap-power",
    "spike-exponential",
    "spike-power",
    "spike-root",
    "spike-hyperbola",
    "split-power",
    "split-root",
]
"""Smoothing transformations, for layers of two symbols."""
Kind = Literal["gumbel-softmax", "straight-through", "straight-through-gumbel", Smooth]
"""Kinds of relaxed samples."""

LEAST_BETA = 1.001
Bound = Literal["joint", "marginal", "concrete", "relaxed-elbo", "iw"]
"""Bounds of log p(x) that training maximises."""
Estimator = Literal[
    "relaxed", "reinforce", "nvil", "muprop", "rebar", "relax", "vimco", "vargrad", "variance", "disarm"
]
"""Estimators of the gradient: by relaxed samples, or by one of `training.estimators`."""
COMPARING = ("vimco", "vargrad", "variance")
"""Estimators that compare the samples of an image with each other."""
BY_LAYER = ("rebar", "relax", "disarm")
"""Estimators that go through the layers one by one, in the order of the top-down pass."""
SYMBOLS = ("muprop", *BY_LAYER)
"""Estimators for symbols alone."""
OTHERS = "set estimator=vargrad and samples=2"
"""What to do where an estimator does not exist."""
MOST_SAMPLES = 4096

COLDEST, HOTTEST = 1e-4, 1e4
"""Bounds of a relaxation's temperature."""
MOST_NATS = 1e6
MOST_WEIGHT = 1e4
"""Largest weight of the KL divergence, and one over the smallest."""


@dataclass(frozen=True)
class FamilyRecipe(Recipe):
    """How a family is trained."""

    steps: int = 400_000
    batch: int = 64
    optimiser: Optimiser = "adamax"
    beta1: float = 0.9
    beta2: float = 0.999
    rate: float = 8e-4
    values_rate: float = 0.0
    """Learning rate of memory values; 0 = `rate`."""
    warm_up: int = 100
    schedule: Schedule = "plateau"
    decay_to: float = 0.0625
    """Share of the learning rates below which they never fall."""
    plateau_factor: float = 0.8
    patience: int = 20
    validate_every: int = 0
    stop_after: int = 0
    clip: float = 10.0
    clip_norm: float = 0.0
    skip: float = 100.0
    ema: float = 0.999
    precision: Precision = "fp32"
    estimator: Estimator = "relaxed"
    bound: Bound = "joint"
    samples: int = 1
    """Samples of each image in a step, for the bound `iw` and all estimators but `relaxed`; pairs of `disarm`."""
    relaxation: Kind = "gumbel-softmax"
    fractions: tuple[float, ...] = (0.0, 1 / 3, 2 / 3)
    """Fractions of the run at which the temperature is one of `temperatures`; linear between them, constant after."""
    temperatures: tuple[float, ...] = (0.8, 0.3, 0.1)
    learnt_temperature: bool = False
    """Whether the bound `relaxed-elbo` chooses the temperature too, from the first of `temperatures` on."""
    betas: tuple[float, float] = (6.0, 16.0)
    """Inverse temperatures of a smoothing transformation at the start and the end of a run; linear between them."""
    free_bits: float = 0.0
    """Least KL divergence of a layer that counts, in nats, in the mean of a batch (Kingma et al. 2016)."""
    kl_weight: float = 1.0
    """Weight of the KL divergence, 1 in a bound of log p(x); beta of the beta-VAE (Higgins et al. 2017) otherwise."""
    kl_warm_up: int = 0
    """Steps over which it rises from 0 to that."""

    def __post_init__(self) -> None:
        super().__post_init__()
        within({"values_rate": (self.values_rate, LARGEST_RATE), "free_bits": (self.free_bits, MOST_NATS)})
        bounded({"kl_warm_up": (self.kl_warm_up, MOST_STEPS)}, 0)
        within({"kl_weight": (self.kl_weight, MOST_WEIGHT)}, 1 / MOST_WEIGHT)
        kinds = {"relaxation": (self.relaxation, Kind), "bound": (self.bound, Bound)}
        one_of(kinds | {"estimator": (self.estimator, Estimator)})
        self._check_bound()
        self._check_estimator()
        if not 1 <= len(self.fractions) == len(self.temperatures) <= 64:
            raise ValueError("fractions and temperatures differ in number, or there are none or more than 64")
        within({f"fraction {i}": (fraction, 1) for i, fraction in enumerate(self.fractions, 1)})
        within({f"temperature {i}": (one, HOTTEST) for i, one in enumerate(self.temperatures, 1)}, COLDEST)
        self._check_smoothing()
        if list(self.fractions) != sorted(self.fractions):
            raise ValueError("fractions do not rise")

    def _check_bound(self) -> None:
        bounded({"samples": (self.samples, MOST_SAMPLES)})
        if self.bound == "marginal" and not self.relaxation.startswith("overlap-"):
            raise ValueError("the marginal bound needs densities that overlap: set relaxation=overlap-exponential")
        if self.bound in ("relaxed-elbo", "concrete") and self.relaxation != "gumbel-softmax":
            raise ValueError(f"the bound {self.bound} is that of relaxation=gumbel-softmax")
        if self.learnt_temperature and self.bound != "relaxed-elbo":
            raise ValueError("other bounds drive a temperature upwards without end: set bound=relaxed-elbo")
        if self.estimator == "relaxed" and self.bound != "iw" and self.samples > 1:
            raise ValueError("relaxed samples of an image are weighted by their importance alone: set bound=iw")
        if self.bound == "iw" and self.free_bits:
            raise ValueError("the importance-weighted bound has no free bits: set free_bits=0")

    def _check_boltzmann(self, config: FamilyConfig) -> None:
        if self.bound != "joint":
            raise ValueError("models with a Boltzmann machine are trained by the joint bound: set bound=joint")
        if self.precision != "fp32":
            raise ValueError("the energies of a Boltzmann machine need more than bfloat16's 8 bits: set precision=fp32")
        if machine_levels(config) == 2 and not self.relaxation.startswith("overlap-"):
            raise ValueError("the sides of a Boltzmann machine need overlaps: set relaxation=overlap-exponential")

    def _check_smoothing(self) -> None:
        if len(self.betas) != 2:
            raise ValueError("betas are two numbers, those of the start and of the end")
        within({f"beta {i}": (beta, LARGEST_BETA) for i, beta in enumerate(self.betas, 1)}, LEAST_BETA)

    def check(self, config: FamilyConfig) -> None:
        """Check that models of a configuration can be trained so; see `Recipe.check`."""
        nearest = config.latent_of(0) == "nearest"
        kept = {k for level, k in enumerate(config.symbols) if config.latent_of(level) != "gaussian"}
        if config.boltzmann:
            self._check_boltzmann(config)
        if self.bound != "joint" and nearest:
            raise ValueError("nearest neighbours are trained by the joint bound: set bound=joint")
        if self.relaxation in get_args(Smooth) and (nearest or kept != {2}):
            raise ValueError(f"the relaxation {self.relaxation} needs categorical layers of two symbols")
        misfit = "" if self.estimator == "relaxed" else _misfit(self.estimator, config)
        if misfit:
            raise ValueError(f"the estimator {self.estimator} {misfit}")

    def _check_estimator(self) -> None:
        if self.estimator != "relaxed" and self.bound != "joint":
            raise ValueError(f"the bound {self.bound} is one of relaxed samples: set bound=joint")
        if self.estimator in COMPARING and self.samples < 2:
            raise ValueError(f"{self.estimator} compares samples with each other: set samples=2 or more")
        if self.estimator != "relaxed" and self.free_bits:
            raise ValueError("free bits are for estimator=relaxed: set free_bits=0")


def _misfit(estimator: str, config: FamilyConfig) -> str:
    """Say why an estimator does not exist for a configuration; empty if it does."""
    if config.boltzmann:
        return "is not for Boltzmann priors: set estimator=relaxed"
    if config.latent_of(0) == "nearest":
        return "weighs samples by their probability, and a nearest neighbour is always chosen: set estimator=relaxed"
    if estimator in SYMBOLS and not config.categorical:
        return f"is for symbols, and the latent variables are Gaussian: {OTHERS}"
    if estimator in BY_LAYER and config.infers_upwards and len(config.plans()) > 1:
        return f"draws several layers from the coarsest on: set hierarchy=skip-lvae, or {OTHERS}"
    if estimator == "disarm" and set(config.symbols) != {2}:
        return f"is for two symbols, and there are {max(config.symbols)}: {OTHERS}"
    return ""


@dataclass(frozen=True)
class FamilyPreset(Preset):
    """A family of small images that can be trained by name."""

    config: FamilyConfig
    recipe: FamilyRecipe
