"""What a Boltzmann machine says of the layers that are its sides: p(z_1), p(z_2 | z_1), or p(z_1, z_2) of one layer.

With these the terms of equation 6 are divergences of the two layers, whose sum is

    log Z - H(q(z_1)) - H(q(z_2)) - a_1 mu_1 - a_2 mu_2 - nu_1 W mu_2:

the first takes log Z - H(q(z_1)) - a_1 mu_1 - sum softplus(a_2 + nu_1 W), the second the divergence of q(z_2) from the
units' distribution given nu_1, which adds the same softplus.

Source:
    Vahdat et al. (2018), "DVAE++", section 5 and equation 6.
"""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from ...shapes import Float, Int64
from .boltzmann import BoltzmannMachine
from .distributions import Categorical, Choice, Distribution
from .relaxations import Relaxation


class SecondSide(Categorical):
    """p(z_2 | z_1): independent units.

    Args:
        machine: The machine.
        first: z_1 by unit and image, (V * B,); between 0 and 1 where it is relaxed.
        images: Number of images B.
    """

    def __init__(self, machine: BoltzmannMachine, first: Float[Tensor, " rows"], images: int) -> None:
        logits = machine.second_logits(first.to(machine.weight.dtype).view(-1, images).T).T.flatten()
        super().__init__(torch.stack([torch.zeros_like(logits), logits], -1))


class MachinePrior:
    """The joint distribution of one layer's variables. Rows are by variable, then by image, and add up by image.

    Args:
        machine: The machine.
        images: Number of images B.
    """

    def __init__(self, machine: BoltzmannMachine, images: int) -> None:
        self.machine, self.images = machine, images

    @cached_property
    def log_z(self) -> Float[Tensor, ""]:
        """Return log Z."""
        return self.machine.log_partition()

    def values(self, rows: Float[Tensor, " rows"]) -> Float[Tensor, "B V"]:
        """Return rows as the values of an image's units."""
        return rows.to(self.machine.weight.dtype).view(-1, self.images).T

    def spread(self, rows: Float[Tensor, " rows"], rest: Float[Tensor, " B"]) -> Float[Tensor, " rows"]:
        """Return rows to which an image's value is added, in equal shares."""
        variables = len(rows) // self.images
        return rows + (rest / variables).repeat(variables)

    def score(self, values: Float[Tensor, "B V"]) -> tuple[Float[Tensor, "B V"], Float[Tensor, " B"]]:
        """Return what each unit adds to log p + log Z by itself, and what the rest adds."""
        raise NotImplementedError

    def units(self, count: int, generator: torch.Generator | None, temperature: float) -> Float[Tensor, "B V"]:
        """Return samples of the layer's units."""
        raise NotImplementedError

    def sample(self, generator: torch.Generator | None, temperature: float = 1.0) -> Int64[Tensor, " rows"]:
        """Return symbols; a temperature below 1 favours the likelier ones."""
        return self.units(self.images, generator, temperature).T.flatten().long()

    def relaxed(self, relaxation: Relaxation, generator: torch.Generator | None) -> Int64[Tensor, " rows"]:
        """Return `sample`, which lets no gradient through."""
        return self.sample(generator)

    def mode(self) -> Int64[Tensor, " rows"]:
        """Return the symbols of the likeliest state of the smaller side, and the likeliest given these."""
        return self.sample(None, 0.0)

    def log_prob(self, choice: Choice) -> Float[Tensor, " rows"]:
        """Return log p, in shares; relaxed choices count as they are."""
        alone, rest = self.score(self.values(values_of(choice)))
        return self.spread(alone.T.flatten(), rest - self.log_z)

    def divergence(self, posterior: Distribution, expected: Float[Tensor, " rows"]) -> Float[Tensor, " rows"]:
        """Return KL(q || p), in shares.

        Args:
            posterior: q, independent rows.
            expected: E[z] given what the layers below are inferred from: nu, or hard values themselves.
        """
        assert isinstance(posterior, Categorical)
        q = posterior.log_p.exp()
        mean, entropy = self.values(q[:, 1]), -(q * posterior.log_p).sum(-1)
        alone, rest = self.score_of_means(mean, self.values(expected))
        return self.spread(-entropy - alone.T.flatten(), self.log_z - rest)

    def score_of_means(
        self, mean: Float[Tensor, "B V"], expected: Float[Tensor, "B V"]
    ) -> tuple[Float[Tensor, "B V"], Float[Tensor, " B"]]:
        """Return the expectation of `score`."""
        raise NotImplementedError

    def kl(self, prior: Distribution) -> Float[Tensor, " rows"]:
        """Refuse: a machine is no posterior."""
        raise TypeError("a Boltzmann machine is a prior alone")

    def kl_estimate(self, prior: Distribution, choice: Choice) -> Float[Tensor, " rows"]:
        """Refuse: a machine is no posterior."""
        raise TypeError("a Boltzmann machine is a prior alone")


class FirstSide(MachinePrior):
    """p(z_1), z_2 summed out."""

    def score(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return a_1 z_1 by unit, and the sum of softplus(a_2 + z_1 W)."""
        return self.score_of_means(values, values)

    def score_of_means(self, mean: Tensor, expected: Tensor) -> tuple[Tensor, Tensor]:
        """Return a_1 mu_1 by unit, and the sum of softplus(a_2 + nu_1 W)."""
        return mean * self.machine.first, torch.nn.functional.softplus(self.machine.second_logits(expected)).sum(-1)

    def units(self, count: int, generator: torch.Generator | None, temperature: float) -> Tensor:
        """Return z_1."""
        return self.machine.sample(count, generator, temperature)[0]


class BothSides(MachinePrior):
    """p(z_1, z_2), where z_1 and z_2 are the halves of one layer."""

    def score(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return a z by unit, and z_1 W z_2."""
        first, second = values.tensor_split([len(self.machine.first)], dim=1)
        biases = torch.cat([self.machine.first, self.machine.second])
        return values * biases, (first @ self.machine.weight * second).sum(-1)

    def score_of_means(self, mean: Tensor, expected: Tensor) -> tuple[Tensor, Tensor]:
        """Return the score of the means: the halves are independent under q, so that it is exact."""
        return self.score(mean)

    def units(self, count: int, generator: torch.Generator | None, temperature: float) -> Tensor:
        """Return both halves."""
        return torch.cat(self.machine.sample(count, generator, temperature), dim=1)


def values_of(choice: Choice) -> Float[Tensor, " rows"]:
    """Return binary choices as numbers: symbols, or the weights of symbol 1."""
    return choice[:, 1] if choice.is_floating_point() else choice.to(torch.get_default_dtype())


def prior_of(
    machine: BoltzmannMachine | None, index: int, joined: int, images: int, first: Choice | None
) -> Distribution | None:
    """Return what a machine says of a layer; None where it is not one of its sides.

    Args:
        machine: The machine, if the model has one.
        index: The layer's place in coding order.
        joined: Number of layers whose variables are its units.
        images: Number of images.
        first: The choice of the first layer, once it is known.
    """
    if machine is None or index >= joined:
        return None
    if joined == 1:
        return BothSides(machine, images)
    if index == 0:
        return FirstSide(machine, images)
    assert first is not None
    return SecondSide(machine, values_of(first), images)
