"""Recipe and presets of the families of small images, after the papers: plain numbers, no torch.

RRVQ: Willetts et al. (2021), appendix C and table G.1. HD-VAE: Lievin et al. (2019), appendix A and tables 1, 2 and 4.
docs/MODELS.md says what the papers leave out and is chosen here. `TrainOptions.overrides` change any field.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ...models.configs import bounded, one_of, within
from ...models.families.config import FamilyConfig
from .base import LARGEST_RATE, MOST_STEPS, Optimiser, Precision, Preset, Recipe, Schedule

Kind = Literal["gumbel-softmax", "straight-through", "straight-through-gumbel"]
"""Kinds of relaxed samples."""

COLDEST, HOTTEST = 1e-4, 1e4
"""Bounds of a relaxation's temperature."""
MOST_NATS = 1e6


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
    relaxation: Kind = "gumbel-softmax"
    fractions: tuple[float, ...] = (0.0, 1 / 3, 2 / 3)
    """Fractions of the run at which the temperature is one of `temperatures`; linear between them, constant after."""
    temperatures: tuple[float, ...] = (0.8, 0.3, 0.1)
    free_bits: float = 0.0
    """Least KL divergence of a layer that counts, in nats, in the mean of a batch (Kingma et al. 2016)."""
    kl_warm_up: int = 0
    """Steps over which the weight of the KL divergence rises from 0 to 1."""

    def __post_init__(self) -> None:
        super().__post_init__()
        within({"values_rate": (self.values_rate, LARGEST_RATE), "free_bits": (self.free_bits, MOST_NATS)})
        bounded({"kl_warm_up": (self.kl_warm_up, MOST_STEPS)}, 0)
        one_of({"relaxation": (self.relaxation, Kind)})
        if not 1 <= len(self.fractions) == len(self.temperatures) <= 64:
            raise ValueError("fractions and temperatures differ in number, or there are none or more than 64")
        within({f"fraction {i}": (fraction, 1) for i, fraction in enumerate(self.fractions, 1)})
        within({f"temperature {i}": (one, HOTTEST) for i, one in enumerate(self.temperatures, 1)}, COLDEST)
        if list(self.fractions) != sorted(self.fractions):
            raise ValueError("fractions do not rise")


@dataclass(frozen=True)
class FamilyPreset(Preset):
    """A family of small images that can be trained by name."""

    config: FamilyConfig
    recipe: FamilyRecipe


EPOCH = 50_000 // 64
"""Steps of an epoch of CIFAR-10 at the paper's batch size."""

RRVQ = FamilyRecipe(steps=500 * EPOCH, validate_every=EPOCH, free_bits=0.5)
HDVAE = FamilyRecipe(
    steps=600_000,
    batch=128,
    rate=2e-3,
    values_rate=2e-2,
    schedule="constant",
    validate_every=5000,
    stop_after=20,
    free_bits=2.0,
)

L5 = FamilyConfig(
    sides=(16, 8, 4, 2, 1),
    variance="diagonal",
    embedding=128,
    width=128,
    blocks=4,
    head_blocks=4,
    likelihood="logistic",
)
L32 = replace(
    L5,
    sides=tuple(side for side in (16, 8, 4, 2) for _ in range(8)),
    symbols=(256,) * 32,
    variables=(1,) * 32,
    embedding=32,
    width=256,
    blocks=1,
    head_blocks=0,
)
ONE = replace(L5, sides=(16,), symbols=(256,), variables=(1,), embedding=64, top_prior="uniform", head_blocks=0)
CELEBA_EPOCH = 162_770 // 64
CELEBA = replace(RRVQ, steps=160 * CELEBA_EPOCH, validate_every=CELEBA_EPOCH, patience=5)
HD_SIDES = (14, 7, 4, 4, 4, 4)
"""Sides of the feature maps by level; the latent variables have one position."""


def small(recipe: FamilyRecipe) -> FamilyRecipe:
    """Shorten a recipe to hours on a CPU."""
    return replace(recipe, steps=20_000, batch=32, validate_every=1000)


def memory(variables: tuple[int, ...], symbols: tuple[int, ...]) -> FamilyConfig:
    """Return an HD-VAE for binary images of 28x28: an LVAE with skip connections over memory layers."""
    return FamilyConfig(
        sides=HD_SIDES[: len(variables)],
        symbols=symbols,
        variables=variables,
        channels=1,
        image=28,
        hierarchy="skip-lvae",
        latent="memory",
        likelihood="bernoulli",
        dense=True,
        width=64,
        blocks=3,
        block="gated",
        embedding=8,
        values=8,
        dropout=0.5,
    )


def shared(total: int, layers: int) -> tuple[int, ...]:
    """Distribute variables over layers as evenly as they go; the finest layers may take one more."""
    return tuple(total // layers + (level < total % layers) for level in range(layers))


def gaussian(config: FamilyConfig, coordinates: int) -> FamilyConfig:
    """Return the same networks over Gaussian variables."""
    return replace(config, latent="gaussian", embedding=coordinates, exact=False)


HD = {
    1: memory((16,), (256,)),
    2: memory((16, 8), (256, 64)),
    3: memory((16, 8, 4), (256, 64, 16)),
}


def _rrvq() -> dict[str, FamilyPreset]:
    photo = "cifar10"
    direct, unit = replace(L5, prior="direct"), replace(L5, variance="unit")
    return {
        "rrvq-l5": FamilyPreset("RRVQ-VAE of small images, 5 layers at sides 16 to 1", L5, RRVQ, photo),
        "rrvq-l32": FamilyPreset("RRVQ-VAE of small images, 4 x 8 layers at sides 16 to 2", L32, RRVQ, photo),
        "rrvq-l5-direct": FamilyPreset("ablation: the prior's logits come from the network", direct, RRVQ, photo),
        "rrvq-l5-unit": FamilyPreset("ablation: codebooks without variances", unit, RRVQ, photo),
        "rrvq-l5-direct-unit": FamilyPreset(
            "ablation: neither embedding prior nor variances", replace(direct, variance="unit"), RRVQ, photo
        ),
        "rvq": FamilyPreset("rVQ-VAE: one layer, unit variance", replace(ONE, variance="unit"), RRVQ, photo),
        "vqvae": FamilyPreset(
            "VQ-VAE: one layer of nearest neighbours", replace(ONE, latent="nearest", ema_codebook=True), RRVQ, photo
        ),
        "spatial-l5": FamilyPreset("Gaussian counterpart of rrvq-l5", gaussian(L5, 32), RRVQ, photo),
        "spatial-l32": FamilyPreset("Gaussian counterpart of rrvq-l32", gaussian(L32, 32), RRVQ, photo),
        **_faces(),
        "rrvq-archive": FamilyPreset(
            "RRVQ-VAE of small images whose pixels see their neighbours: bits-back coding of archives",
            replace(
                L5,
                sides=(8, 4),
                symbols=(64, 64),
                variables=(1, 1),
                embedding=16,
                width=32,
                blocks=1,
                head_blocks=0,
                likelihood="neighbours",
                reversible=True,
                reach=(3, 3),
                pixel_width=96,
            ),
            replace(small(RRVQ), schedule="cosine", rate=2e-3),
            photo,
        ),
        "rrvq-l5-small": FamilyPreset(
            "rrvq-l5 with narrow networks: quick to train, for trials",
            replace(L5, symbols=(64,) * 5, embedding=16, width=32, blocks=1, head_blocks=0),
            small(RRVQ),
            photo,
        ),
    }


def _faces() -> dict[str, FamilyPreset]:
    """Return the models of Willetts et al., table 1, for images of 64x64: feature maps of twice the side."""
    wide = {
        "rrvq-l32": ("RRVQ-VAE, 4 x 8 layers at sides 32 to 4", L32),
        "rvq": ("rVQ-VAE: one layer, unit variance", replace(ONE, variance="unit")),
        "spatial-l32": ("Gaussian counterpart of rrvq-l32-celeba", gaussian(L32, 32)),
    }
    return {
        f"{name}-celeba": FamilyPreset(
            f"{text}, 64x64", replace(config, image=64, sides=tuple(2 * s for s in config.sides)), CELEBA, "celeba64"
        )
        for name, (text, config) in wide.items()
    }


def _hdvae() -> dict[str, FamilyPreset]:
    binary = "mnist-static"
    found = {}
    for layers, config in HD.items():
        found[f"hdvae-l{layers}"] = FamilyPreset(
            f"HD-VAE of binary 28x28 images, layers: {layers}, variables: {sum(config.variables)}",
            config,
            HDVAE,
            binary,
        )
    found["hdvae"] = replace(found["hdvae-l3"], description="another name of hdvae-l3")
    for layers, config in HD.items():
        found[f"lvae-gaussian-l{layers}"] = FamilyPreset(
            f"Gaussian counterpart of hdvae-l{layers}", gaussian(config, 1), replace(HDVAE, values_rate=0.0), binary
        )
    narrow = replace(memory((8, 4), (64, 16)), width=24, blocks=1, dropout=0.0)
    found["hdvae-small"] = FamilyPreset(
        "HD-VAE with narrow networks: quick to train, for trials", narrow, small(HDVAE), binary
    )
    found["hdvae-archive"] = FamilyPreset(
        "HD-VAE of binary 28x28 images whose pixels see their neighbours: bits-back coding of archives",
        replace(memory((12, 6), (64, 16)), width=32, blocks=1, dropout=0.0, likelihood="neighbours", reversible=True),
        replace(small(HDVAE), batch=64, schedule="cosine", stop_after=0),
        binary,
    )
    bounded = replace(HD[1], hierarchy="lvae", block="elu", blocks=1, width=16, dropout=0.0, exact=False, lipschitz=1.0)
    found["hdvae-lipschitz"] = FamilyPreset(
        "HD-VAE of one layer whose decoder has a Lipschitz constant, for the relaxed ELBO", bounded, HDVAE, binary
    )
    return found


def _grid() -> dict[str, FamilyPreset]:
    """Return the models of Lievin et al., table 4, on relaxation bias: N variables over L layers, K = 256."""
    return {
        f"hdvae-n{total}-l{layers}": FamilyPreset(
            f"HD-VAE, relaxation bias: {total} variables over {layers} layers of 256 symbols",
            memory(shared(total, layers), (256,) * layers),
            HDVAE,
            "mnist-static",
        )
        for total in (12, 24, 48, 98)
        for layers in range(1, 7)
    }


FAMILY_PRESETS = {**_rrvq(), **_hdvae(), **_grid()}
