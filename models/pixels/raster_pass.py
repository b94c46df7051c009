"""The pass over colour pixels in wavefronts, in exact integer arithmetic (see `raster`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int32
from numpy.typing import NDArray
from torch import Tensor

from ..integer.compiled import IntegerLinear, rounded
from ..integer.grid import ACTIVATION_BITS
from . import colours
from .heads import HIDDEN_LIMIT
from .integer_heads import UNIT, IntegerHead, PlaneStep, placed
from .places import WavefrontPlaces
from .raster import RasterNet, base_of, differences, scaled


class IntegerRasterNet:
    """A `RasterNet` in integer arithmetic, for coding."""

    def __init__(self, net: RasterNet) -> None:
        self.receptive_field = net.config.receptive_field
        self.trunk = IntegerLinear(net.trunk, ACTIVATION_BITS)
        self.heads = [IntegerHead(head) for head in net.heads]  # type: ignore[arg-type]


@dataclass
class _Front:
    """The wavefront that is being coded: n pixels, image after image."""

    index: int
    places: Tensor  # (n,) in a padded plane, flattened
    base: Float[Tensor, "3 n"]  # grey levels
    inputs: Float[Tensor, "n inputs"]  # steps of 2**-4
    hidden: Float[Tensor, "n hidden"]  # the same steps
    before: Float[Tensor, "n planes"]  # residuals of the planes before, the same steps
    middles: NDArray[np.int32]  # rounded means of the plane that is being coded (n,)


class RasterPass:
    """A pass over a batch of images, wavefront after wavefront and plane after plane.

    Args:
        net: The network.
        features: Maps of features.
        wanted: The images' planes, which only an encoder has.
    """

    def __init__(
        self, net: IntegerRasterNet, features: Float[Tensor, "B F H W"], wanted: Float[Tensor, "B 3 H W"] | None
    ) -> None:
        self.net, self.wanted = net, wanted
        self.features = scaled(features).permute(0, 2, 3, 1)  # (B, H, W, F)
        B, H, W = self.features.shape[:3]
        self.padded = net.receptive_field.padded(torch.zeros(3, B, H, W))
        self.inside = net.receptive_field.padded(torch.ones(H, W)).flatten()
        self.places = WavefrontPlaces(net.receptive_field, B, H, W)
        self.front: _Front | None = None

    @property
    def depth(self) -> int:
        """Number of layers: planes of wavefronts."""
        return 3 * len(self.places.fronts)

    def blocks(self, index: int) -> Iterator[PlaneStep]:
        """Yield one plane of a wavefront's pixels, image after image."""
        at, plane = divmod(index, 3)
        if self.front is None or self.front.index != at:
            self.front = self._enter(at)
        front = self.front
        steps, kinds = self.net.heads[plane](front.hidden, front.inputs, front.before)
        contexts, front.middles = placed(
            steps.int().numpy(), kinds.int().numpy(), front.base[plane].int().numpy(), plane
        )
        y, x = self.places.fronts[at]
        wanted = None if self.wanted is None else self.wanted[:, plane, y, x].flatten().int().numpy()
        yield PlaneStep(index, contexts, front.middles, wanted)

    def absorb(self, step: PlaneStep, choice: Int32[Tensor, " n"]) -> None:
        """Store the plane's pixels, and add their residuals to the inputs of the planes that follow."""
        assert self.front is not None
        plane, residuals = step.layer % 3, choice.numpy()
        values = np.clip(self.front.middles + residuals, colours.LOWEST[plane], colours.HIGHEST[plane])
        self.padded[plane].view(-1)[self.front.places] = torch.from_numpy(values).float()
        column = torch.from_numpy(np.clip(residuals, -127, 127)).float().mul_(UNIT)
        self.front.before = torch.cat([self.front.before, column[:, None]], dim=1)

    def finish(self) -> Float[Tensor, "B 3 H W"]:
        """Return the decoded planes, in grey levels."""
        return self.places.cropped(self.padded).transpose(0, 1)

    def _enter(self, index: int) -> _Front:
        """Gather the network's inputs for a wavefront's pixels, and run its shared layer."""
        y, x = self.places.fronts[index]
        places, corner = self.places.all(index), self.places.inside(index)
        around = self.padded.view(3, -1)[:, self.places.neighbours(places)]
        inside = self.inside[self.places.neighbours(corner)].repeat(len(self.features), 1)
        base = base_of(around, inside)
        rows = self.features[:, y, x].flatten(0, 1)
        inputs = torch.cat([differences(around, inside, base), rows], dim=1).mul_(UNIT)
        hidden = rounded(self.net.trunk(inputs)).clamp_(0, HIDDEN_LIMIT)
        return _Front(index, places, base, inputs, hidden, inputs.new_zeros(len(inputs), 0), np.empty(0, np.int32))
