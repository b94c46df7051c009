"""The pass over lossless pixels in wavefronts of many tiles, in exact integer arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Int32
from .. import colours
from ..grids import MEAN_BITS, MEAN_STEPS, UNIT
from ..integer_heads import WavefrontStep
from .integer import IntegerWavefrontNet
from .skew import SkewedMaps, Tiling
from .skewed_samples import SkewedSamples


@dataclass
class _Front:
    """The wavefront that is being coded: n pixels, tile after tile."""

    index: int
    base: NDArray[np.float32]  # (3, n), steps of 2**-4
    predicted: NDArray[np.float32]  # (3 J, n), steps of 2**-4
    entered: NDArray[np.float32]  # what each plane's head begins from (3, width + 1, n)
    before: NDArray[np.float32]  # residuals of the planes before (2, n), steps of 2**-4
    inside: NDArray[np.bool_] | None  # which lie in the strip (n,)
    middles: NDArray[np.float32]  # rounded means of the plane that is being coded (n,), grey levels


class WavefrontPass:
    """A pass over the tiles of a strip, front after front and plane after plane.

    Args:
        net: The network.
        tiling: The tiles.
        around: The lossy image at the offsets of its features, in grey levels (`features.shown_around`).
        wanted: Planes of the image itself, which only an encoder has.
        grey: Whether the luminance alone is coded.
    """

    def __init__(
        self,
        net: IntegerWavefrontNet,
        tiling: Tiling,
        around: Float32[NDArray[np.float32], "maps tiles h w"],
        wanted: Float32[NDArray[np.float32], "3 tiles h w"] | None,
        *,
        grey: bool,
    ) -> None:
        self.net, self.tiling, self.channels = net, tiling, 1 if grey else 3
        self.wanted = None if wanted is None else SkewedMaps.of(tiling, wanted.astype(np.int32))
        self.samples = SkewedSamples(tiling, net.predictors, around)
        self.inside = tiling.within()
        self.front: _Front | None = None

    @property
    def depth(self) -> int:
        """Number of layers: planes of wavefronts."""
        return self.channels * self.tiling.fronts

    def blocks(self, index: int) -> Iterator[WavefrontStep]:
        """Yield one plane of a wavefront's pixels, tile after tile; none where it has none in the strip."""
        at, plane = divmod(index, self.channels)
        if not self.tiling.length(at):
            return
        if self.front is None or self.front.index != at:
            self.front = self._enter(at)
        inside = self.front.inside
        contexts, middles = self._contexts(self.front, plane)
        wanted = None if self.wanted is None else self.wanted.front(at)[0, plane].reshape(-1)
        if inside is None:
            yield WavefrontStep(index, contexts, middles, wanted)
        elif inside.any():
            yield WavefrontStep(index, contexts[inside], middles[inside], None if wanted is None else wanted[inside])
        else:
            self._fill(self.front, plane, np.zeros(0, np.int32))

    def absorb(self, step: WavefrontStep, choice: Int32[NDArray[np.int32], " n"]) -> None:
        """Store the plane's pixels, and add their residuals to the inputs of the planes that follow.

        Args:
            step: The step that `blocks` yielded last.
            choice: Residuals (n,) of the plane's pixels to their rounded means, in grey levels.
        """
        assert self.front is not None
        self._fill(self.front, step.layer % self.channels, choice)

    def finish(self) -> Float32[NDArray[np.float32], "3 height width"]:
        """Return the decoded planes, in grey levels."""
        return self.samples.planes()

    def _enter(self, at: int) -> _Front:
        """Gather the features of a wavefront's pixels, and run the shared layers."""
        base, everything = self.samples.features(at)
        predicted, entered = self.net.enter(everything)
        inside = None if self.inside is None else self.inside.front(at)[0, 0].reshape(-1)
        return _Front(at, base, predicted, entered, np.empty_like(base[:2]), inside, base[0])

    def _contexts(self, front: _Front, plane: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the contexts and rounded means of a plane's pixels. (n,) each"""
        J = self.net.predictors
        mine = front.predicted[J * plane : J * plane + J]
        steps, kinds = self.net.heads[plane](front.entered[plane], mine, front.before[:plane])
        steps += front.base[plane] * np.float32(MEAN_STEPS / UNIT)
        steps.clip(colours.LOWEST[plane] * MEAN_STEPS, colours.HIGHEST[plane] * MEAN_STEPS, out=steps)
        front.middles = np.floor((steps + np.float32(MEAN_STEPS // 2)) * np.float32(2.0**-MEAN_BITS))
        steps -= front.middles * np.float32(MEAN_STEPS)  # the fractions
        kinds *= np.float32(MEAN_STEPS)
        kinds += steps
        kinds += np.float32(MEAN_STEPS // 2)
        return kinds.astype(np.int32), front.middles.astype(np.int32)

    def _fill(self, front: _Front, plane: int, residuals: NDArray[np.int32]) -> None:
        """Store a plane's residuals of the pixels inside the strip; those outside have none."""
        whole = residuals.astype(np.float32)
        if front.inside is not None:
            whole = np.zeros_like(front.middles)
            whole[front.inside] = residuals
        values = front.middles + whole
        values.clip(colours.LOWEST[plane], colours.HIGHEST[plane], out=values)
        values *= np.float32(UNIT)
        J = self.net.predictors
        errors = values - front.base[plane] - front.predicted[J * plane : J * plane + J]
        self.samples.put(front.index, plane, values, errors)
        if plane < 2:
            np.multiply(whole.clip(-127, 127, out=whole), np.float32(UNIT), out=front.before[plane])
