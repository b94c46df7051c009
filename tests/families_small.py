"""Families small enough to be enumerated, and presets shrunk to a size that trains in a test."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from dvcodec.models.families.config import FamilyConfig
from dvcodec.models.families.distributions import Distribution
from dvcodec.models.families.initialisation import centre, data_dependent_initialisation
from dvcodec.models.families.model import FamilyVAE
from dvcodec.models.families.packing import pack
from dvcodec.models.families.runtime.model import RuntimeFamily
from dvcodec.models.families.symbol_sources import Posterior
from dvcodec.models.integer.weights_file import Tensors
from dvcodec.training.recipes.families import FamilyPreset

TINY = FamilyConfig(
    sides=(2, 1),
    symbols=(2, 4),
    variables=(1, 1),
    channels=1,
    image=4,
    likelihood="bernoulli",
    width=4,
    embedding=2,
    values=2,
)

PERCEPTRON = replace(TINY, network="mlp", block="tanh", sides=(1, 1), variables=(4, 1))
"""Two layers and networks with hidden layers of tanh."""
BINARY = replace(
    PERCEPTRON,
    exact=False,
    sides=(1,),
    symbols=(2,),
    variables=(6,),
    latent="logits",
    prior="direct",
    weight_norm=False,
    centred=False,
)
"""Six binary variables of one layer, and pixels that begin as far apart as they are drawn."""
LINEAR = replace(PERCEPTRON, block="linear", blocks=0, width=16, latent="logits", prior="direct")
"""The same without hidden layers."""

MACHINE = replace(
    PERCEPTRON,
    sides=(1, 1),
    symbols=(2, 2),
    variables=(5, 3),
    hierarchy="skip-lvae",
    latent="logits",
    prior="direct",
    top_prior="rbm",
)
"""Two layers under a Boltzmann machine, whose coarser one is the smaller side."""
MACHINES = {
    "machine": MACHINE,
    "machine, finer side smaller": replace(MACHINE, variables=(3, 5)),
    "machine, halves": replace(MACHINE, sides=(1,), symbols=(2,), variables=(7,)),
    "machine, three layers": replace(MACHINE, sides=(1, 1, 1), symbols=(4, 2, 2), variables=(1, 3, 4)),
}

LVAE = replace(
    TINY,
    hierarchy="lvae",
    latent="memory",
    symbols=(4, 4),
    dense=True,
    variables=(2, 1),
    exact=False,
    lipschitz=0.7,
)
"""An LVAE whose relaxed samples have a bound."""


def lively(config: FamilyConfig, seed: int = 0) -> FamilyVAE:
    """A random model in evaluation mode whose priors and posteriors differ and are far from uniform."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        model = FamilyVAE(config).train()
        x = images(config, 8)
        if model.centred:
            centre(model, x.mean(0))
        with data_dependent_initialisation(model):
            sampler = _sample
            model.decode(len(x), Posterior(sampler), model.infer(x, sampler))
        for name, parameter in model.named_parameters():
            if name.endswith("bias") or name == "top":
                parameter.normal_(std=0.2)
            elif name.startswith("boltzmann"):
                parameter.normal_(std=1.5)
            elif "codebook" in name:
                parameter.mul_(1.2)
            elif config.categorical and name.endswith(
                (
                    "prior_head.last.parametrizations.weight.original0",
                    "top_down_head.last.parametrizations.weight.original0",
                )
            ):
                parameter.mul_(5)  # they begin quiet
    return model.eval()


def runtime(model: FamilyVAE) -> RuntimeFamily:
    """What a codec restores of a model's weights file."""
    return RuntimeFamily(model.config, Tensors(pack(model)))


def _sample(distribution: Distribution) -> Tensor:
    return distribution.sample(None)


def images(config: FamilyConfig, count: int, seed: int = 0) -> Tensor:
    """Discs and noise of the kind that a configuration takes. (count, C, S, S)"""
    rng, side = np.random.default_rng(seed), config.image
    y, x = np.mgrid[0:side, 0:side] / side
    centres, radii = rng.uniform(0.2, 0.8, (count, config.channels, 2, 1, 1)), rng.uniform(0.15, 0.5, (count, 1, 1, 1))
    discs = np.hypot(y - centres[:, :, 0], x - centres[:, :, 1]) < radii
    if config.binary:
        return torch.from_numpy(discs).float()
    levels = discs * 150 + rng.integers(0, 60, (count, config.channels, 1, 1))
    return torch.from_numpy(levels).float()


class Discs:
    """Images for a task, drawn anew for every batch."""

    def __init__(self, config: FamilyConfig) -> None:
        self.config = config

    def batch(self, count: int, rng: np.random.Generator) -> Tensor:
        """So many."""
        return images(self.config, count, seed=int(rng.integers(2**31)))


def shrunk(preset: FamilyPreset) -> FamilyPreset:
    """The preset with narrow networks and few symbols, as `--set` would make it; every axis as it is."""
    config = preset.config
    levels = min(config.levels, 6)
    step = config.levels // levels
    kept = list(range(config.levels))[::step][:levels]
    if config.block == "se":
        kept = list(range(config.levels))[-3:]  # with the variables of the whole image
    small = replace(
        config,
        sides=tuple(config.sides[level] for level in kept),
        symbols=tuple(min(config.symbols[level], 16) for level in kept),
        variables=tuple(min(config.variables[level], 4) for level in kept),
        latent_by_level=tuple(config.latent_of(level) for level in kept) if config.latent_by_level else (),
        width=config.width if config.block == "linear" else 8,
        blocks=min(config.blocks, 1),
        head_blocks=min(config.head_blocks, 1),
        embedding=min(config.embedding, 8),
    )
    recipe = replace(preset.recipe, batch=8, free_bits=0.0)
    return replace(preset, config=small, recipe=recipe)


class Few:
    """Eight images, in any number."""

    def __init__(self, preset: FamilyPreset, seed: int = 0) -> None:
        self.images = images(preset.config, 8, seed)

    def batch(self, count: int, rng: np.random.Generator) -> Tensor:
        """All of them in any order, where eight are asked for."""
        return self.images[rng.permutation(len(self.images))[np.arange(count) % len(self.images)]]
