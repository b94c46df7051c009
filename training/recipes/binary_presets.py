"""Presets of binary latent variables, after Rolfe (2016) and Vahdat et al. (2018): plain numbers, no torch.

docs/MODELS.md says what the papers leave out and is chosen here.
"""

from __future__ import annotations

from dataclasses import replace

from ...models.families.config import FamilyConfig
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
HALVES = replace(NONLINEAR, top_prior="rbm", exact=False)
"""The same under a Boltzmann machine that joins the first 100 variables with the others."""
LINEAR = replace(NONLINEAR, block="linear", width=28**2, blocks=0)

BINARY_PRESETS = {
    "dvaepp-binary": FamilyPreset(
        "Models binary 28x28 images: 200 binary variables, smoothed as in DVAE++, and nonlinear networks.",
        NONLINEAR,
        DVAEPP,
        "mnist-static",
    ),
    "dvaepp-binary-linear": FamilyPreset(
        "Models binary 28x28 images: dvaepp-binary with linear networks.",
        LINEAR,
        DVAEPP,
        "mnist-static",
    ),
    "dvaepp-rbm": FamilyPreset(
        "Models binary 28x28 images: two layers of 100 binary variables under a Boltzmann machine, as in DVAE++.",
        replace(HALVES, sides=(1, 1), symbols=(2, 2), variables=(100, 100)),
        DVAEPP,
        "mnist-static",
    ),
    "dvae": FamilyPreset(
        "Models binary 28x28 images: 200 binary variables under a Boltzmann machine, smoothed by a spike as in DVAE.",
        HALVES,
        replace(DVAEPP, relaxation="spike-exponential"),
        "mnist-static",
    ),
    "dvae-sharp": FamilyPreset(
        "Models binary 28x28 images: dvae smoothed by power functions, as in DVAE#.",
        HALVES,
        replace(DVAEPP, relaxation="overlap-power"),
        "mnist-static",
    ),
}
