"""Which models a Boltzmann machine can be the prior of: plain values, no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .config import FamilyConfig


def check_boltzmann(config: FamilyConfig) -> None:
    """Check that the coarsest variables of a configuration can be the units of a machine.

    Args:
        config: A configuration with `top_prior=rbm`.

    Raises:
        ValueError: They cannot.
    """
    top = config.levels - 2 if config.levels > 1 else 0
    if config.latent != "logits" or set(config.symbols[top:]) != {2}:
        raise ValueError("the units of a Boltzmann machine have two symbols: set latent=logits and symbols=2")
    if config.infers_upwards:
        raise ValueError("a Boltzmann machine needs inference from the coarsest layer on: set hierarchy=skip-lvae")
    if not config.dense and set(config.sides[top:]) != {1}:
        raise ValueError("the units of a Boltzmann machine have one position: set dense=true")
    if config.levels == 1 and config.variables[0] < 2:
        raise ValueError("the halves of a Boltzmann machine have at least one unit each: set variables=2 or more")
    if config.exact or config.lipschitz:
        raise ValueError("a Boltzmann machine has no exact form yet and no constant: set exact=false and lipschitz=0")
