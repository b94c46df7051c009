"""The network of `wavefront` for coding: maps of (inputs, n) in whole steps, as few of them as can be.

Every map's bias holds the half that rounds: floor(W x + b + 1/2). Sums stay below 2**23 steps of their grid (see
file) and the half lies on that grid, so that adding it is exact in any order.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..integer.grid import ACTIVATION_BITS
from ..integer.linear import GridLinear
from ..packing import BoundError
from ..pixel_net import HIDDEN_LIMIT, MEAN_BITS, SCALES, TAILS
from . import seen
from .net import MIX_BITS, MIX_LIMIT, PART_BITS, PART_LIMIT, PREDICTION_LIMIT, PlaneHead, WavefrontNet
from .seen import UNIT

PART = PART_LIMIT * 2**PART_BITS
MIX = MIX_LIMIT * 2**MIX_BITS
PREDICTION = PREDICTION_LIMIT * UNIT


def scaled(linear: GridLinear, bits: list[int]) -> tuple[Tensor, Tensor]:
    """Matrix and bias (outputs, 1) from steps of 2**-4 to steps of 2**-`bits`, before rounding.

    BoundError if half a step of the result is no whole step of an output's sums, which large weights can cause.
    """
    weight, bias = (x.detach() for x in linear.quantised())
    fine = torch.tensor(bits, dtype=torch.float32).expand(len(bias))
    if bool((linear.exponents() + ACTIVATION_BITS <= fine).any()):
        raise BoundError(f"the weights of a map to steps of 2**-{int(fine.max())} are too large to be rounded exactly")
    scale = torch.exp2(fine)[:, None]
    return weight * scale * 2.0**-ACTIVATION_BITS, bias[:, None] * scale


class Layer:
    """A `GridLinear` and a ReLU on the activations' grid."""

    def __init__(self, linear: GridLinear) -> None:
        self.matrix, bias = scaled(linear, [ACTIVATION_BITS])
        self.bias = bias + 0.5

    def __call__(self, x: Tensor) -> Tensor:
        return torch.addmm(self.bias, self.matrix, x).floor_().clamp_(0, HIDDEN_LIMIT)


class FrozenPlane:
    """A `PlaneHead`: what is left of it once `FrozenWavefront.enter` has seen all that is the same for every plane."""

    def __init__(self, head: PlaneHead, hidden: int, predictors: int) -> None:
        mix, _ = scaled(head.mix, [ACTIVATION_BITS])
        skip, _ = scaled(head.skip, [PART_BITS])
        self.before = torch.cat([mix[:, hidden:], skip[:, seen.linear_inputs() :]])  # (width + 1, planes)
        self.out, bias = scaled(head.out, [PART_BITS, 0, -2] + [MIX_BITS] * predictors)
        self.bias = bias + 0.5
        limits = [PART, SCALES // 2, TAILS // 2] + [MIX] * predictors
        self.limits = torch.tensor(limits)[:, None]

    def __call__(self, entered: Tensor, predicted: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Steps of 2**-3 to the mean above the base, and the index of scale and tail. (n,) each

        `entered` (width + 1, n) is used up.
        """
        if len(before):
            entered.addmm_(self.before, before)
        entered.floor_()
        out = torch.addmm(self.bias, self.out, entered[:-1].clamp_(0, HIDDEN_LIMIT)).floor_()
        out.clamp_(-self.limits, self.limits)
        mixed = torch.linalg.vecdot(out[3:], predicted, dim=0).mul_(2.0 ** (PART_BITS - MIX_BITS - ACTIVATION_BITS))
        mean = mixed.add_(0.5).floor_().clamp_(-PART, PART).add_(entered[-1].clamp_(-PART, PART)).add_(out[0])
        kinds = (out[1] * TAILS).add_(out[2]).add_((SCALES // 2) * TAILS + TAILS // 2)
        return mean.mul_(2.0 ** (MEAN_BITS - PART_BITS)).add_(0.5).floor_(), kinds


class FrozenWavefront:
    """A `WavefrontNet`."""

    def __init__(self, net: WavefrontNet) -> None:
        self.predictors, hidden = net.config.predictors, net.config.hidden
        heads = [head for head in net.heads if isinstance(head, PlaneHead)]
        self.trunk, self.deep = Layer(net.trunk), Layer(net.deep)
        straight = [scaled(net.predict, [ACTIVATION_BITS]), *(scaled(head.skip, [PART_BITS]) for head in heads)]
        linear = seen.linear_inputs()
        self.straight = torch.cat([matrix[:, :linear] for matrix, _ in straight])
        self.straight_bias = torch.cat([bias for _, bias in straight]) + 0.5
        mixes = [scaled(head.mix, [ACTIVATION_BITS]) for head in heads]
        nothing = torch.zeros(1, hidden)
        self.mix = torch.cat([part for matrix, _ in mixes for part in (matrix[:, :hidden], nothing)])
        self.mix_bias = torch.cat([part for _, bias in mixes for part in (bias + 0.5, nothing[:, :1])])
        self.heads = [FrozenPlane(head, hidden, self.predictors) for head in heads]

    def enter(self, everything: Tensor) -> tuple[Tensor, Tensor]:
        """All that is seen (inputs, n) -> predictions (3 J, n), and what each head begins from (3, width + 1, n)."""
        n, J = everything.shape[1], 3 * self.predictors
        straight = torch.addmm(self.straight_bias, self.straight, everything[: seen.linear_inputs()])
        entered = torch.addmm(self.mix_bias, self.mix, self.deep(self.trunk(everything))).view(3, -1, n)
        entered[:, -1] = straight[J:]
        return straight[:J].floor_().clamp_(-PREDICTION, PREDICTION), entered
