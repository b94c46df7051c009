"""Presets of the families of small images, after the papers: plain numbers, no torch.

RRVQ: Willetts et al. (2021), appendix C and table G.1. HD-VAE: Lievin et al. (2019), appendix A and tables 1, 2 and 4.
docs/MODELS.md says what the papers leave out and is chosen here. `TrainOptions.overrides` changes any field.
"""

from __future__ import annotations

from dataclasses import replace

from ...models.families.config import FamilyConfig
from .binary_presets import BINARY_PRESETS
from .families import FamilyPreset, FamilyRecipe

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
TAPERED = replace(L5, image=64, symbols=(128, 64, 32, 16, 8), embedding=32, width=64)
"""Figure F.9's model: 2,275 bits of symbols for an image of 64x64, at equal probabilities."""
SPATIAL = replace(ONE, symbols=(16,), variance="unit", embedding=16, width=32, blocks=2)
"""Figure B.2's model: symbols at a quarter as many positions as pixels, under a uniform prior."""
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
    4: memory((16, 8, 4, 4), (256, 64, 16, 16)),
    5: memory((16, 8, 4, 4, 4), (256, 64, 16, 16, 16)),
    6: memory((16,) * 6, (256,) * 6),
}
"""Tables 2 and 3; one layer is table 1's."""


def _rrvq() -> dict[str, FamilyPreset]:
    photo = "cifar10"
    direct, unit = replace(L5, prior="direct"), replace(L5, variance="unit")
    return {
        "rrvq-l5": FamilyPreset(
            "Models colour images of 32x32 pixels: the RRVQ-VAE of 5 layers in Willetts et al. (2021).", L5, RRVQ, photo
        ),
        "rrvq-l32": FamilyPreset(
            "Models colour images of 32x32 pixels: the RRVQ-VAE of 32 layers in Willetts et al. (2021).",
            L32,
            RRVQ,
            photo,
        ),
        "rrvq-l5-direct": FamilyPreset(
            "Measures what the embedding prior gains: rrvq-l5 with priors computed directly by the network.",
            direct,
            RRVQ,
            photo,
        ),
        "rrvq-l5-unit": FamilyPreset(
            "Measures what the codebooks' variances gain: rrvq-l5 without them.", unit, RRVQ, photo
        ),
        "rrvq-l5-direct-unit": FamilyPreset(
            "Measures what both gain together: rrvq-l5 without embedding prior and without variances.",
            replace(direct, variance="unit"),
            RRVQ,
            photo,
        ),
        "rvq": FamilyPreset(
            "Models colour images of 32x32 pixels: an rVQ-VAE of one layer, for comparison with rrvq-l5.",
            replace(ONE, variance="unit"),
            RRVQ,
            photo,
        ),
        "vqvae": FamilyPreset(
            "Models colour images of 32x32 pixels: a VQ-VAE of one layer of nearest codes, for comparison with rvq.",
            replace(ONE, latent="nearest", ema_codebook=True),
            RRVQ,
            photo,
        ),
        "spatial-l5": FamilyPreset(
            "Compares Gaussian with discrete latent variables: rrvq-l5 with Gaussian ones.",
            gaussian(L5, 32),
            RRVQ,
            photo,
        ),
        "spatial-l32": FamilyPreset(
            "Compares Gaussian with discrete latent variables: rrvq-l32 with Gaussian ones.",
            gaussian(L32, 32),
            RRVQ,
            photo,
        ),
        **_faces(),
        **_swatches(),
        "rrvq-archive": FamilyPreset(
            "Codes colour images of 32x32 pixels in archives by bits-back coding; each pixel is given its neighbours.",
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
            "Has the layers of rrvq-l5 and narrow networks; for trials, since it trains quickly.",
            replace(L5, symbols=(64,) * 5, embedding=16, width=32, blocks=1, head_blocks=0),
            small(RRVQ),
            photo,
        ),
    }


def _faces() -> dict[str, FamilyPreset]:
    """Return the models of images of 64x64: Willetts et al., table 1, with feature maps of twice the side, and F.9."""
    wide = {
        "rrvq-l32": ("an RRVQ-VAE of 32 layers", L32),
        "rvq": ("an rVQ-VAE of one layer", replace(ONE, variance="unit")),
        "spatial-l32": ("rrvq-l32-celeba with Gaussian variables", gaussian(L32, 32)),
    }
    models = {
        name: (text, replace(config, image=64, sides=tuple(2 * s for s in config.sides)))
        for name, (text, config) in wide.items()
    }
    models["rrvq-l5"] = ("an RRVQ-VAE of 5 layers, with fewer symbols in coarser ones", TAPERED)
    return {
        f"{name}-celeba": FamilyPreset(f"Models faces of 64x64 pixels: {text}.", config, CELEBA, "celeba64")
        for name, (text, config) in models.items()
    }


def _swatches() -> dict[str, FamilyPreset]:
    """Return the models of Willetts et al., figures B.2 and H.10."""
    perceptron = replace(SPATIAL, network="mlp", sides=(1,), variables=(16,), width=256)
    models = {
        "rvq": ("Shows that symbols in space sample badly: an rVQ-VAE of one layer of 16 symbols", SPATIAL),
        "spatial": ("Shows that Gaussian variables in space do so too: rvq-swatches with those", gaussian(SPATIAL, 16)),
        "rvq-mlp": ("Shows that symbols beside the whole image sample well: an rVQ-VAE of perceptrons", perceptron),
    }
    recipe = replace(small(RRVQ), steps=2000, batch=9, validate_every=0, schedule="cosine")
    return {
        f"{name}-swatches": FamilyPreset(f"{text}.", config, recipe, "swatches")
        for name, (text, config) in models.items()
    }


def _hdvae() -> dict[str, FamilyPreset]:
    binary = "mnist-static"
    found = {}
    for layers, config in HD.items():
        found[f"hdvae-l{layers}"] = FamilyPreset(
            f"Models binary 28x28 images: an HD-VAE of {sum(config.variables)} variables in {_layers(layers)}.",
            config,
            HDVAE,
            binary,
        )
    found["hdvae"] = replace(found["hdvae-l3"], description="Is another name of hdvae-l3.")
    for layers, config in HD.items():
        found[f"lvae-gaussian-l{layers}"] = FamilyPreset(
            f"Compares Gaussian with discrete latent variables: hdvae-l{layers} with Gaussian ones.",
            gaussian(config, 1),
            replace(HDVAE, values_rate=0.0),
            binary,
        )
    narrow = replace(memory((8, 4), (64, 16)), width=24, blocks=1, dropout=0.0)
    found["hdvae-small"] = FamilyPreset(
        "Models binary 28x28 images: an HD-VAE with narrow networks; for trials, since it trains quickly.",
        narrow,
        small(HDVAE),
        binary,
    )
    found["hdvae-archive"] = FamilyPreset(
        "Codes binary images of 28x28 pixels in archives by bits-back coding; each pixel is given its neighbours.",
        replace(memory((12, 6), (64, 16)), width=32, blocks=1, dropout=0.0, likelihood="neighbours", reversible=True),
        replace(small(HDVAE), batch=64, schedule="cosine", stop_after=0),
        binary,
    )
    bounded = replace(HD[1], hierarchy="lvae", block="elu", blocks=1, width=16, dropout=0.0, exact=False, lipschitz=1.0)
    found["hdvae-lipschitz"] = FamilyPreset(
        "Bounds the bias of the relaxed ELBO: an HD-VAE of one layer whose decoder has a Lipschitz constant.",
        bounded,
        HDVAE,
        binary,
    )
    return found


def _layers(count: int) -> str:
    return "one layer" if count == 1 else f"{count} layers"


def _grid() -> dict[str, FamilyPreset]:
    """Return the models of Lievin et al., table 4, on relaxation bias: N variables over L layers, K = 256."""
    return {
        f"hdvae-n{total}-l{layers}": FamilyPreset(
            f"Measures relaxation bias: an HD-VAE of {total} variables in {_layers(layers)} of 256 symbols.",
            memory(shared(total, layers), (256,) * layers),
            HDVAE,
            "mnist-static",
        )
        for total in (12, 24, 48, 98)
        for layers in range(1, 7)
    }


FAMILY_PRESETS = {**_rrvq(), **_hdvae(), **_grid(), **BINARY_PRESETS}
