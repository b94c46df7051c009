"""The walk over lossless pixels: the last layers, below a hierarchy's symbols, in exact integer arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from . import colours
from .integer.grid import ACTIVATION_BITS
from .lattice import PARITIES, SPACING, Group, Parity, base_of, features, padded, phases
from .photo.integer.chain import FrozenLinear, rounded, runs
from .pixel_net import BOUND_BITS, HIDDEN_LIMIT, MEAN_BITS, MEAN_STEPS, SCALES, TAILS, GroupNet, Head

BAND_POSITIONS = 16384
"""Positions of a band of a group: its temporaries stay in a processor's cache."""

UNIT = 2.0**ACTIVATION_BITS


class FrozenHead:
    """A `pixel_net.Head`: contexts and rounded means of one channel."""

    def __init__(self, head: Head) -> None:
        self.mix = FrozenLinear(head.mix, ACTIVATION_BITS)
        self.out = FrozenLinear(head.out, torch.tensor([BOUND_BITS, 0, 0]))
        self.skip = FrozenLinear(head.skip, BOUND_BITS)

    def __call__(self, hidden: Tensor, seen: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Steps (n, ...) of 2**-4 to the mean in steps of 1/8 above the base, and the index of scale and tail. (n,)"""
        inner = rounded(self.mix(torch.cat([hidden, before], dim=1))).clamp_(0, HIDDEN_LIMIT)
        raw = self.out(inner)
        limit = 1024.0 * 2**BOUND_BITS
        straight = rounded(self.skip(torch.cat([seen, before], dim=1))[:, 0]).clamp_(-limit, limit)
        mean = rounded(raw[:, 0]).clamp_(-limit, limit).add_(straight)
        scale = rounded(raw[:, 1]).clamp_(-(SCALES // 2), SCALES // 2).add_(SCALES // 2)
        tail = rounded(raw[:, 2] * 0.25).clamp_(-(TAILS // 2), TAILS // 2).add_(TAILS // 2)
        return rounded(mean.mul_(2.0 ** (MEAN_BITS - BOUND_BITS))), scale.mul_(TAILS).add_(tail)


class FrozenGroup:
    """A `pixel_net.GroupNet`."""

    def __init__(self, net: GroupNet) -> None:
        self.group = net.group
        self.trunk = FrozenLinear(net.trunk, ACTIVATION_BITS)
        self.heads = [FrozenHead(head) for head in net.heads]  # type: ignore[arg-type]


@dataclass
class Step:
    """One channel of one group, as a chooser sees it."""

    layer: int
    contexts: NDArray[np.int32]
    middles: NDArray[np.int32]
    """The rounded means, (n,)."""
    wanted: NDArray[np.int32] | None

    def residuals(self) -> NDArray[np.int32]:
        """How far the pixels are from their rounded means."""
        if self.wanted is None:
            raise ValueError("residuals need the pixels: the walk was given none")
        return self.wanted - self.middles


@dataclass
class _Open:
    """The group that is being coded."""

    index: int
    base: Tensor  # (3, h, w)
    seen: list[Tensor]  # by band: features (n, inputs), steps
    hidden: list[Tensor]  # by band: (n, hidden), steps
    before: list[Tensor]  # by band: residuals of the channels before (n, channels), steps
    inside: NDArray[np.bool_]  # (h * w,) which positions lie in the image


class PixelDescent:
    """A strip's way down its groups. Layers are (group, channel) pairs; of a grey strip the luminance alone.

    `planes` is what is known of the strip so far (1, 3, H, W); positions outside the image repeat their base.
    """

    def __init__(
        self, nets: list[FrozenGroup], shown: Tensor, size: tuple[int, int], wanted: Tensor | None, *, grey: bool
    ) -> None:
        self.nets, self.shown, self.size, self.wanted = nets, shown, size, wanted
        self.channels = 1 if grey else 3
        self.planes = torch.zeros_like(shown)
        self.open: _Open | None = None

    @property
    def depth(self) -> int:
        """How many layers there are."""
        return len(self.nets) * self.channels

    def blocks(self, index: int) -> Iterator[Step]:
        """The layer's positions in the image, at once; none where the group has no pixels."""
        group, channel = divmod(index, self.channels)
        if self.open is None or self.open.index != group:
            self.open = self._enter(group)
        opened = self.open
        heads = self.nets[group].heads[channel]
        parts = [heads(*inputs) for inputs in zip(opened.hidden, opened.seen, opened.before, strict=True)]
        steps, kinds = (torch.cat(part).int().numpy() for part in zip(*parts, strict=True))
        contexts, middles = placed(steps, kinds, opened.base[channel].reshape(-1).int().numpy(), channel)
        self.middles, inside = middles, opened.inside
        if inside.any():
            wanted = None if self.wanted is None else self._target(group, self.wanted, channel)[inside]
            yield Step(index, contexts[inside], middles[inside], wanted)
        else:
            self._fill(group, channel, np.zeros(0, np.int32))

    def absorb(self, step: Step, choice: Tensor) -> None:
        """Puts the pixels into the strip and shows their residuals to the channels that follow."""
        group, channel = divmod(step.layer, self.channels)
        self._fill(group, channel, choice.numpy())

    def finish(self) -> Tensor:
        """The planes, (3, H, W) with the sides filled up."""
        return self.planes[0]

    def _fill(self, group: int, channel: int, residual: NDArray[np.int32]) -> None:
        """Residuals of the positions inside the image; those outside have none."""
        assert self.open is not None
        whole = np.zeros(len(self.middles), np.int32)
        whole[self.open.inside] = residual
        values = np.clip(self.middles + whole, colours.LOWEST[channel], colours.HIGHEST[channel])
        y, x, step = self._place(group)
        target = self.planes[0, channel, y::step, x::step]
        target.copy_(torch.from_numpy(values).view(target.shape))
        seen = torch.from_numpy(np.clip(whole, -127, 127)).float().mul_(UNIT)
        sizes = [len(part) for part in self.open.hidden]
        columns = zip(self.open.before, torch.split(seen, sizes), strict=True)
        self.open.before = [torch.cat([part, column[:, None]], dim=1) for part, column in columns]

    def _place(self, group: int) -> tuple[int, int, int]:
        """The first row and column of a group, and the spacing of its pixels."""
        if not group:
            return 0, 0, SPACING
        level, place = divmod(group - 1, 3)
        half = SPACING >> (level + 1)
        y, x = PARITIES[1 + place]
        return y * half, x * half, 2 * half

    def _target(self, group: int, planes: Tensor, channel: int) -> NDArray[np.int32]:
        y, x, step = self._place(group)
        part: NDArray[np.int32] = planes[0, channel, y::step, x::step].reshape(-1).int().numpy()
        return part

    def _enter(self, index: int) -> _Open:
        """Sees what is known around a group's positions, in bands of rows."""
        net = self.nets[index]
        y, x, step = self._place(index)
        known, beside = self._around(index)
        height, width = self.shown.shape[2] // step, self.shown.shape[3] // step
        rows = runs(height, max(1, BAND_POSITIONS // width))
        bases = [base_of(net.group, known, beside, band) for band in rows]
        seen = [_seen(net.group, known, beside, *pair) for pair in zip(bases, rows, strict=True)]
        hidden = [rounded(net.trunk(part)).clamp_(0, HIDDEN_LIMIT) for part in seen]
        before = [part.new_zeros(len(part), 0) for part in seen]
        inside = np.zeros((height, width), bool)
        inside[: max(0, -(-(self.size[0] - y) // step)), : max(0, -(-(self.size[1] - x) // step))] = True
        return _Open(index, torch.cat(bases, dim=2)[0], seen, hidden, before, inside.reshape(-1))

    def _around(self, index: int) -> tuple[dict[Parity, Tensor], dict[Parity, Tensor]]:
        """The padded phases of the group's level: pixels known so far, and the lossy image."""
        half = SPACING >> ((index - 1) // 3 + 1) if index else SPACING // 2
        known, beside = (
            {parity: padded(plane) for parity, plane in phases(planes[..., ::half, ::half]).items()}
            for planes in (self.planes, self.shown)
        )
        return known, beside


def placed(
    steps: NDArray[np.int32], kinds: NDArray[np.int32], base: NDArray[np.int32], channel: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """What a `FrozenHead` says of pixels of a channel with this base: their contexts and rounded means. (n,)"""
    low, high = colours.LOWEST[channel] * MEAN_STEPS, colours.HIGHEST[channel] * MEAN_STEPS
    means = np.clip(steps + base * np.int32(MEAN_STEPS), low, high)
    middles: NDArray[np.int32] = (means + np.int32(MEAN_STEPS // 2)) >> MEAN_BITS
    fractions = means - middles * np.int32(MEAN_STEPS) + np.int32(MEAN_STEPS // 2)
    return kinds * np.int32(MEAN_STEPS) + fractions, middles


def _seen(group: Group, known: dict[Parity, Tensor], beside: dict[Parity, Tensor], base: Tensor, rows: slice) -> Tensor:
    """Features of a band of rows, in steps. (n, inputs)"""
    return features(group, known, beside, base, rows).flatten(1).t().contiguous().mul_(UNIT)
