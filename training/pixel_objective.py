"""What the pixels' model is trained on: the bits of crops' groups, given the lossy image beside them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..models.lattice import SPACING, Phases, base_of, features, padded, phases
from ..models.pixel_net import MEAN_STEPS, GroupNet, PixelNet, Shape
from ..models.residual_tables import cost


def pixel_bits(net: PixelNet, planes: Tensor, shown: Tensor, shares: Sequence[float] = (1, 1, 1)) -> Tensor:
    """Bits of every group and channel, (10, 3), summed over the batch.

    `planes` and `shown` (B, 3, H, W) are what `colours.split` makes of the pixels and of the lossy image; sides are
    multiples of 8. Of each level, coarse first, a random share of the positions stands for all.
    """
    beside = {parity: padded(plane) for parity, plane in phases(shown[..., ::4, ::4]).items()}
    rows = [_group_bits(net.group(0), {}, beside, planes[..., ::SPACING, ::SPACING], 1)]
    for level, share in enumerate(shares):
        step = SPACING >> (level + 1)
        mine, theirs = phases(planes[..., ::step, ::step]), phases(shown[..., ::step, ::step])
        known = {parity: padded(plane) for parity, plane in mine.items()}
        beside = {parity: padded(plane) for parity, plane in theirs.items()}
        for place in range(3):
            group = net.group(1 + 3 * level + place)
            rows.append(_group_bits(group, known, beside, mine[group.group.parity], share))
    return torch.stack(rows)


def _group_bits(net: GroupNet, known: Phases, lossy: Phases, wanted: Tensor, share: float) -> Tensor:
    """Bits of a group by channel, (3,)."""
    rows = slice(0, wanted.shape[2])
    base = base_of(net.group, known, lossy, rows)
    seen = features(net.group, known, lossy, base, rows).flatten(1)
    target = (wanted - base).transpose(0, 1).flatten(1)  # (3, n)
    if share < 1:
        kept = torch.randperm(seen.shape[1])[: max(1, int(share * seen.shape[1]))]
        seen, target = seen[:, kept], target[:, kept]
    scale = wanted[:, 0].numel() / target.shape[1]
    return scale * torch.stack([cost(*pair).sum() for pair in zip(target, _shapes(net, seen, target), strict=True)])


def _shapes(net: GroupNet, seen: Tensor, target: Tensor) -> list[Shape]:
    """The distributions of each channel, given features (inputs, n) and the channels' differences to the base."""
    seen = seen.t()
    hidden = net.hidden(seen)
    before, shapes = hidden.new_zeros(hidden.shape[0], 0), []
    for difference, head in zip(target, net.heads, strict=True):
        shape: Shape = head(hidden, seen, before)
        middle = torch.floor(shape.mean.detach() / MEAN_STEPS + 0.5)
        innovation = (difference - middle).clamp(-127, 127)
        before = torch.cat([before, innovation[:, None]], dim=1)
        shapes.append(shape)
    return shapes
