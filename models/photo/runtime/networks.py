"""The float networks around the transform: analysis, synthesis and post-filter. No probability depends on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float, Float32
from ...runtime import kernels
from ...runtime.onnx_file import FLOATS, Graph
from ...slices import slices
from ..layout import BLOCK
from .chain import KNOTS
from .transform import blocks_of, samples_of

CONTRAST_RADIUS = 2 * BLOCK
"""Pixels beyond a block that `contrast` depends on."""
STEP = 2
"""Pixels between two positions of the post-filter."""
STRIP_ROWS = 32
"""Rows of blocks that are moved between blocks and pixels at once."""

Map = Float32[NDArray[np.float32], "_ _ _"]


class Convolution:
    """A convolution whose weights are 8-bit integers times a scale for each output."""

    def __init__(self, tensors: Any, inputs: int, outputs: int, side: int = 3) -> None:
        weight = tensors.take("weight", np.int8, (outputs, inputs, side, side))
        scale = tensors.take("weight.scale", np.float16, (outputs,)).astype(np.float32)
        self.weight, self.pads = weight * scale[:, None, None, None], [side // 2] * 4
        self.bias = tensors.take("bias", np.float16, (outputs,)).astype(np.float32)

    def __call__(self, graph: Graph, x: str) -> str:
        """Add the convolution of a map to a graph."""
        return graph.node("Conv", x, graph.constant(self.weight), graph.constant(self.bias), pads=self.pads)


class RuntimePair:
    """Two 3x3 convolutions, each after a leaky ReLU, added to the identity."""

    def __init__(self, tensors: Any, width: int, slope: float) -> None:
        self.convolutions = [Convolution(tensors.below(name), width, width) for name in ("first", "second")]
        self.slope = slope

    def __call__(self, graph: Graph, x: str) -> str:
        """Add the map after both to a graph."""
        h = x
        for convolution in self.convolutions:
            h = convolution(graph, positive(graph, h, self.slope))
        return graph.node("Add", x, h)


def positive(graph: Graph, x: str, slope: float) -> str:
    """Add a leaky ReLU to a graph."""
    if not slope:
        return graph.node("Relu", x)
    return graph.node("Max", x, graph.node("Mul", x, graph.constant(slope)))


class BlockNetwork:
    """The network at stride 8 that corrects an image, in units of sigma (`network.analysis_synthesis.BlockNet`)."""

    def __init__(self, tensors: Any, width: int, blocks: int, extra: int, slope: float = 0.0) -> None:
        self.slope = slope
        self.first = Convolution(tensors.below("first"), 3 * BLOCK**2, width)
        self.extra = Convolution(tensors.below("extra"), extra, width, 1) if extra else None
        self.quality = tensors.take("quality", np.float16, (KNOTS, width)).astype(np.float32)
        self.body = [RuntimePair(tensors.below(f"body.{i}"), width, slope) for i in range(blocks)]
        self.last = Convolution(tensors.below("last"), width, 3 * BLOCK**2)
        self.receptive_field = BLOCK * (2 * blocks + 2) + CONTRAST_RADIUS
        self.network = kernels.Network(self._graph)

    def _graph(self) -> bytes:
        graph = Graph({"x": (FLOATS, 4), "quality": (FLOATS, 3)} | ({"extra": (FLOATS, 4)} if self.extra else {}))
        h = graph.node("Add", self.first(graph, "x"), "quality")
        if self.extra is not None:
            h = graph.node("Add", h, self.extra(graph, graph.node("Mul", "extra", graph.constant(0.25))))
        for pair in self.body:
            h = pair(graph, h)
        features = positive(graph, h, self.slope)
        return graph.file(features, self.last(graph, features))

    def __call__(self, x: Map, quality: int, extra: Map | None = None) -> Map:
        """Add the correction to an image, in place, and return the inputs of the last convolution at stride 8.

        Args:
            x: The image (3, H, W) in units of sigma, sides multiples of 8.
            quality: The network quality.
            extra: Further input at stride 8.
        """
        given = {"x": contrast_blocks(x)[None], "quality": interpolate(self.quality, quality)[:, None, None]}
        if extra is not None:
            given["extra"] = extra[None]
        features, correction = self.network.run_and_release(**given)
        given.clear()  # what follows needs the memory
        for rows in slices(features.shape[2], STRIP_ROWS):
            x[:, _pixels(rows)] += samples_of(correction[0][:, rows])
        kept: Map = features[0]
        return kept


class RuntimePostFilter:
    """The convolutional post-filter at stride 2 (`network.postfilter.PostFilter`)."""

    def __init__(self, tensors: Any, width: int, pairs: int, conditioning: int) -> None:
        self.first = Convolution(tensors.below("first"), 3 * STEP**2, width)
        self.conditioning = Convolution(tensors.below("conditioning"), conditioning, width * (BLOCK // STEP) ** 2, 1)
        self.quality = tensors.take("quality", np.float16, (KNOTS, width)).astype(np.float32)
        self.body = [RuntimePair(tensors.below(f"body.{i}"), width, 0.0) for i in range(pairs)]
        self.last = Convolution(tensors.below("last"), width, 3 * STEP**2)
        self.halo = -(-STEP * (2 * pairs + 2) // BLOCK)
        """Blocks beside one whose contrast and features change what is added there."""
        self.receptive_field = BLOCK * self.halo + CONTRAST_RADIUS
        self.network = kernels.Network(self._graph)

    def _graph(self) -> bytes:
        graph = Graph({"x": (FLOATS, 4), "features": (FLOATS, 4), "quality": (FLOATS, 3)})
        h = graph.node("Add", self.first(graph, "x"), "quality")
        h = graph.node("Add", h, _spread(graph, self.conditioning(graph, "features"), BLOCK // STEP))
        for pair in self.body:
            h = pair(graph, h)
        return graph.file(_spread(graph, self.last(graph, positive(graph, h, 0.0)), STEP))

    def __call__(self, contrasts: Map, features: Map, quality: int, *, last: bool = True) -> Map:
        """Return the correction (3, H, W) of whole blocks, in units of sigma.

        Args:
            contrasts: `contrast` of the image, (3, H, W).
            features: Features of the synthesis at stride 8.
            quality: The network quality.
            last: Whether to give back the memory that the network takes.
        """
        shift = interpolate(self.quality, quality)[:, None, None]
        pixels = np.ascontiguousarray(_unshuffled(contrasts, STEP))
        run = self.network.run_and_release if last else self.network
        (found,) = run(x=pixels[None], features=np.ascontiguousarray(features)[None], quality=shift)
        part: Map = found[0]
        return part


def _spread(graph: Graph, x: str, step: int) -> str:
    """Add the move of step x step channels to pixels to a graph: (1, C step^2, H, W) -> (1, C, H step, W step)."""
    return graph.node("DepthToSpace", x, blocksize=step, mode="CRD")


def _unshuffled(x: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """Move step x step pixels to channels, the inverse of `_spread`: (C, H, W) -> (C step^2, H / step, W / step)."""
    channels, height, width = x.shape
    parts = x.reshape(channels, height // step, step, width // step, step).transpose(0, 2, 4, 1, 3)
    return parts.reshape(-1, height // step, width // step)


def interpolate(knots: Float32[NDArray[np.float32], "knots C"], quality: int) -> Float32[NDArray[np.float32], " C"]:
    """Interpolate linearly between learned vectors at the qualities 0, 256, ..., 4096."""
    low = min(quality >> 8, KNOTS - 2)
    part = np.float32((quality - (low << 8)) / 256)
    return np.asarray(knots[low] * (1 - part) + knots[low + 1] * part)


def contrast(x: Float[NDArray[np.float32], "3 H W"]) -> Float[NDArray[np.float32], "3 H W"]:
    """Return the difference of an image from a smooth version, companded to about unit size."""
    channels, height, width = x.shape
    means = x.reshape(channels, height // BLOCK, BLOCK, width // BLOCK, BLOCK).mean(axis=(2, 4))
    padded = np.pad(means, ((0, 0), (1, 1), (1, 1)), mode="edge")
    down = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    smooth = (down[:, :, :-2] + down[:, :, 1:-1] + down[:, :, 2:]) / np.float32(9)
    detail = x - _enlarged(_enlarged(smooth, 1), 2)
    return np.asarray(detail / (4 + np.abs(detail) / 4))


def contrast_of(
    x: Float[NDArray[np.float32], "3 H W"], rows: slice, columns: slice
) -> Float[NDArray[np.float32], "3 _ _"]:
    """Return the contrast of some rows and columns of blocks of an image, as `contrast` of the whole has it there."""
    shape = x.shape[1] // BLOCK, x.shape[2] // BLOCK
    wide = [_grown(part, count, CONTRAST_RADIUS // BLOCK) for part, count in zip((rows, columns), shape, strict=True)]
    found = contrast(x[:, *(_pixels(part) for part in wide)])
    inside = (slice(a.start - b.start, a.stop - b.start) for a, b in zip((rows, columns), wide, strict=True))
    return found[:, *(_pixels(part) for part in inside)]


def contrast_blocks(x: Float[NDArray[np.float32], "3 H W"]) -> Float[NDArray[np.float32], "192 rows columns"]:
    """Return the samples of each block's contrast, ordered by colour, row and column; in strips, to spare memory."""
    rows, columns = x.shape[1] // BLOCK, x.shape[2] // BLOCK
    out = np.empty((3 * BLOCK**2, rows, columns), np.float32)
    for part in slices(rows, STRIP_ROWS):
        out[:, part] = blocks_of(contrast_of(x, part, slice(0, columns)))
    return out


def _pixels(blocks: slice) -> slice:
    return slice(BLOCK * blocks.start, BLOCK * blocks.stop)


def _grown(part: slice, count: int, margin: int) -> slice:
    return slice(max(part.start - margin, 0), min(part.stop + margin, count))


def _enlarged(x: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Enlarge an axis 8 times, linearly between the blocks' centres, which the borders repeat."""
    padded = np.moveaxis(np.pad(x, [(int(i == axis),) * 2 for i in range(x.ndim)], mode="edge"), axis, -1)
    share = ((np.arange(BLOCK) + 0.5) / BLOCK + 0.5).astype(np.float32)  # from the block before, in [0.5, 1.5)
    before = np.clip(1 - share, 0, 1)
    own = 1 - np.abs(share - 1)
    after = np.clip(share - 1, 0, 1)
    spread = padded[..., :-2, None] * before + padded[..., 1:-1, None] * own + padded[..., 2:, None] * after
    return np.moveaxis(spread.reshape(*padded.shape[:-1], -1), -1, axis)
