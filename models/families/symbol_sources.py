"""Symbol sources of a family's top-down pass, and what their choices cost in nats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ...shapes import Float, Int64
from ..top_down_pass import TensorSymbolSource
from .distributions import Distribution, hard
from .divergences import Divergence, whole
from .relaxations import Relaxation
from .steps import LatentStep

Sampler = Callable[[Distribution], Tensor]
"""A rule that takes a choice from a distribution, such as sampling it or taking its mode."""


def relaxed(relaxation: Relaxation, generator: torch.Generator | None = None) -> Sampler:
    """Return a sampler whose choices let gradients through, for training."""
    return lambda distribution: distribution.relaxed(relaxation, generator)


def sampled(generator: torch.Generator | None = None, temperature: float = 1.0) -> Sampler:
    """Return a sampler of hard choices, for evaluation."""
    return lambda distribution: distribution.sample(generator, temperature)


def mode(distribution: Distribution) -> Int64[Tensor, " rows"] | Float[Tensor, "rows _"]:
    """Return the likeliest choice, for compression."""
    return distribution.mode()


@dataclass
class PassCosts:
    """Records what the choices of a top-down pass cost, in nats for each image.

    Args:
        divergence: What a choice costs.
        kl: KL(q || p) by the layer's name, (B,) each.
        log_p: log p(z_l | z_>l) of the choices, in coding order, (B,) each; with gradients, as all of these.
        log_q: log q(z_l | ..., x) of the choices, in coding order, (B,) each.
        choices: The choices, in coding order.
        queries: The posterior's embeddings e_q, in coding order.
    """

    divergence: Divergence = whole
    kl: dict[str, Tensor] = field(default_factory=dict)
    log_p: list[Tensor] = field(default_factory=list)
    log_q: list[Tensor] = field(default_factory=list)
    choices: list[Tensor] = field(default_factory=list)
    queries: list[Tensor] = field(default_factory=list)

    def note(self, step: LatentStep, choice: Int64[Tensor, " rows"] | Float[Tensor, "rows _"]) -> None:
        """Record a step's choice."""
        posterior = step.posterior
        assert posterior is not None and step.query is not None
        self.kl[step.layer.plan.name] = step.by_image(self.divergence(step, choice))
        self.log_p.append(step.by_image(step.prior.log_prob(choice)))
        self.log_q.append(step.by_image(posterior.log_prob(choice)))
        self.choices.append(choice)
        self.queries.append(step.query)

    def log_ratio(self) -> Float[Tensor, " B"]:
        """Return log p(z) - log q(z | x) of the choices, in nats, with gradients."""
        return torch.stack(self.log_p).sum(0) - torch.stack(self.log_q).sum(0)

    def symbols(self) -> list[Int64[Tensor, " _"]]:
        """Return the choices as hard symbols, in coding order, without gradients."""
        return [hard(choice.detach()) for choice in self.choices]


class Posterior:
    """Chooses from the posterior, and repeats what inference has already chosen in the bottom-up pass.

    Args:
        sampler: Takes a choice from a posterior.
        costs: Where to record the costs, if anywhere.
    """

    def __init__(self, sampler: Sampler, costs: PassCosts | None = None) -> None:
        self.sampler, self.costs = sampler, costs

    def next(self, step: LatentStep) -> Int64[Tensor, " rows"] | Float[Tensor, "rows _"]:
        """Return symbols (n,), relaxed weights (n, K) or Gaussian values (n, D).

        Raises:
            ValueError: If the pass was given no inference.
        """
        if step.posterior is None:
            raise ValueError("a posterior needs inference: the pass was given none")
        choice = self.sampler(step.posterior) if step.inferred is None else step.inferred
        if self.costs is not None:
            self.costs.note(step, choice)
        return choice


class Prior:
    """Chooses from p(z_l | z_>l): ancestral sampling."""

    def __init__(self, sampler: Sampler) -> None:
        self.sampler = sampler

    def next(self, step: LatentStep) -> Int64[Tensor, " rows"] | Float[Tensor, "rows _"]:
        """Return symbols (n,) or Gaussian values (n, D)."""
        return self.sampler(step.prior)


class Replay:
    """Repeats known choices of the first layers, then asks another symbol source."""

    def __init__(
        self, choices: Sequence[Int64[Tensor, " _"] | Float[Tensor, "_ _"]], then: TensorSymbolSource[LatentStep]
    ) -> None:
        self.choices, self.then = choices, then

    def next(self, step: LatentStep) -> Int64[Tensor, " rows"] | Float[Tensor, "rows _"]:
        """Return the known choice, or that of the other source."""
        known = step.index < len(self.choices)
        return self.choices[step.index] if known else self.then.next(step)
