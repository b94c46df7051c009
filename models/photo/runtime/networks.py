"""The float networks around the transform: analysis, synthesis and post-filter. No probability depends on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Float32
from numpy.typing import NDArray

from ...runtime import kernels
from ..layout import BLOCK
from .chain import KNOTS
from .transform import blocks_of, samples_of

CONTRAST_RADIUS = 2 * BLOCK
"""Pixels beyond a block that `contrast` depends on."""
STEP = 2
"""Pixels between two positions of the post-filter."""
STRIP_BLOCKS, LEAST_STRIP = 2**14, 16
"""Blocks that are filtered at once, and rows of blocks at least. High strips repeat less of their borders; each map of
a strip takes at most 64 MiB up to widths of 8,192 pixels.
"""

Map = Float32[NDArray[np.float32], "_ _ _"]


class Convolution:
    """A convolution whose weights are 8-bit integers times a scale for each output."""

    def __init__(self, tensors: Any, inputs: int, outputs: int, side: int = 3) -> None:
        weight = tensors.take("weight", np.int8, (outputs, inputs, side, side)).astype(np.float32)
        scale = tensors.take("weight.scale", np.float16, (outputs,)).astype(np.float32)
        self.weight, self.graph = weight * scale[:, None, None, None], f"convolution{side}"
        self.bias = tensors.take("bias", np.float16, (outputs,)).astype(np.float32)

    def __call__(self, x: Map) -> Map:
        """Return the convolution of a map."""
        out: Map = kernels.run(self.graph, x=x[None], weight=self.weight, bias=self.bias)[0]
        return out


class RuntimePair:
    """Two 3x3 convolutions, each after a leaky ReLU, added to the identity."""

    def __init__(self, tensors: Any, width: int, slope: float) -> None:
        first, second = (Convolution(tensors.below(name), width, width) for name in ("first", "second"))
        self.inputs = {
            "slope": np.array([slope], np.float32),
            "first": first.weight,
            "first_bias": first.bias,
            "second": second.weight,
            "second_bias": second.bias,
        }

    def __call__(self, x: Map) -> Map:
        """Return the map after both."""
        out: Map = kernels.run("residual_pair", x=x[None], **self.inputs)[0]
        return out


class BlockNetwork:
    """The network at stride 8 that corrects an image, in units of sigma (`network.analysis_synthesis.BlockNet`)."""

    def __init__(self, tensors: Any, width: int, blocks: int, extra: int, slope: float = 0.0) -> None:
        self.slope = np.float32(slope)
        self.first = Convolution(tensors.below("first"), 3 * BLOCK**2, width)
        self.extra = Convolution(tensors.below("extra"), extra, width, 1) if extra else None
        self.quality = tensors.take("quality", np.float16, (KNOTS, width)).astype(np.float32)
        self.body = [RuntimePair(tensors.below(f"body.{i}"), width, slope) for i in range(blocks)]
        self.last = Convolution(tensors.below("last"), width, 3 * BLOCK**2)
        self.receptive_field = BLOCK * (2 * blocks + 2) + CONTRAST_RADIUS

    def features(self, x: Map, quality: int, extra: Map | None = None) -> Map:
        """Return the inputs of the last convolution.

        Args:
            x: An image (3, H, W) in units of sigma, sides multiples of 8.
            quality: The network quality.
            extra: Further input at stride 8.
        """
        h = self.first(blocks_of(contrast(x)))
        h += interpolate(self.quality, quality)[:, None, None]
        if self.extra is not None and extra is not None:
            h += self.extra(extra * np.float32(0.25))
        for pair in self.body:
            h = pair(h)
        return np.asarray(np.maximum(h, h * self.slope))

    def correction(self, features: Map) -> Map:
        """Return the correction (3, H, W) of features."""
        return samples_of(self.last(features))


class RuntimePostFilter:
    """The convolutional post-filter at stride 2 (`network.postfilter.PostFilter`)."""

    def __init__(self, tensors: Any, width: int, pairs: int, conditioning: int) -> None:
        self.first = Convolution(tensors.below("first"), 3 * STEP**2, width)
        self.conditioning = Convolution(tensors.below("conditioning"), conditioning, width * (BLOCK // STEP) ** 2, 1)
        self.quality = tensors.take("quality", np.float16, (KNOTS, width)).astype(np.float32)
        self.body = [RuntimePair(tensors.below(f"body.{i}"), width, 0.0) for i in range(pairs)]
        self.last = Convolution(tensors.below("last"), width, 3 * STEP**2)
        self.halo = -(-STEP * (2 * pairs + 2) // BLOCK)
        self.receptive_field = BLOCK * self.halo + CONTRAST_RADIUS

    def __call__(self, x: Map, features: Map, quality: int) -> Map:
        """Return the correction (3, H, W) of an image in units of sigma, whole blocks.

        Args:
            x: The image.
            features: Features of the synthesis at stride 8.
            quality: The network quality.
        """
        contrasts, out = contrast(x), np.empty_like(x)
        rows, columns = features.shape[1:]
        strip = max(STRIP_BLOCKS // columns, LEAST_STRIP)
        for start in range(0, rows, strip):
            stop = min(start + strip, rows)
            first, last = max(start - self.halo, 0), min(stop + self.halo, rows)
            part = self._correction(contrasts[:, BLOCK * first : BLOCK * last], features[:, first:last], quality)
            inside = part[:, BLOCK * (start - first) : BLOCK * (stop - first)]
            out[:, BLOCK * start : BLOCK * stop] = inside
        return out

    def _correction(self, contrasts: Map, features: Map, quality: int) -> Map:
        h = self.first(np.ascontiguousarray(_unshuffled(contrasts, STEP)))
        h += _shuffled(self.conditioning(np.ascontiguousarray(features)), BLOCK // STEP)
        h += interpolate(self.quality, quality)[:, None, None]
        for pair in self.body:
            h = pair(h)
        return _shuffled(self.last(np.maximum(h, 0)), STEP)


def _unshuffled(x: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """Move step x step pixels to channels: (C, H, W) -> (C step^2, H / step, W / step)."""
    channels, height, width = x.shape
    parts = x.reshape(channels, height // step, step, width // step, step).transpose(0, 2, 4, 1, 3)
    return parts.reshape(-1, height // step, width // step)


def _shuffled(x: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """Undo `_unshuffled`."""
    channels, rows, columns = len(x) // step**2, *x.shape[1:]
    parts = x.reshape(channels, step, step, rows, columns).transpose(0, 3, 1, 4, 2)
    return parts.reshape(channels, rows * step, columns * step)


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


def _enlarged(x: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Enlarge an axis 8 times, linearly between the blocks' centres, which the borders repeat."""
    padded = np.moveaxis(np.pad(x, [(int(i == axis),) * 2 for i in range(x.ndim)], mode="edge"), axis, -1)
    share = ((np.arange(BLOCK) + 0.5) / BLOCK + 0.5).astype(np.float32)  # from the block before, in [0.5, 1.5)
    before = np.clip(1 - share, 0, 1)
    own = 1 - np.abs(share - 1)
    after = np.clip(share - 1, 0, 1)
    shares = np.stack([before, own, after])
    windows = np.stack([padded[..., :-2], padded[..., 1:-1], padded[..., 2:]], axis=-1)
    spread = (windows @ shares).reshape(*windows.shape[:-2], -1)
    return np.moveaxis(spread, -1, axis)
