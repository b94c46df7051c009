"""The pass over lossless pixels in wavefronts of many tiles, in exact integer arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Integer
from numpy.typing import NDArray
from torch import Tensor

from .. import colours
from ..heads import MEAN_BITS, MEAN_STEPS
from ..integer_heads import PlaneStep
from .features import UNIT
from .integer import IntegerWavefrontNet
from .skew import Tiling
from .skewed_samples import SkewedSamples


@dataclass
class _Front:
    """The wavefront that is being coded: n pixels, tile after tile."""

    index: int
    base: Tensor  # (3, n), steps of 2**-4
    predicted: Tensor  # (3 J, n), steps of 2**-4
    entered: Tensor  # what each plane's head begins from (3, width + 1, n)
    before: Tensor  # residuals of the planes before (2, n), steps of 2**-4
    inside: NDArray[np.bool_] | None  # which lie in the strip (n,)
    middles: Tensor  # rounded means of the plane that is being coded (n,), grey levels


class WavefrontPass:
    """A pass over a strip, front after front and plane after plane.

    Args:
        net: The network.
        shown: Planes of the lossy image, in grey levels.
        wanted: Planes of the image itself, which only an encoder has.
        grey: Whether the luminance alone is coded.
    """

    def __init__(
        self,
        net: IntegerWavefrontNet,
        shown: Float[Tensor, "3 height width"],
        wanted: Float[Tensor, "3 height width"] | None,
        *,
        grey: bool,
    ) -> None:
        self.net, self.channels = net, 1 if grey else 3
        self.tiling = tiling = Tiling(*shown.shape[1:])
        self.wanted = None if wanted is None else tiling.skewed(tiling.tiles(wanted)).int().numpy()
        self.samples = SkewedSamples(tiling, net.predictors, shown)
        inside = tiling.within()
        self.inside = None if inside is None else inside.numpy()
        self.front: _Front | None = None

    @property
    def depth(self) -> int:
        """Number of layers: planes of wavefronts."""
        return self.channels * self.tiling.fronts

    def blocks(self, index: int) -> Iterator[PlaneStep]:
        """Yield one plane of a wavefront's pixels, tile after tile; none where it has none in the strip."""
        at, plane = divmod(index, self.channels)
        if not self.tiling.length(at):
            return
        if self.front is None or self.front.index != at:
            self.front = self._enter(at)
        inside = self.front.inside
        contexts, middles = self._contexts(self.front, plane)
        wanted = None if self.wanted is None else self.wanted[at, plane, :, self.tiling.rows(at)].reshape(-1)
        if inside is None:
            yield PlaneStep(index, contexts, middles, wanted)
        elif inside.any():
            yield PlaneStep(index, contexts[inside], middles[inside], None if wanted is None else wanted[inside])
        else:
            self._fill(self.front, plane, torch.zeros(0))

    def absorb(self, step: PlaneStep, choice: Integer[Tensor, " n"]) -> None:
        """Store the plane's pixels, and add their residuals to the inputs of the planes that follow.

        Args:
            step: The step that `blocks` yielded last.
            choice: Residuals (n,) of the plane's pixels to their rounded means, in grey levels.
        """
        assert self.front is not None
        self._fill(self.front, step.layer % self.channels, choice)

    def finish(self) -> Float[Tensor, "3 height width"]:
        """Return the decoded planes, in grey levels."""
        return self.samples.planes()

    def _enter(self, at: int) -> _Front:
        """Gather the features of a wavefront's pixels, and run the shared layers."""
        base, everything = self.samples.features(at)
        predicted, entered = self.net.enter(everything)
        inside = None if self.inside is None else self.inside[at, :, self.tiling.rows(at)].reshape(-1)
        return _Front(at, base, predicted, entered, base.new_empty(2, base.shape[1]), inside, base[0])

    def _contexts(self, front: _Front, plane: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the contexts and rounded means of a plane's pixels. (n,) each"""
        J = self.net.predictors
        mine = front.predicted[J * plane : J * plane + J]
        steps, kinds = self.net.heads[plane](front.entered[plane], mine, front.before[:plane])
        steps.add_(front.base[plane], alpha=MEAN_STEPS / UNIT)
        steps.clamp_(colours.LOWEST[plane] * MEAN_STEPS, colours.HIGHEST[plane] * MEAN_STEPS)
        front.middles = (steps + MEAN_STEPS // 2).mul_(2.0**-MEAN_BITS).floor_()
        fractions = steps.sub_(front.middles, alpha=MEAN_STEPS).add_(MEAN_STEPS // 2)
        contexts = fractions.add_(kinds, alpha=MEAN_STEPS)
        return contexts.int().numpy(), front.middles.int().numpy()

    def _fill(self, front: _Front, plane: int, residuals: Tensor) -> None:
        """Store a plane's residuals of the pixels inside the strip; those outside have none."""
        if front.inside is not None:
            whole = torch.zeros(len(front.middles), dtype=residuals.dtype)
            whole[torch.from_numpy(front.inside)] = residuals
            residuals = whole
        values = (front.middles + residuals).clamp_(colours.LOWEST[plane], colours.HIGHEST[plane]).mul_(UNIT)
        J = self.net.predictors
        errors = values - front.base[plane] - front.predicted[J * plane : J * plane + J]
        self.samples.put(front.index, plane, values, errors)
        if plane < 2:
            torch.mul(residuals.clamp(-127, 127), UNIT, out=front.before[plane])
