"""The walk over colour pixels in wavefronts, in exact integer arithmetic (see raster)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from . import colours
from .integer.grid import ACTIVATION_BITS
from .photo.integer.chain import FrozenLinear, rounded
from .pixel_net import HIDDEN_LIMIT
from .pixel_walk import UNIT, FrozenHead, Step, placed
from .raster import RasterNet, base_of, differences, scaled


class FrozenRaster:
    """A `RasterNet` for coding."""

    def __init__(self, net: RasterNet) -> None:
        self.reach = net.config.reach
        self.trunk = FrozenLinear(net.trunk, ACTIVATION_BITS)
        self.heads = [FrozenHead(head) for head in net.heads]  # type: ignore[arg-type]


@dataclass
class _Front:
    """The wavefront that is being coded."""

    index: int
    places: Tensor  # (n,) in a plane of the flat canvas
    base: Tensor  # (3, n)
    seen: Tensor  # (n, inputs), steps
    hidden: Tensor  # (n, hidden), steps
    before: Tensor  # residuals of the planes before (n, planes), steps
    middles: NDArray[np.int32]  # rounded means of the plane that is being coded (n,)


class RasterDescent:
    """Images (B, 3, H, W) on their way, wavefront after wavefront and plane after plane; `wanted` is the encoder's."""

    def __init__(self, net: FrozenRaster, features: Tensor, wanted: Tensor | None) -> None:
        self.net, self.wanted = net, wanted
        self.features = scaled(features).permute(0, 2, 3, 1)  # (B, H, W, F)
        B, H, W = self.features.shape[:3]
        self.canvas = net.reach.padded(torch.zeros(3, B, H, W))
        self.inside = net.reach.padded(torch.ones(H, W))
        self.fronts = list(net.reach.wavefronts(H, W))
        stride = self.inside.shape[1]
        self.deltas = torch.tensor([dy * stride + dx for dy, dx in net.reach.offsets()])
        self.images = torch.arange(B)[:, None] * self.inside.numel()
        self.front: _Front | None = None

    @property
    def depth(self) -> int:
        """How many layers there are: planes of wavefronts."""
        return 3 * len(self.fronts)

    def blocks(self, index: int) -> Iterator[Step]:
        """One plane of a wavefront's pixels, image after image."""
        at, plane = divmod(index, 3)
        if self.front is None or self.front.index != at:
            self.front = self._enter(at)
        front = self.front
        steps, kinds = self.net.heads[plane](front.hidden, front.seen, front.before)
        contexts, front.middles = placed(
            steps.int().numpy(), kinds.int().numpy(), front.base[plane].int().numpy(), plane
        )
        y, x = self.fronts[at]
        wanted = None if self.wanted is None else self.wanted[:, plane, y, x].flatten().int().numpy()
        yield Step(index, contexts, front.middles, wanted)

    def absorb(self, step: Step, choice: Tensor) -> None:
        """Puts the plane's pixels in and shows their residuals to the planes that follow."""
        assert self.front is not None
        plane, residuals = step.layer % 3, choice.numpy()
        values = np.clip(self.front.middles + residuals, colours.LOWEST[plane], colours.HIGHEST[plane])
        self.canvas[plane].view(-1)[self.front.places] = torch.from_numpy(values).float()
        column = torch.from_numpy(np.clip(residuals, -127, 127)).float().mul_(UNIT)
        self.front.before = torch.cat([self.front.before, column[:, None]], dim=1)

    def finish(self) -> Tensor:
        """The planes. (B, 3, H, W)"""
        reach = self.net.reach
        return self.canvas[:, :, reach.rows :, reach.columns : -reach.columns].transpose(0, 1)

    def _enter(self, index: int) -> _Front:
        """Sees what is known around a wavefront's pixels."""
        y, x = self.fronts[index]
        reach = self.net.reach
        corner = (y + reach.rows) * self.inside.shape[1] + x + reach.columns
        places = (self.images + corner).flatten()
        around = self.canvas.view(3, -1)[:, places[:, None] + self.deltas]
        inside = self.inside.view(-1)[corner[:, None] + self.deltas].repeat(len(self.images), 1)
        base = base_of(around, inside)
        rows = self.features[:, y, x].flatten(0, 1)
        seen = torch.cat([differences(around, inside, base), rows], dim=1).mul_(UNIT)
        hidden = rounded(self.net.trunk(seen)).clamp_(0, HIDDEN_LIMIT)
        return _Front(index, places, base, seen, hidden, seen.new_zeros(len(seen), 0), np.empty(0, np.int32))
