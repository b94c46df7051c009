"""The networks of `families.nets`: convolutions as products of matrices, residual blocks, resizing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ....shapes import Float32
from ...runtime.linear import FLOAT32_LIMIT, RESIDUAL_BITS, IntegerMap
from ...slices import slices
from ..config import FamilyConfig, squeezed_width
from .arithmetic import RuntimeArithmetic, activation

FLOAT64_LIMIT = 2.0**53
BLOCK_ENTRIES = 2**17
"""Numbers in the inputs of one product of matrices: they stay in a processor's cache."""

Map = Float32[NDArray[np.float32], "B H W C"]
Other = Float32[NDArray[np.float32], "B h w D"]
"""A map of another size."""


class LinearMap:
    """A linear map of patches of a map to patches of another one, for the inputs of its arithmetic.

    Weights files order a patch by channel, then by position; here it is by position, as channels-last maps have it.

    Args:
        tensors: Tensors named weight, bias, and shift or scale.
        inputs: Channels of the inputs.
        outputs: Channels of the outputs.
        arithmetic: Integer arithmetic, with outputs in steps of 2**-8, not rounded, or float arithmetic.
        taps: Positions of a patch of inputs.
        cells: Positions of a patch of outputs.

    Raises:
        ValueError: The tensors do not fit, or a sum could round.
    """

    def __init__(
        self, tensors: Any, inputs: int, outputs: int, arithmetic: RuntimeArithmetic, *, taps: int = 1, cells: int = 1
    ) -> None:
        read = _integers if arithmetic.exact else _floats
        weight, bias = read(tensors, inputs * taps, outputs * cells)
        patches = weight.reshape(outputs, cells, inputs, taps).transpose(3, 2, 1, 0)
        self.matrix = np.ascontiguousarray(patches.reshape(taps * inputs, cells * outputs))
        self.bias = np.ascontiguousarray(bias.reshape(outputs, cells).T.reshape(-1))

    def __call__(self, rows: Float32[NDArray[np.float32], "n inputs"]) -> Float32[NDArray[np.float32], "n outputs"]:
        """Return the outputs of patches. Where sums need more than 24 bits they are computed in float64."""
        sums = rows.astype(self.matrix.dtype, copy=False) @ self.matrix
        sums += self.bias
        found: NDArray[np.float32] = sums.astype(np.float32, copy=False)
        return found


def _integers(tensors: Any, inputs: int, outputs: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return weights and bias in steps of 2**-8, in float32 or, where a sum could reach 2**24, in float64."""
    found = IntegerMap.of(tensors, inputs, outputs, limit=FLOAT64_LIMIT)
    dtype = np.dtype(np.float32 if found.bound() < FLOAT32_LIMIT else np.float64)
    scale = found.scale(RESIDUAL_BITS)
    bias = found.bias.astype(np.float32) * scale
    return found.weight.astype(dtype) * scale[:, None], bias.astype(dtype)


def _floats(tensors: Any, inputs: int, outputs: int) -> tuple[NDArray[Any], NDArray[Any]]:
    scale = tensors.take("scale", np.float16, (outputs,)).astype(np.float32)
    weight = tensors.take("weight", np.int8, (outputs, inputs)) * scale[:, None]
    return weight, tensors.take("bias", np.float16, (outputs,)).astype(np.float32)


class RuntimeConvolution:
    """A 1x1 or 3x3 convolution with zero padding; see `LinearMap` for the arguments."""

    def __init__(self, tensors: Any, inputs: int, outputs: int, arithmetic: RuntimeArithmetic, kernel: int = 3) -> None:
        self.kernel, self.linear = kernel, LinearMap(tensors, inputs, outputs, arithmetic, taps=kernel**2)

    def __call__(self, x: Map) -> Float32[NDArray[np.float32], "B H W D"]:
        """Return the convolution of inputs of a product."""
        B, H, W, C = x.shape
        line = W * C * self.kernel**2
        patches, out = self._patches(x), np.empty((B, H, W, len(self.linear.bias)), np.float32)
        for images in slices(B, max(1, BLOCK_ENTRIES // (H * line))):
            for rows in slices(H, max(1, BLOCK_ENTRIES // line)):
                block = patches[images, rows]
                mapped = self.linear(block.reshape(-1, C * self.kernel**2))
                out[images, rows] = mapped.reshape(*block.shape[:3], -1)
        return out

    def _patches(self, x: Map) -> Float32[NDArray[np.float32], "B H W *patch"]:
        """Return a view of the patch around each position."""
        B, H, W, C = x.shape
        if self.kernel == 1:
            return x
        padded = np.zeros((B, H + 2, W + 2, C), np.float32)
        padded[:, 1:-1, 1:-1] = x
        lines = padded.reshape(B, H + 2, (W + 2) * C)
        return sliding_window_view(lines, (3, 3 * C), (1, 2))[:, :, ::C]


class RuntimeExcitation:
    """Weighs the channels of a map by what they are in the mean."""

    def __init__(self, tensors: Any, width: int, arithmetic: RuntimeArithmetic) -> None:
        self.arithmetic, units = arithmetic, squeezed_width(width)
        self.first = RuntimeConvolution(tensors.below("first"), width, units, arithmetic, 1)
        self.second = RuntimeConvolution(tensors.below("second"), units, width, arithmetic, 1)

    def __call__(self, h: Map) -> Map:
        """Return the features after the weighing."""
        squeezed = self.arithmetic.elu(self.first(self.arithmetic.pooled(h)))
        return self.arithmetic.scaled(h, self.second(squeezed))


class RuntimeResidualBlock:
    """A residual block: d + second(ELU(first(ELU(d)))), or with the second map gated or its channels weighed."""

    def __init__(self, tensors: Any, width: int, kind: str, arithmetic: RuntimeArithmetic) -> None:
        self.arithmetic, self.gated = arithmetic, kind == "gated"
        self.excitation = RuntimeExcitation(tensors.below("excitation"), width, arithmetic) if kind == "se" else None
        self.first = RuntimeConvolution(tensors.below("first"), width, width, arithmetic)
        self.second = RuntimeConvolution(tensors.below("second"), width, width * (2 if self.gated else 1), arithmetic)

    def __call__(self, d: Map) -> Map:
        """Return the features after the block."""
        h = self.second(self.arithmetic.elu(self.first(self.arithmetic.elu(d))))
        if self.gated:
            h = self.arithmetic.gated(h)
        elif self.excitation is not None:
            h = self.excitation(h)
        h += d
        return self.arithmetic.residual(h)


class RuntimeHidden:
    """A hidden layer of a perceptron: the map of an activation; `kind` is `elu` or `tanh`."""

    def __init__(self, tensors: Any, width: int, kind: str, arithmetic: RuntimeArithmetic) -> None:
        self.arithmetic, self.kind = arithmetic, kind
        self.map = RuntimeConvolution(tensors.below("map"), width, width, arithmetic, 1)

    def __call__(self, d: Map) -> Map:
        """Return the values of the layer before their activation."""
        return self.arithmetic.residual(self.map(activation(d, self.kind, self.arithmetic)))


class RuntimeDown:
    """Halves the sides of a map, rounded up: a linear map of 2x2 patches, plus their mean."""

    def __init__(self, tensors: Any, width: int, arithmetic: RuntimeArithmetic) -> None:
        self.arithmetic = arithmetic
        self.patch = LinearMap(tensors.below("patch"), width, width, arithmetic, taps=4)

    def __call__(self, x: Map) -> Float32[NDArray[np.float32], "B h w C"]:
        """Return the smaller map."""
        B, H, W, C = x.shape
        even = self.arithmetic.residual(np.pad(x, ((0, 0), (0, H % 2), (0, W % 2), (0, 0))))
        h, w = even.shape[1] // 2, even.shape[2] // 2
        patches = even.reshape(B, h, 2, w, 2, C).transpose(0, 1, 3, 2, 4, 5).reshape(-1, 4, C)
        mapped = self.patch(self.arithmetic.inputs(patches.reshape(-1, 4 * C)))
        mapped += patches.sum(axis=1) * np.float32(0.25)
        return self.arithmetic.residual(mapped).reshape(B, h, w, C)


class RuntimeUp:
    """Doubles the sides of a map and crops them to `side`: a linear map to 2x2 patches, plus repetition."""

    def __init__(self, tensors: Any, width: int, side: int, arithmetic: RuntimeArithmetic) -> None:
        self.side, self.arithmetic = side, arithmetic
        self.patch = LinearMap(tensors.below("patch"), width, width, arithmetic, cells=4)

    def __call__(self, d: Map) -> Float32[NDArray[np.float32], "B h w C"]:
        """Return the larger map."""
        B, H, W, C = d.shape
        patches = self.patch(self.arithmetic.elu(d).reshape(-1, C)).reshape(B, H, W, 4, C)
        patches += d[:, :, :, None]
        spread = self.arithmetic.residual(patches).reshape(B, H, W, 2, 2, C).transpose(0, 1, 3, 2, 4, 5)
        return np.ascontiguousarray(spread.reshape(B, 2 * H, 2 * W, C)[:, : self.side, : self.side])


class RuntimeSequence:
    """Runs networks one after the other."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __call__(self, x: Map) -> Other:
        """Return the features after all parts."""
        for part in self.parts:
            x = part(x)
        return x


def blocks(
    tensors: Any, count: int, config: FamilyConfig, arithmetic: RuntimeArithmetic, *, first: int = 0
) -> tuple[RuntimeResidualBlock | RuntimeHidden, ...]:
    """Return residual blocks, or hidden layers of a perceptron.

    Args:
        tensors: Tensors of the network that they are in.
        count: Their number.
        config: Sizes of the model.
        arithmetic: Integer or float arithmetic.
        first: Number of the first in its network.
    """
    kind = RuntimeHidden if config.network == "mlp" else RuntimeResidualBlock
    return tuple(kind(tensors.below(str(first + i)), config.width, config.block, arithmetic) for i in range(count))
