"""Presets of binary latent variables, after Rolfe (2016) and Vahdat et al. (2018): plain numbers, no torch.

docs/MODELS.md says what the papers leave out and is chosen here.
"""

from __future__ import annotations

from dataclasses import replace

from ...models.families.config import FamilyConfig, Latent
from .families import FamilyPreset, FamilyRecipe

DVAEPP = FamilyRecipe(
    steps=500_000,
    batch=100,
    optimiser="adam",
    rate=5e-4,
    schedule="constant",
    validate_every=5000,
    relaxation="overlap-exponential",
    betas=(6.0, 16.0),
    kl_warm_up=10_000,
)
NONLINEAR = FamilyConfig(
    sides=(1,),
    symbols=(2,),
    variables=(200,),
    channels=1,
    image=28,
    hierarchy="skip-lvae",
    latent="logits",
    prior="direct",
    likelihood="bernoulli",
    network="mlp",
    block="tanh",
    width=200,
    values=1,
)
"""200 binary variables and two hidden layers of 200 tanh, in each direction."""
TWO = replace(NONLINEAR, sides=(1, 1), symbols=(2, 2), variables=(100, 100))
"""The same variables in two layers."""
CONTINUOUS = replace(DVAEPP, relaxation="gumbel-softmax")
SPIKE = replace(DVAEPP, relaxation="spike-exponential")


def linear(config: FamilyConfig) -> FamilyConfig:
    """Return the same latent variables with linear networks."""
    return replace(config, block="linear", width=28**2, blocks=0)


def joined(config: FamilyConfig) -> FamilyConfig:
    """Return the same networks under a Boltzmann machine."""
    return replace(config, top_prior="rbm", exact=False)


def _tables_1_and_2() -> dict[str, FamilyPreset]:
    """Return the models of Vahdat et al. (2018), tables 1 and 2, and of the papers before and after."""
    machine = "under a Boltzmann machine"
    models = {
        "dvaepp-binary": ("200 binary variables, smoothed as in DVAE++", NONLINEAR, DVAEPP),
        "dvaepp-two": ("two layers of 100 binary variables, smoothed as in DVAE++", TWO, DVAEPP),
        "dvaepp-rbm": (f"two layers of 100 binary variables {machine}, as in DVAE++", joined(TWO), DVAEPP),
        "dvaepp-rbm-one": (f"200 binary variables {machine}, as in DVAE++", joined(NONLINEAR), DVAEPP),
        "dvae": (f"200 binary variables {machine}, smoothed by a spike as in DVAE", joined(NONLINEAR), SPIKE),
    }
    found = {}
    for name, (text, config, recipe) in models.items():
        found[name] = FamilyPreset(f"Models binary 28x28 images: {text}.", config, recipe, "mnist-static")
        text = f"Models binary 28x28 images: {name} with linear networks."
        found[f"{name}-linear"] = FamilyPreset(text, linear(config), recipe, "mnist-static")
    sharp = "Models binary 28x28 images: dvae smoothed by power functions, as in DVAE#."
    recipe = replace(DVAEPP, relaxation="overlap-power")
    return {**found, "dvae-sharp": FamilyPreset(sharp, joined(NONLINEAR), recipe, "mnist-static")}


LOCAL = 16
"""Layers of local variables in table 3."""
KINDS: tuple[Latent, Latent] = ("gaussian", "logits")
GAUSSIAN, UNITS = KINDS[:1] * LOCAL, KINDS[1:]
GLOBAL = FamilyConfig(
    sides=(7,) * LOCAL + (1, 1),
    symbols=(2,) * (LOCAL + 2),
    variables=(4,) * LOCAL + (8, 8),
    latent="logits",
    latent_by_level=GAUSSIAN + 2 * UNITS,
    prior="direct",
    top_prior="rbm",
    channels=1,
    image=28,
    hierarchy="resnet",
    likelihood="bernoulli",
    block="se",
    width=64,
    embedding=8,
    values=8,
    exact=False,
)
"""Two layers of 8 binary variables for the whole image under a machine, 32 Gaussian coordinates at each position."""


def _table_3() -> dict[str, FamilyPreset]:
    """Return the models of Vahdat et al. (2018), table 3, for binary images and for CIFAR-10."""
    bits = replace(GLOBAL, latent_by_level=(), variables=(32,) * LOCAL + (8, 8), exact=True)
    normal = replace(GLOBAL, latent="gaussian", latent_by_level=(), variables=(4,) * LOCAL + (1, 1), top_prior="learnt")
    spike = replace(
        GLOBAL,
        sides=(7,) * LOCAL + (1,),
        symbols=(2,) * (LOCAL + 1),
        variables=(4,) * LOCAL + (16,),
        latent_by_level=GAUSSIAN + UNITS,
        top_prior="rbm-halves",
    )
    rows = {
        "mixed": ("binary variables under a Boltzmann machine above Gaussian ones", GLOBAL, DVAEPP),
        "normal": (
            "Gaussian variables for the whole image above Gaussian ones",
            normal,
            CONTINUOUS,
        ),
        "spike": ("binary variables under a machine, smoothed by a spike, above Gaussian ones", spike, SPIKE),
        "discrete": ("binary variables under a Boltzmann machine above binary ones", bits, DVAEPP),
        "bernoulli": ("binary variables alone", replace(bits, top_prior="learnt"), replace(DVAEPP, bound="marginal")),
    }
    found = {}
    for name, (text, config, recipe) in rows.items():
        text = f"with squeeze and excitation, {text}, as in DVAE++"
        found[f"dvaepp-{name}"] = FamilyPreset(f"Models binary 28x28 images: {text}.", config, recipe, "mnist-static")
        found[f"dvaepp-{name}-cifar"] = FamilyPreset(
            f"Models colour images of 32x32 pixels: {text}.", _in_colour(config), recipe, "cifar10"
        )
    return found


def _in_colour(config: FamilyConfig) -> FamilyConfig:
    """Return the model of colour images: 128 global variables, and pixels that see those of coarser scales."""
    units = {1: (1, 1), 8: (64, 64), 16: (128,)}[config.variables[-1]]
    return replace(
        config,
        image=32,
        channels=3,
        sides=tuple(8 if side == 7 else side for side in config.sides),
        variables=config.variables[:LOCAL] + units,
        likelihood="scales",
        exact=config.exact and not config.boltzmann,
    )


BINARY_PRESETS = {**_tables_1_and_2(), **_table_3()}
