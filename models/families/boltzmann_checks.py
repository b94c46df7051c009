"""Which models a Boltzmann machine can be the prior of: plain values, no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .config import FamilyConfig


LARGEST_EXACT = 16
"""Units of a side whose states are enumerated, and of the smaller side of a machine that files are coded with."""


def machine_levels(config: FamilyConfig) -> int:
    """Return the number of levels, the coarsest ones, whose variables are units of a machine; 0 without one."""
    if not config.boltzmann:
        return 0
    return 1 if config.levels == 1 or config.top_prior == "rbm-halves" else 2


def machine_sides(config: FamilyConfig) -> tuple[int, int]:
    """Return the units of the sides: those of the two coarsest levels, coarsest first, or of a single one's halves."""
    if machine_levels(config) == 1:
        half = config.variables[-1] // 2
        return half, config.variables[-1] - half
    return config.variables[-1], config.variables[-2]


def first_is_smaller(config: FamilyConfig) -> bool:
    """Tell whether the side that is inferred first has at most as many units as the other."""
    first, second = machine_sides(config)
    return first <= second


def check_boltzmann(config: FamilyConfig) -> None:
    """Check that the coarsest variables of a configuration can be the units of a machine.

    Args:
        config: A configuration with `top_prior=rbm` or `rbm-halves`.

    Raises:
        ValueError: They cannot.
    """
    top = config.levels - machine_levels(config)
    kinds = {config.latent_of(level) for level in range(top, config.levels)}
    if kinds != {"logits"} or set(config.symbols[top:]) != {2}:
        raise ValueError("the units of a Boltzmann machine have two symbols: set latent=logits and symbols=2")
    if config.infers_upwards:
        raise ValueError("a Boltzmann machine needs inference from the coarsest layer on: set hierarchy=skip-lvae")
    if not config.dense and set(config.sides[top:]) != {1}:
        raise ValueError("the units of a Boltzmann machine have one position: set dense=true")
    if top == config.levels - 1 and config.variables[-1] < 2:
        raise ValueError("the halves of a Boltzmann machine have at least one unit each: set variables=2 or more")
    if config.lipschitz:
        raise ValueError("a Boltzmann machine has no Lipschitz constant: set lipschitz=0")
    if config.exact and min(machine_sides(config)) > LARGEST_EXACT:
        raise ValueError(f"{too_large(config)}: set exact=false")
    if config.reversible and not first_is_smaller(config):
        raise ValueError(
            "bits-back coding draws the coarsest layer first, which must be the smaller side of the machine"
        )


def too_large(config: FamilyConfig) -> str:
    """Say why files cannot be coded with a machine."""
    most = f"files are coded with Boltzmann machines whose smaller side has at most {LARGEST_EXACT} units"
    return f"{most}, and here it has {min(machine_sides(config))}"
