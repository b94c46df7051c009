"""The pass over colour pixels in wavefronts, in exact integer arithmetic (see `raster`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...shapes import Float, Float32, Int32, Int64
from ..integer.weights_file import Tensors
from ..runtime.linear import ACTIVATION_BITS, FLOAT32_LIMIT, IntegerMap, Matrix, clamped, rounded
from . import colours
from .grids import FEATURE_LIMIT, HIDDEN_LIMIT, UNIT
from .integer_heads import IntegerHead, WavefrontStep, placed
from .places import WavefrontPlaces
from .raster_config import FEATURE_SCALE, START, RasterConfig


class IntegerRasterNet:
    """A `RasterNet` in integer arithmetic, for coding.

    Args:
        config: Sizes of the network.
        tensors: The integers of its maps, named as in `integer.packing`.
        limit: Bound of sums in steps of their grid.

    Raises:
        BoundError: A sum could reach the limit.
        ValueError: The tensors do not fit the sizes.
    """

    def __init__(self, config: RasterConfig, tensors: Tensors, limit: float = FLOAT32_LIMIT) -> None:
        self.receptive_field = config.receptive_field
        trunk = IntegerMap.of(tensors.below("trunk"), config.inputs, config.hidden, FEATURE_LIMIT, limit)
        self.trunk = Matrix(trunk, ACTIVATION_BITS)
        self.heads = [
            IntegerHead(tensors.below(f"heads.{plane}"), config.inputs, plane, config.hidden, config.width, limit)
            for plane in range(3)
        ]


@dataclass
class _Front:
    """The wavefront that is being coded: n pixels, image after image."""

    index: int
    places: Int64[NDArray[np.int64], " n"]  # in a padded plane, flattened
    base: Float32[NDArray[np.float32], "3 n"]  # grey levels
    inputs: Float32[NDArray[np.float32], "n inputs"]  # steps of 2**-4
    hidden: Float32[NDArray[np.float32], "n hidden"]  # the same steps
    before: Float32[NDArray[np.float32], "n planes"]  # residuals of the planes before, the same steps
    middles: Int32[NDArray[np.int32], " m"]  # rounded means of the plane that is being coded


class RasterPass:
    """A pass over a batch of images, wavefront after wavefront and plane after plane.

    Args:
        net: The network.
        features: Maps of features.
        wanted: The images' planes, which only an encoder has.
    """

    def __init__(
        self,
        net: IntegerRasterNet,
        features: Float[NDArray[np.float32], "B F H W"],
        wanted: Float[NDArray[np.float32], "B 3 H W"] | None,
    ) -> None:
        self.net, self.wanted = net, wanted
        whole = clamped(rounded(features * np.float32(UNIT)), -127, 127)
        self.features = (whole * np.float32(FEATURE_SCALE)).transpose(0, 2, 3, 1)  # (B, H, W, F), steps of 2**-4
        B, H, W = self.features.shape[:3]
        self.padded = net.receptive_field.padded(np.zeros((3, B, H, W), np.float32))
        self.inside = net.receptive_field.padded(np.ones((H, W), np.float32)).ravel()
        self.places = WavefrontPlaces(net.receptive_field, B, H, W)
        self.front: _Front | None = None

    @property
    def depth(self) -> int:
        """Number of layers: planes of wavefronts."""
        return 3 * len(self.places.fronts)

    def blocks(self, index: int) -> Iterator[WavefrontStep]:
        """Yield one plane of a wavefront's pixels, image after image."""
        at, plane = divmod(index, 3)
        if self.front is None or self.front.index != at:
            self.front = self._enter(at)
        front = self.front
        steps, kinds = self.net.heads[plane](front.hidden, front.inputs, front.before)
        contexts, front.middles = placed(steps, kinds, front.base[plane].astype(np.int32), plane)
        y, x = self.places.fronts[at]
        wanted = None if self.wanted is None else self.wanted[:, plane, y, x].ravel().astype(np.int32)
        yield WavefrontStep(index, contexts, front.middles, wanted)

    def absorb(self, step: WavefrontStep, choice: Int32[NDArray[np.int32], " n"]) -> None:
        """Store the plane's pixels, and add their residuals to the inputs of the planes that follow.

        Args:
            step: The step that `blocks` yielded last.
            choice: Residuals (n,) of the plane's pixels to their rounded means, in grey levels.
        """
        assert self.front is not None
        plane = step.layer % 3
        values = np.clip(self.front.middles + choice, colours.LOWEST[plane], colours.HIGHEST[plane])
        self.padded[plane].reshape(-1)[self.front.places] = values
        column = np.clip(choice, -127, 127).astype(np.float32) * np.float32(UNIT)
        self.front.before = np.concatenate([self.front.before, column[:, None]], axis=1)

    def finish(self) -> Float32[NDArray[np.float32], "B 3 H W"]:
        """Return the decoded planes, in grey levels."""
        return self.places.cropped(self.padded).swapaxes(0, 1)

    def _enter(self, index: int) -> _Front:
        """Gather the network's inputs for a wavefront's pixels, and run its shared layer."""
        y, x = self.places.fronts[index]
        places, corner = self.places.all(index), self.places.inside(index)
        around = self.padded.reshape(3, -1)[:, self.places.neighbours(places)]
        inside = np.tile(self.inside[self.places.neighbours(corner)], (len(self.features), 1))
        base = base_of(around, inside)
        rows = self.features[:, y, x].reshape(-1, self.features.shape[-1])
        inputs = np.concatenate([differences(around, inside, base) * np.float32(UNIT), rows], axis=1)
        hidden = clamped(rounded(self.net.trunk(inputs)), 0, HIDDEN_LIMIT)
        none = np.empty((len(places), 0), np.float32)
        return _Front(index, places, base, inputs, hidden, none, np.empty(0, np.int32))


def base_of(
    around: Float32[NDArray[np.float32], "3 n neighbours"], inside: Float32[NDArray[np.float32], "n neighbours"]
) -> Float32[NDArray[np.float32], "3 n"]:
    """Return the mean of the pixels above and to the left, of those inside the image, in grey levels.

    Args:
        around: The neighbours' planes, 0 outside the image; above and left are the first two offsets.
        inside: 1 for neighbours inside the image, 0 for others.
    """
    count = inside[:, 0] + inside[:, 1]
    sums = around[:, :, 0] + around[:, :, 1]  # outside is 0
    start = np.array(START, np.float32)[:, None]
    return np.where(count == 2, np.floor((sums + 1) * np.float32(0.5)), np.where(count == 1, sums, start))


def differences(
    around: Float32[NDArray[np.float32], "3 n neighbours"],
    inside: Float32[NDArray[np.float32], "n neighbours"],
    base: Float32[NDArray[np.float32], "3 n"],
) -> Float32[NDArray[np.float32], "n inputs"]:
    """Return the neighbours' differences to the base, 0 outside, and the base: 3 * neighbours + 3 inputs."""
    apart = ((around - base[:, :, None]) * inside).swapaxes(0, 1)
    middle = (base - np.array(START, np.float32)[:, None]).T
    found = np.concatenate([apart.reshape(-1, 3 * around.shape[-1]), middle], axis=1)
    return clamped(found, -127, 127)
