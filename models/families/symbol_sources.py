"""Who chooses the symbols on the walk down a family's hierarchy, and the costs of what the choices cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..top_down_pass import SymbolSource
from .distributions import Distribution, hard
from .relaxations import Relaxation
from .steps import Step

Sampler = Callable[[Distribution], Tensor]
"""How a choice is taken from a distribution."""


def relaxed(relaxation: Relaxation, generator: torch.Generator | None = None) -> Sampler:
    """Samples that let gradients through (training)."""
    return lambda distribution: distribution.relaxed(relaxation, generator)


def sampled(generator: torch.Generator | None = None, temperature: float = 1.0) -> Sampler:
    """Hard samples (evaluation)."""
    return lambda distribution: distribution.sample(generator, temperature)


def mode(distribution: Distribution) -> Tensor:
    """The likeliest choice (compression)."""
    return distribution.mode()


@dataclass
class PassCosts:
    """What the choices of a walk cost, in nats by image: KL(q || p) of every layer, their own log p and log q.

    The KL of a layer that layers above it were inferred from is one sample's log q - log p, any other's the whole sum.
    `choices` and `queries` are in the order of the walk; `symbols` are the hard ones.
    """

    kl: dict[str, Tensor] = field(default_factory=dict)  # (B,)
    log_p: list[Tensor] = field(default_factory=list)  # (B,)
    log_q: list[Tensor] = field(default_factory=list)  # (B,)
    choices: list[Tensor] = field(default_factory=list)
    queries: list[Tensor] = field(default_factory=list)

    def note(self, step: Step, choice: Tensor) -> None:
        """Takes a step's choice down."""
        posterior = step.posterior
        assert posterior is not None and step.query is not None
        # Where layers above were inferred from this very choice, the sum over all others would be wrong.
        whole = step.layer.up is None
        cost = posterior.kl(step.prior) if whole else posterior.kl_estimate(step.prior, choice)
        self.kl[step.layer.plan.name] = step.by_image(cost)
        with torch.no_grad():
            self.log_p.append(step.by_image(step.prior.log_prob(choice)))
            self.log_q.append(step.by_image(posterior.log_prob(choice)))
        self.choices.append(choice)
        self.queries.append(step.query)

    def log_ratio(self) -> Tensor:
        """log p(z) - log q(z | x) of what was chosen. (B,)"""
        return torch.stack(self.log_p).sum(0) - torch.stack(self.log_q).sum(0)

    def symbols(self) -> list[Tensor]:
        """Hard choices by layer, detached."""
        return [hard(choice.detach()) for choice in self.choices]


class Posterior:
    """Takes what inference has chosen on its way up, and picks from q where it has not; keeps an costs."""

    def __init__(self, sampler: Sampler, costs: PassCosts | None = None) -> None:
        self.sampler, self.costs = sampler, costs

    def next(self, step: Step) -> Tensor:
        """Symbols (n,), or relaxed weights (n, K), or Gaussian values (n, D)."""
        if step.posterior is None:
            raise ValueError("a posterior needs inference: the pass was given none")
        choice = self.sampler(step.posterior) if step.inferred is None else step.inferred
        if self.costs is not None:
            self.costs.note(step, choice)
        return choice


class Prior:
    """Samples p(z_l | z_>l): ancestral sampling."""

    def __init__(self, sampler: Sampler) -> None:
        self.sampler = sampler

    def next(self, step: Step) -> Tensor:
        """Symbols (n,) or Gaussian values (n, D)."""
        return self.sampler(step.prior)


class Replay:
    """Repeats the choices of the first layers, then leaves the choice to another chooser."""

    def __init__(self, choices: Sequence[Tensor], then: SymbolSource[Step]) -> None:
        self.choices, self.then = choices, then

    def next(self, step: Step) -> Tensor:
        """The known choice, or the other chooser's."""
        known = step.index < len(self.choices)
        return self.choices[step.index] if known else self.then.next(step)
