"""The network of `wavefront` in integer arithmetic: maps of (inputs, n) in whole steps of their grids.

Every map's bias includes the half that rounds: floor(W x + b + 1/2). Sums stay below 2**23 steps of their grid (see
file) and the half lies on that grid, so that adding it is exact in any order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32
from ...configs import WavefrontConfig
from ...integer.weights_file import Tensors
from ...runtime.linear import ACTIVATION_BITS, BoundError, IntegerMap
from ..grids import HIDDEN_LIMIT, MEAN_BITS, SCALES, TAILS, UNIT
from . import features
from .features import LIMIT
from .grids import MIX_BITS, MIX_LIMIT, PART_BITS, PART_LIMIT, PREDICTION_LIMIT, SUM_LIMIT

PART = PART_LIMIT * 2**PART_BITS
MIX = MIX_LIMIT * 2**MIX_BITS
PREDICTION = PREDICTION_LIMIT * UNIT

Scaled = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Matrix (outputs, inputs) and bias (outputs, 1) of a map in steps, before rounding."""


def scaled(
    integers: IntegerMap, bits: Sequence[int]
) -> tuple[Float32[NDArray[np.float32], "outputs inputs"], Float32[NDArray[np.float32], "outputs 1"]]:
    """Return matrix and bias of a map from steps of 2**-4 to steps of 2**-`bits`, before rounding.

    Raises:
        BoundError: Half a step of the result is not a whole step of an output's sums, which large weights can cause.
    """
    fine = np.broadcast_to(np.array(bits), integers.shift.shape)
    if (integers.shift.astype(int) + ACTIVATION_BITS <= fine).any():
        raise BoundError(f"the weights of a map to steps of 2**-{fine.max()} are too large to be rounded exactly")
    scale = integers.scale(fine)[:, None]
    return integers.weight * scale, integers.bias[:, None].astype(np.float32) * scale


class Maps:
    """The maps of a weights file, which are taken by their names.

    Args:
        tensors: The integers of the maps.
    """

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors

    def scaled(self, name: str, inputs: int, bits: Sequence[int], *, hidden: bool) -> Scaled:
        """Return what `scaled` does of a map.

        Args:
            name: Of the map.
            inputs: Number of inputs.
            bits: By output.
            hidden: Whether the inputs are hidden activations rather than features.

        Raises:
            BoundError: A sum could round.
            ValueError: The tensors do not fit the sizes.
        """
        largest = HIDDEN_LIMIT if hidden else int(LIMIT)
        return scaled(IntegerMap.of(self._tensors.below(name), inputs, len(bits), largest, SUM_LIMIT), bits)


class IntegerPixelLayer:
    """A map and a ReLU on the activations' grid."""

    def __init__(self, part: Scaled) -> None:
        self.matrix, bias = part
        self.bias = bias + np.float32(0.5)

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        out: NDArray[np.float32] = self.matrix @ x
        out += self.bias
        np.floor(out, out=out)
        return out.clip(0, HIDDEN_LIMIT, out=out)


class IntegerPlaneHead:
    """The part of a `PlaneHead` that is left once `IntegerWavefrontNet.enter` has done what all planes share.

    Args:
        before: Weights of the residuals of the planes before: rows of the hidden layer, then the skip map (w, planes).
        out: The map to mean, scale, tail and the predictors' weights.
    """

    def __init__(self, before: Float32[NDArray[np.float32], "w planes"], out: Scaled) -> None:
        self.before, (self.out, bias) = before, out
        self.bias = bias + np.float32(0.5)
        limits = [PART, SCALES // 2, TAILS // 2] + [MIX] * (len(bias) - 3)
        self.limits = np.array(limits, np.float32)[:, None]

    def __call__(
        self,
        entered: Float32[NDArray[np.float32], "w n"],
        predicted: Float32[NDArray[np.float32], "J n"],
        before: Float32[NDArray[np.float32], "planes n"],
    ) -> tuple[Float32[NDArray[np.float32], " n"], Float32[NDArray[np.float32], " n"]]:
        """Return the means of a plane's pixels, in steps of 2**-3 above the base, and indices of scale and tail.

        Args:
            entered: What `IntegerWavefrontNet.enter` returns for the plane, w = width + 1; overwritten.
            predicted: The plane's predictions, in steps of 2**-4.
            before: Residuals of the planes before, in the same steps.
        """
        if len(before):
            entered += self.before @ before
        np.floor(entered, out=entered)
        hidden, skip = entered[:-1], entered[-1]
        out = self.out @ hidden.clip(0, HIDDEN_LIMIT, out=hidden)
        out += self.bias
        np.floor(out, out=out)
        out.clip(-self.limits, self.limits, out=out)
        kinds = out[1] * np.float32(TAILS)
        kinds += out[2]
        kinds += np.float32((SCALES // 2) * TAILS + TAILS // 2)
        return self._means(out[0], skip, out[3:], predicted), kinds

    def _means(
        self,
        mean: NDArray[np.float32],
        skip: NDArray[np.float32],
        weights: NDArray[np.float32],
        predicted: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Return the sum of a mean's three parts, of which the last mixes the predictions."""
        weights *= predicted
        mixed: NDArray[np.float32] = weights.sum(axis=0)
        mixed *= np.float32(2.0 ** (PART_BITS - MIX_BITS - ACTIVATION_BITS))
        mixed += np.float32(0.5)
        np.floor(mixed, out=mixed)
        mixed.clip(-PART, PART, out=mixed)
        mixed += skip.clip(-PART, PART, out=skip)
        mixed += mean
        mixed *= np.float32(2.0 ** (MEAN_BITS - PART_BITS))
        mixed += np.float32(0.5)
        return np.floor(mixed, out=mixed)


class IntegerWavefrontNet:
    """A `WavefrontNet` for coding.

    Args:
        config: Sizes of the network.
        tensors: The integers of its maps, named as in `integer.packing`.

    Raises:
        BoundError: A sum could round.
        ValueError: The tensors do not fit the sizes.
    """

    def __init__(self, config: WavefrontConfig, tensors: Tensors) -> None:
        hidden, linear = config.hidden, features.linear_inputs()
        self.predictors = J = config.predictors
        maps, grid = Maps(tensors), [ACTIVATION_BITS]
        self.trunk = IntegerPixelLayer(maps.scaled("trunk", features.inputs(J), grid * hidden, hidden=False))
        self.deep = IntegerPixelLayer(maps.scaled("deep", hidden, grid * hidden, hidden=True))
        predict = maps.scaled("predict", linear, grid * (3 * J), hidden=False)
        skips = [maps.scaled(f"heads.{p}.skip", linear + p, [PART_BITS], hidden=False) for p in range(3)]
        mixes = [maps.scaled(f"heads.{p}.mix", hidden + p, grid * config.width, hidden=True) for p in range(3)]
        bits = [PART_BITS, 0, -2] + [MIX_BITS] * J
        outs = [maps.scaled(f"heads.{p}.out", config.width, bits, hidden=True) for p in range(3)]
        self._share(predict, skips, mixes)
        before = [
            np.concatenate([mix[:, hidden:], skip[:, linear:]])
            for (mix, _), (skip, _) in zip(mixes, skips, strict=True)
        ]
        self.heads = [IntegerPlaneHead(*both) for both in zip(before, outs, strict=True)]

    def _share(self, predict: Scaled, skips: list[Scaled], mixes: list[Scaled]) -> None:
        """Join the maps that all planes share, each head's with a row of zeros in the place of its skip map."""
        hidden, linear = len(self.deep.bias), features.linear_inputs()
        straight, nothing = [predict, *skips], np.zeros((1, hidden), np.float32)
        self.straight = np.concatenate([matrix[:, :linear] for matrix, _ in straight])
        self.straight_bias = np.concatenate([bias for _, bias in straight]) + np.float32(0.5)
        self.mix = np.concatenate([part for matrix, _ in mixes for part in (matrix[:, :hidden], nothing)])
        half = np.float32(0.5)
        self.mix_bias = np.concatenate([part for _, bias in mixes for part in (bias + half, nothing[:, :1])])

    def enter(
        self, everything: Float32[NDArray[np.float32], "inputs n"]
    ) -> tuple[Float32[NDArray[np.float32], "J3 n"], Float32[NDArray[np.float32], "3 w n"]]:
        """Return the predictions of all planes, 3 J of each pixel, and what each head starts from, w = width + 1."""
        n, J = everything.shape[1], 3 * self.predictors
        straight = self.straight @ everything[: features.linear_inputs()]
        straight += self.straight_bias
        mixed = self.mix @ self.deep(self.trunk(everything))
        mixed += self.mix_bias
        entered = mixed.reshape(3, -1, n)
        entered[:, -1] = straight[J:]
        predicted = np.floor(straight[:J], out=straight[:J])
        return predicted.clip(-PREDICTION, PREDICTION, out=predicted), entered
