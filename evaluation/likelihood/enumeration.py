"""Every state of a model with few enough latent variables: sums over z can then be written out."""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

from ...models.families.distributions import Distribution
from ...models.families.model import FamilyVAE
from ...models.families.symbol_sources import PassCosts
from ...shapes import Float, Int64


class Enumerated:
    """Picks given symbols layer after layer: those of the bottom-up pass first, then those of the top-down pass.

    Args:
        model: The model, of categorical latent variables.
        states: Symbols of each image; columns are in the order of the top-down pass.
    """

    def __init__(self, model: FamilyVAE, states: Int64[Tensor, "B variables"]) -> None:
        layers, first, rows = model.layers(), 0, []
        for layer in layers:
            count = layer.plan.variables * layer.plan.side**2
            rows.append(states[:, first : first + count].reshape(len(states), layer.plan.variables, -1))
            first += count
        upwards = sorted((i for i, m in enumerate(layers) if m.plan.bottom_up), key=lambda i: layers[i].plan.level)
        order = [*upwards, *(i for i, m in enumerate(layers) if not m.plan.bottom_up)]
        self._left = [rows[i].permute(1, 0, 2).flatten() for i in order]

    def __call__(self, distribution: Distribution) -> Int64[Tensor, " rows"]:
        """Return the next layer's symbols."""
        return self._left.pop(0)


def states(model: FamilyVAE) -> Int64[Tensor, "states variables"]:
    """Return every combination of symbols, with columns in the order of the top-down pass."""
    sizes = [m.plan.symbols for m in model.layers() for _ in range(m.plan.variables * m.plan.side**2)]
    return torch.tensor(list(product(*(range(k) for k in sizes))))


def enumerate_states(model: FamilyVAE, x: Float[Tensor, "1 C S S"]) -> tuple[Float[Tensor, " states"], PassCosts]:
    """Return log p(x | z) of every state for one image in nats, float64, and the costs of all states."""
    every, costs = states(model), PassCosts()
    likelihood = model.log_likelihood(x.expand(len(every), -1, -1, -1), Enumerated(model, every), costs)
    return likelihood[0].double(), costs
