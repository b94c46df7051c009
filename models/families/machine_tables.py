"""A Boltzmann machine as weights files hold it, and back (see `runtime.machine`), for a smaller side of n units.

marginals   int32, (2^n - 1,)       weights of 1 of the smaller side's units, each given those before it
bias        int32 / 2^16, (n,)      bits; decoders do not need it
odds        int32 / 2^16, (m,)      biases of the larger side, bits
weight      int32 / 2^16, (n, m)    bits
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...shapes import Int32, Shaped
from ..integer.packing import integers
from ..runtime.linear import BoundError
from .boltzmann import BoltzmannMachine
from .runtime.machine import WHOLE, IntegerMachine
from .scores import FORM_BITS

BITS = 1 / math.log(2)
"""Bits in a nat."""


def pack_machine(machine: BoltzmannMachine) -> dict[str, Shaped[Tensor, ...]]:
    """Return the integers of a machine by name, as above.

    Raises:
        BoundError: If a number does not fit its integers, or is none.
    """
    smaller = len(machine.first) <= len(machine.second)
    small, large = (machine.first, machine.second) if smaller else (machine.second, machine.first)
    parts = {"bias": small, "odds": large, "weight": machine.weight if smaller else machine.weight.T}
    for name, part in parts.items():
        if not bool((part.detach().double().abs() * BITS < 2.0 ** (31 - FORM_BITS)).all()):
            raise BoundError(f"boltzmann: its {name} is too large for 32 bits")
    packed = {name: integers(part.detach() * BITS, FORM_BITS, torch.int32) for name, part in parts.items()}
    return {"marginals": _marginals(machine), **packed}


@torch.no_grad()
def _marginals(machine: BoltzmannMachine) -> Int32[Tensor, " entries"]:
    """Return the weights of 1 of the smaller side's units, each given those before it."""
    double = BoltzmannMachine(*machine.weight.shape).double()
    double.load_state_dict({name: value.double() for name, value in machine.state_dict().items()})
    scores, tables = double.state_scores(), []
    while len(scores) > 1:  # of the last unit first, whose digit is the largest
        halves = scores.view(2, -1)
        tables.append(torch.floor(torch.sigmoid(halves[1] - halves[0]) * WHOLE + 0.5).to(torch.int32))
        scores = torch.logsumexp(halves, 0)
    return torch.cat(tables[::-1])


@torch.no_grad()
def unpack_machine(machine: BoltzmannMachine, held: IntegerMachine) -> None:
    """Give a machine the parameters of a weights file, and the tables that it is coded with."""
    smaller = len(machine.first) <= len(machine.second)
    small, large = (machine.first, machine.second) if smaller else (machine.second, machine.first)
    weight = torch.from_numpy(held.weight if smaller else held.weight.T)
    pairs = [(small, torch.from_numpy(held.bias)), (large, torch.from_numpy(held.odds)), (machine.weight, weight)]
    for parameter, steps in pairs:
        parameter.copy_(steps.double() / (2**FORM_BITS * BITS))
    machine.frozen = held
