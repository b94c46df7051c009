"""The network of `wavefront` in integer arithmetic: maps of (inputs, n) in whole steps of their grids.

Every map's bias includes the half that rounds: floor(W x + b + 1/2). Sums stay below 2**23 steps of their grid (see
file) and the half lies on that grid, so that adding it is exact in any order.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ...integer.grid import ACTIVATION_BITS
from ...integer.linear import QuantLinear
from ...integer.packing import BoundError
from ..heads import HIDDEN_LIMIT, MEAN_BITS, SCALES, TAILS
from . import features
from .features import UNIT
from .net import MIX_BITS, MIX_LIMIT, PART_BITS, PART_LIMIT, PREDICTION_LIMIT, PlaneHead, WavefrontNet

PART = PART_LIMIT * 2**PART_BITS
MIX = MIX_LIMIT * 2**MIX_BITS
PREDICTION = PREDICTION_LIMIT * UNIT


def scaled(linear: QuantLinear, bits: list[int]) -> tuple[Float[Tensor, "outputs inputs"], Float[Tensor, "outputs 1"]]:
    """Return matrix and bias of a map from steps of 2**-4 to steps of 2**-`bits`, before rounding.

    Raises:
        BoundError: If half a step of the result is not a whole step of an output's sums, which large weights can cause.
    """
    weight, bias = (x.detach() for x in linear.quantised())
    fine = torch.tensor(bits, dtype=torch.float32).expand(len(bias))
    if bool((linear.exponents() + ACTIVATION_BITS <= fine).any()):
        raise BoundError(f"the weights of a map to steps of 2**-{int(fine.max())} are too large to be rounded exactly")
    scale = torch.exp2(fine)[:, None]
    return weight * scale * 2.0**-ACTIVATION_BITS, bias[:, None] * scale


class IntegerPixelLayer:
    """A `QuantLinear` and a ReLU on the activations' grid."""

    def __init__(self, linear: QuantLinear) -> None:
        self.matrix, bias = scaled(linear, [ACTIVATION_BITS])
        self.bias = bias + 0.5

    def __call__(self, x: Float[Tensor, "inputs n"]) -> Float[Tensor, "outputs n"]:
        """Return the outputs of inputs, both in steps of 2**-4."""
        return torch.addmm(self.bias, self.matrix, x).floor_().clamp_(0, HIDDEN_LIMIT)


class IntegerPlaneHead:
    """The part of a `PlaneHead` after `IntegerWavefrontNet.enter`, which computes the parts that planes share."""

    def __init__(self, head: PlaneHead, hidden: int, predictors: int) -> None:
        mix, _ = scaled(head.mix, [ACTIVATION_BITS])
        skip, _ = scaled(head.skip, [PART_BITS])
        self.before = torch.cat([mix[:, hidden:], skip[:, features.linear_inputs() :]])  # (width + 1, planes)
        self.out, bias = scaled(head.out, [PART_BITS, 0, -2] + [MIX_BITS] * predictors)
        self.bias = bias + 0.5
        limits = [PART, SCALES // 2, TAILS // 2] + [MIX] * predictors
        self.limits = torch.tensor(limits)[:, None]

    def __call__(
        self, entered: Float[Tensor, "w n"], predicted: Float[Tensor, "J n"], before: Float[Tensor, "planes n"]
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
        """Return the means of a plane's pixels, in steps of 2**-3 above the base, and indices of scale and tail.

        Args:
            entered: What `IntegerWavefrontNet.enter` returns for the plane, w = width + 1; overwritten.
            predicted: The plane's predictions, in steps of 2**-4.
            before: Residuals of the planes before, in the same steps.
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


class IntegerWavefrontNet:
    """A `WavefrontNet` for coding."""

    def __init__(self, net: WavefrontNet) -> None:
        self.predictors, hidden = net.config.predictors, net.config.hidden
        heads = [head for head in net.heads if isinstance(head, PlaneHead)]
        self.trunk, self.deep = IntegerPixelLayer(net.trunk), IntegerPixelLayer(net.deep)
        straight = [scaled(net.predict, [ACTIVATION_BITS]), *(scaled(head.skip, [PART_BITS]) for head in heads)]
        linear = features.linear_inputs()
        self.straight = torch.cat([matrix[:, :linear] for matrix, _ in straight])
        self.straight_bias = torch.cat([bias for _, bias in straight]) + 0.5
        mixes = [scaled(head.mix, [ACTIVATION_BITS]) for head in heads]
        nothing = torch.zeros(1, hidden)
        self.mix = torch.cat([part for matrix, _ in mixes for part in (matrix[:, :hidden], nothing)])
        self.mix_bias = torch.cat([part for _, bias in mixes for part in (bias + 0.5, nothing[:, :1])])
        self.heads = [IntegerPlaneHead(head, hidden, self.predictors) for head in heads]

    def enter(self, everything: Float[Tensor, "inputs n"]) -> tuple[Float[Tensor, "J3 n"], Float[Tensor, "3 w n"]]:
        """Return the linear predictions of all planes and the inputs of the planes' heads.

        Args:
            everything: The features (inputs, n) in steps of 2**-4.

        Returns:
            Predictions (3 J, n) in steps of 2**-4, and for each plane the sums (width + 1, n) that its head completes.
        """
        n, J = everything.shape[1], 3 * self.predictors
        straight = torch.addmm(self.straight_bias, self.straight, everything[: features.linear_inputs()])
        entered = torch.addmm(self.mix_bias, self.mix, self.deep(self.trunk(everything))).view(3, -1, n)
        entered[:, -1] = straight[J:]
        return straight[:J].floor_().clamp_(-PREDICTION, PREDICTION), entered
