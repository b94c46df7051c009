"""The stages of the top-down chain in integers; states are maps (1, C, H, W) in steps of the residual stream."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Int32
from ...configs import RRVQConfig
from ...runtime.blocks import integer_block
from ...runtime.linear import RESIDUAL_BITS, STATE_LIMIT, IntegerMap, Matrix, clamped, product_inputs, rounded
from ...slices import slices
from ..layout import PhotoLayerPlan, photo_plan
from .layer import CONTEXT, RuntimeLayer

KNOTS = 17
"""Number of learned vectors between which the quality interpolates linearly."""
RUN = 2048
"""Positions that are mapped at once: their temporaries stay in a processor's cache."""

State = Float32[NDArray[np.float32], "1 _ _ _"]
Features = Float32[NDArray[np.float32], "_ hidden"]


class RuntimeBlock:
    """A residual block: 3x3 to a ReLU, 1x1 back."""

    def __init__(self, width: int, tensors: Any) -> None:
        spatial = IntegerMap.of(tensors.below("spatial"), 9 * width, width)
        point = IntegerMap.of(tensors.below("point"), width, width, 255)
        self.inputs: dict[str, NDArray[Any]] = {
            "spatial": spatial.unsigned().reshape(width, width, 3, 3),
            "spatial_bias": spatial.bias[:, None, None],
            "spatial_scale": spatial.scale(4)[:, None, None],
            "point": point.unsigned()[:, :, None, None],
            "point_bias": point.bias[:, None, None],
            "point_scale": point.scale(RESIDUAL_BITS)[:, None, None],
        }

    def __call__(self, state: State) -> State:
        """Return the state after the block."""
        return integer_block(state, self.inputs)


class RuntimeStage:
    """Layers of one scale that share one spatial update of the state."""

    def __init__(
        self, plans: list[PhotoLayerPlan], width: int, config: RRVQConfig, *, neighbours: bool, tensors: Any
    ) -> None:
        hidden, sizes = config.hidden, [len(plan.coefficients) + CONTEXT for plan in plans]
        self.quality = tensors.take("quality", np.int16, (KNOTS, width)).astype(np.float32) / 2**8
        self.blocks = [RuntimeBlock(width, tensors.below(f"blocks.{i}")) for i in range(config.blocks)]
        self.head = Matrix(IntegerMap.of(tensors.below("head"), width, hidden), RESIDUAL_BITS)
        self.layers = [
            RuntimeLayer(
                plan,
                hidden,
                direct=config.prior == "direct",
                last=plan is plans[-1],
                neighbours=neighbours,
                tensors=tensors.below(f"layers.{i}"),
            )
            for i, plan in enumerate(plans)
        ]
        close = Matrix(IntegerMap.of(tensors.below("close"), sum(sizes), width), RESIDUAL_BITS)
        columns = np.split(close.matrix, np.cumsum(sizes)[:-1])
        self.bias = close.bias
        self.close = [layer.codewords * 2**4 @ part for layer, part in zip(self.layers, columns, strict=True)]

    def enter(self, state: State, quality: int) -> State:
        """Apply the spatial update to a state, for a network quality."""
        shift = interpolate(self.quality, quality) * 2**RESIDUAL_BITS
        entered = clamped(state + shift[:, None, None], -STATE_LIMIT, STATE_LIMIT)
        for block in self.blocks:
            entered = block(entered)
        return entered

    def features(self, state: State) -> Features:
        """Return the features of all positions in steps of the residual stream."""
        flat = state.reshape(state.shape[1], -1)
        parts = [self.head(product_inputs(flat[:, run].T)) for run in slices(flat.shape[1], RUN)]
        return clamped(rounded(np.concatenate(parts)), -STATE_LIMIT, STATE_LIMIT)

    def leave(self, state: State, symbols: list[Int32[NDArray[np.int32], " N"]]) -> State:
        """Add what the stage's symbols add to the state, in place."""
        flat = state.reshape(state.shape[1], -1)
        for run in slices(flat.shape[1], RUN):
            sums = np.zeros((run.stop - run.start, state.shape[1]), np.float32) + self.bias
            for table, chosen in zip(self.close, symbols, strict=True):
                sums += table.take(chosen[run], axis=0)
            flat[:, run] += sums.T
            flat[:, run] = clamped(rounded(flat[:, run]), -STATE_LIMIT, STATE_LIMIT)
        return state


def interpolate(knots: Float32[NDArray[np.float32], "knots C"], quality: int) -> Float32[NDArray[np.float32], " C"]:
    """Interpolate linearly between learned vectors at the qualities 0, 256, ..., 4096, on the grid 2**-8."""
    low = min(quality >> 8, KNOTS - 2)
    part = np.float32((quality - (low << 8)) / 256)
    table = np.clip(knots, -8, 8)
    mixed = np.asarray(table[low] * (1 - part) + table[low + 1] * part, np.float32)
    return np.asarray(rounded(mixed * np.float32(2**8)) / np.float32(2**8))


class RuntimeChain:
    """The whole top-down chain.

    Args:
        config: Sizes of the model.
        tensors: Tensors below "chain" in a weights file.

    Raises:
        ValueError: They do not fit, or a sum could round.
    """

    def __init__(self, config: RRVQConfig, tensors: Any) -> None:
        plan, count = photo_plan(config.layout), 0
        self.config, self.strides = config, tuple(plan)
        self.stages: dict[int, list[RuntimeStage]] = {}
        for i, (stride, stages) in enumerate(plan.items()):
            self.stages[stride] = []
            for j, plans in enumerate(stages):
                below = tensors.below(f"stages.{i}.{j}")
                stage = RuntimeStage(
                    plans, config.widths[stride], config, neighbours=count < config.neighbours, tensors=below
                )
                self.stages[stride].append(stage)
                count += 1
        pairs = zip(self.strides, self.strides[1:], strict=False)
        self.grow = [
            Matrix(
                IntegerMap.of(tensors.below(f"grow.{i}.point"), config.widths[a], 4 * config.widths[b]), RESIDUAL_BITS
            )
            for i, (a, b) in enumerate(pairs)
        ]

    def layers(self) -> list[RuntimeLayer]:
        """Return all layers in coding order."""
        return [layer for stride in self.strides for stage in self.stages[stride] for layer in stage.layers]

    def initial_state(self, size: tuple[int, int]) -> State:
        """Return the state before the first stage: zeros."""
        return np.zeros((1, self.config.widths[self.strides[0]], *size), np.float32)

    def upsample(self, scale: int, state: State, size: tuple[int, int]) -> State:
        """Return the state at scale `scale`, cropped to `size`, from the state of the coarser scale before it."""
        _, channels, rows, columns = state.shape
        grown = self.grow[scale - 1](product_inputs(state.reshape(channels, -1).T))
        spread = grown.reshape(rows, columns, -1, 2, 2).transpose(2, 0, 3, 1, 4).reshape(-1, 2 * rows, 2 * columns)
        cropped = np.ascontiguousarray(spread[None, :, : size[0], : size[1]])
        return clamped(rounded(cropped), -STATE_LIMIT, STATE_LIMIT)

    def upsampled_to(self, finest: int, state: State, stride: int, sizes: dict[int, tuple[int, int]]) -> State:
        """Return the state at stride `finest` from that of a coarser stride, or of the same."""
        for scale in range(self.strides.index(stride) + 1, self.strides.index(finest) + 1):
            state = self.upsample(scale, state, sizes[self.strides[scale]])
        return state
